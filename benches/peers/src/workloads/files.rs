//! 10,000 small files are read, by 100 at once.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fresh::processor_ms;
use crate::peers::{Local, OnUring, Smol, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

const READERS: u64 = 100;

const BYTES: usize = 1024;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "files",
        what: "10,000 files of 1 KiB are read by 100 at once, from the page cache",
        operation: "a file",
        operations: 10_000,
        source: include_str!("files.rs"),
        kind: Kind::Fresh {
            figures: &["wall, ns for a file", "processor, ms for all of them"],
            rounds: 11,
        },
        // May, Boost.Fiber and monoio on epoll have nothing for files.
        peers: peers![
            "greenhub": greenhub,
            "tokio": tokio,
            "smol": smol,
            "monoio, io_uring": monoio,
            "Go": go by Go,
            "gevent": gevent by Gevent,
            "std, one thread, one by one": std,
        ],
    }]
}

/// A folder of files, which is removed in the end.
struct Files(PathBuf);

impl Files {
    fn new(count: u64) -> Files {
        let folder = std::env::temp_dir().join(format!("peers-files-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let files = Files(folder);
        for n in 0..count {
            fs::write(files.path(n), [b'x'; BYTES]).expect("there is room");
        }
        files
    }

    fn path(&self, n: u64) -> PathBuf {
        self.0.join(n.to_string())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What is left lies in the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What was taken since the start, for the figures.
struct Bill(Instant, f64);

impl Bill {
    fn open() -> Bill {
        Bill(Instant::now(), processor_ms())
    }

    #[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
    fn close(self, bytes: u64, files: u64) -> [f64; 2] {
        let wall: Duration = self.0.elapsed();
        assert_eq!(bytes, files * BYTES as u64);
        [wall.as_secs_f64() * 1e9 / files as f64, processor_ms() - self.1]
    }
}

/// `monkey::fs::read`, which has other threads read.
fn greenhub(operations: u64) -> [f64; 2] {
    let files = Rc::new(Files::new(operations));
    let bill = Bill::open();
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let files = files.clone();
            greenhub::spawn(move || {
                (reader..operations)
                    .step_by(READERS as usize)
                    .map(|n| greenhub::monkey::fs::read(files.path(n)).expect("it is there").len())
                    .sum::<usize>() as u64
            })
        })
        .collect();
    let bytes = readers.into_iter().map(|reader| reader.join().expect("it does not panic")).sum();
    bill.close(bytes, operations)
}

/// `fs::read`, which has the threads for what blocks read.
fn tokio(operations: u64) -> [f64; 2] {
    let files = Arc::new(Files::new(operations));
    on_tokio(async move {
        let bill = Bill::open();
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let files = files.clone();
                tokio::spawn(async move {
                    let mut bytes = 0;
                    for n in (reader..operations).step_by(READERS as usize) {
                        bytes += tokio::fs::read(files.path(n)).await.expect("it is there").len();
                    }
                    bytes as u64
                })
            })
            .collect();
        let mut bytes = 0;
        for reader in readers {
            bytes += reader.await.expect("it does not panic");
        }
        bill.close(bytes, operations)
    })
}

/// `fs::read`, which has the threads for what blocks read.
fn smol(operations: u64) -> [f64; 2] {
    local::<Smol, _>(operations, async |path| smol::fs::read(path).await)
}

/// `fs::read`, with `IoUringDriver`: what the kernel is asked for through the ring, it does itself.
fn monoio(operations: u64) -> [f64; 2] {
    local::<OnUring, _>(operations, async |path| monoio::fs::read(path).await)
}

fn local<L, R>(operations: u64, read: R) -> [f64; 2]
where
    L: Local,
    R: AsyncFn(PathBuf) -> std::io::Result<Vec<u8>> + Copy + 'static,
{
    let files = Rc::new(Files::new(operations));
    L::run(async move {
        let bill = Bill::open();
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let files = files.clone();
                L::spawn(async move {
                    let mut bytes = 0;
                    for n in (reader..operations).step_by(READERS as usize) {
                        bytes += read(files.path(n)).await.expect("it is there").len();
                    }
                    bytes as u64
                })
            })
            .collect();
        let mut bytes = 0;
        for reader in readers {
            bytes += reader.await;
        }
        bill.close(bytes, operations)
    })
}

/// `fs::read`, the floor: nobody waits for anybody.
fn std(operations: u64) -> [f64; 2] {
    let files = Files::new(operations);
    let bill = Bill::open();
    let read = |n| fs::read(files.path(n)).expect("it is there").len() as u64;
    let bytes = (0..operations).map(read).sum();
    bill.close(bytes, operations)
}

/// `os.ReadFile`; GOMAXPROCS is 1, but a call that takes long has another thread go on.
fn go(operations: u64) -> Figures {
    let files = Files::new(operations);
    Program::Go.run_in(&files.0, "files", &[operations, READERS])
}

/// `gevent.fileobject.FileObject`, which has the threads of the hub's pool read.
fn gevent(operations: u64) -> Figures {
    let files = Files::new(operations);
    Program::Gevent.run_in(&files.0, "files", &[operations, READERS])
}

//! What the tests share: a bound on their time, and scratch files.

#[path = "../support/bounded.rs"]
mod bounded;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};

pub(crate) use self::bounded::{bounded, bounded_by};

/// A path that no other test has; what is there is removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Scratch(std::env::temp_dir().join(format!("greenhub-net-{}-{number}", std::process::id())))
    }

    pub(crate) fn holding(content: &[u8]) -> Scratch {
        let scratch = Scratch::new();
        std::fs::write(&scratch.0, content).unwrap();
        scratch
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Most tests make the file, but not all.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Both ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// The descriptors that this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs a test alone in a process of its own, for what belongs to the process: its
/// descriptors, its threads, its memory.
pub(crate) fn alone(name: &str, body: impl FnOnce() + Send + 'static) {
    const MARK: &str = "GREENHUB_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return bounded_by(Duration::from_secs(100), body);
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

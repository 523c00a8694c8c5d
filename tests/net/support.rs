//! What the tests share: a bound on their time, and scratch files.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use greenhub::monkey::net::{TcpListener, TcpStream};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::bounded;

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

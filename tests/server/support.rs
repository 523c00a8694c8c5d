//! What the tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::server::{ClusterServer, StreamServer};
use greenhub::{Cluster, Hub, sleep};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::{bounded, bounded_by};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends back what it receives.
pub(crate) fn echo(mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

/// An echo server that is started, and its address.
pub(crate) fn echo_server() -> (StreamServer, SocketAddr) {
    started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)))
}

pub(crate) fn started(server: StreamServer) -> (StreamServer, SocketAddr) {
    server.start().unwrap();
    let address = server.local_addr().unwrap();
    (server, address)
}

pub(crate) fn cluster_of(hubs: usize) -> Cluster {
    Cluster::new(hubs).expect("a cluster")
}

/// A server over a cluster that is started, and its address.
pub(crate) fn serving<R>(
    cluster: &Cluster,
    handle: impl Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
) -> (ClusterServer, SocketAddr) {
    let server = ClusterServer::bind(cluster, "127.0.0.1:0", handle);
    server.start().unwrap();
    let address = server.local_addr().unwrap();
    (server, address)
}

/// What comes back for `data`.
pub(crate) fn ask(stream: &mut (impl Read + Write), data: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(data)?;
    let mut answer = vec![0; data.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Whether a new client is answered.
#[track_caller]
pub(crate) fn assert_serves(address: SocketAddr) {
    let mut client = TcpStream::connect(address).unwrap();
    assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
}

#[track_caller]
pub(crate) fn assert_refused(address: SocketAddr) {
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

/// Waits until `is_so`; what never is fails by the test's bound.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(millis(1));
    }
}

/// What the hub's error hook is told from now on: of whom, and what.
pub(crate) fn told() -> Rc<RefCell<Vec<(String, String)>>> {
    let list = Rc::new(RefCell::new(Vec::new()));
    let own = Rc::clone(&list);
    Hub::current().set_error_hook(move |unhandled| {
        let message = unhandled.message().unwrap_or("no text").to_owned();
        own.borrow_mut().push((unhandled.origin.to_owned(), message));
    });
    list
}

/// What must be as before when a server has stopped.
#[derive(Debug, PartialEq)]
pub(crate) struct Held {
    descriptors: usize,
    sources: usize,
    timers: usize,
    stacks: usize,
}

/// Only of use alone in a process.
pub(crate) fn held() -> Held {
    let stats = Hub::current().stats();
    Held {
        descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        sources: stats.sources,
        timers: stats.timers,
        stacks: stats.stacks_in_use,
    }
}

/// A path that no other test has; what is there is removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("greenhub-server-{}-{number}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Most tests make the file, but not all.
        let _ = std::fs::remove_file(&self.0);
    }
}

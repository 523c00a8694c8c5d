//! What the tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::server::StreamServer;
use greenhub::tls::{TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsStream};
use greenhub::{Hub, sleep, spawn};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::bounded;
use crate::certificates::Files;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Both ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// Both ends of a connection with TLS.
pub(crate) fn tls_pair(files: &Files) -> (TlsStream, TlsStream) {
    let (near, far) = pair();
    let (connector, acceptor) = (connector(files), acceptor(files));
    let accepting = spawn(move || acceptor.accept(far).unwrap());
    let client = connector.handshake("localhost", near).unwrap();
    (client, accepting.join().unwrap())
}

pub(crate) fn acceptor(files: &Files) -> TlsAcceptor {
    builder(files).build().unwrap()
}

pub(crate) fn builder(files: &Files) -> TlsAcceptorBuilder {
    let (chain, key) = files.server();
    TlsAcceptor::builder(chain, key)
}

/// It trusts the tests' authority.
pub(crate) fn connector(files: &Files) -> TlsConnector {
    TlsConnector::from_roots(files.roots()).unwrap()
}

/// Sends back what it receives.
pub(crate) fn echo(mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

/// What comes back for `data`.
pub(crate) fn ask(stream: &mut (impl Read + Write), data: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(data)?;
    let mut answer = vec![0; data.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// An echo server with TLS, and what it told of handshakes that failed.
pub(crate) struct EchoServer {
    pub(crate) server: StreamServer,
    pub(crate) tls: TlsAcceptor,
    told: Arc<Mutex<Vec<String>>>,
}

impl EchoServer {
    pub(crate) fn start(builder: TlsAcceptorBuilder) -> EchoServer {
        let told = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&told);
        let tls = builder
            .on_failure(move |failure| own.lock().unwrap().push(failure.to_string()))
            .build()
            .unwrap();
        let server = StreamServer::bind("127.0.0.1:0", tls.handler(|stream, _| echo(stream)));
        server.start().unwrap();
        EchoServer { server, tls, told }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_addr().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address().port()
    }

    /// What it told first that has not been asked for; waits for that.
    pub(crate) fn told(&self) -> String {
        until(|| !self.told.lock().unwrap().is_empty());
        self.told.lock().unwrap().remove(0)
    }

    /// That it has told nothing else, serves new clients, and can be stopped.
    #[track_caller]
    pub(crate) fn assert_goes_on(self, connector: &TlsConnector) {
        let mut client = connector.connect("localhost", self.port()).unwrap();
        assert_eq!(ask(&mut client, b"still there?").unwrap(), b"still there?");
        drop(client);
        assert_eq!(*self.told.lock().unwrap(), [""; 0]);
        self.server.stop(SECOND).unwrap();
    }
}

/// Waits until `is_so`; what never is fails by the test's bound.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(millis(1));
    }
}

/// How often a greenlet that sleeps for a millisecond at a time wakes beside `work`.
pub(crate) fn ticks_beside<R>(work: impl FnOnce() -> R) -> (u32, R) {
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let ticker = spawn(move || {
        loop {
            sleep(millis(1));
            counted.set(counted.get() + 1);
        }
    });
    let result = work();
    ticker.kill();
    (ticks.get(), result)
}

/// Bytes of which any two pieces differ.
pub(crate) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// What must be as before when all connections have ended.
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

//! The servers: one file for each peer that is written in Rust, and the list of all.
//!
//! All listen with the same backlog, and send what they have at once (`TCP_NODELAY`). Each says on
//! standard output where it listens, and ends when its standard input does.

mod by_hand;
mod greenhub;
pub(crate) mod http;
mod hyper;
mod may;
mod monoio;
mod smol;
mod tokio;

use std::io::Read;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::histogram::Times;
use crate::programs::Program;

/// The argument that makes a server of this program; the name of the peer and a job follow.
pub(crate) const SERVE: &str = "--serve";

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// How long the ticker sleeps.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// A server beside which others are measured.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// How it is set up, to be printed.
    pub(crate) settings: &'static str,
    pub(crate) rank: Rank,
    /// Whether it is measured with echoes, and with pages.
    pub(crate) echoes: bool,
    pub(crate) pages: bool,
    pub(crate) via: Via,
}

/// What it is in a comparison.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rank {
    Ours,
    /// What no library can beat by much.
    Floor,
    /// A peer whose sockets wait on epoll.
    Epoll,
    /// One that has another way.
    Other,
}

/// How it is run.
#[derive(Clone, Copy)]
pub(crate) enum Via {
    /// By this program.
    Here(fn(Job, Lags)),
    Program(Program),
}

/// What a server does.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Job {
    /// Sends back what it receives, and has room for so many bytes in each handler.
    Echo { room: usize },
    /// Answers each request with the same page.
    Page,
    /// Echoes, and beside that sleeps a millisecond over and over and notes how late it wakes.
    Ticker,
}

/// The room of most handlers; it is in the handler's frame where a language allows that, and
/// any other on the heap.
pub(crate) const ROOM: usize = 1024;

impl Job {
    /// As the arguments of a server.
    pub(crate) fn arguments(self) -> [String; 2] {
        let (name, room) = match self {
            Job::Echo { room } => ("echo", room),
            Job::Page => ("page", ROOM),
            Job::Ticker => ("ticker", ROOM),
        };
        [name.to_owned(), room.to_string()]
    }

    fn parse(arguments: &[String]) -> Option<Job> {
        let [name, room] = arguments else { return None };
        match name.as_str() {
            "echo" => Some(Job::Echo { room: room.parse().ok()? }),
            "page" => Some(Job::Page),
            "ticker" => Some(Job::Ticker),
            _ => None,
        }
    }

    fn room(self) -> usize {
        if let Job::Echo { room } = self { room } else { ROOM }
    }
}

/// All of them, greenhub first.
pub(crate) fn all() -> Vec<Peer> {
    let mut peers = vec![greenhub::PEER, by_hand::PEER, tokio::PEER, hyper::PEER];
    peers.extend(may::PEERS);
    peers.extend(monoio::PEERS);
    peers.push(smol::PEER);
    peers.extend(crate::programs::PEERS);
    peers
}

/// Is the server that the arguments tell, until standard input ends.
pub(crate) fn serve(arguments: &[String]) -> ExitCode {
    crate::head::raise_descriptor_limit();
    let named = arguments.split_first().and_then(|(name, job)| {
        let peer = all().into_iter().find(|peer| peer.name == name)?;
        Some((peer.via, Job::parse(job)?))
    });
    let Some((Via::Here(server), job)) = named else {
        eprintln!("no such server: {arguments:?}");
        return ExitCode::from(2);
    };
    let lags = Lags::default();
    let seen = lags.clone();
    thread::spawn(move || {
        // However it ends, there is nobody left to serve.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        seen.tell();
        std::process::exit(0);
    });
    server(job, lags);
    ExitCode::FAILURE
}

/// Listens, and says where.
fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    prepare(&listener);
    tell(&listener);
    listener
}

/// As [`listen`], for those who set no mode themselves.
fn listen_nonblocking() -> TcpListener {
    let listener = listen();
    listener.set_nonblocking(true).expect("a socket has a mode");
    listener
}

/// Sets what all listeners have in common. Connections inherit the option.
fn prepare(listener: impl AsFd) {
    rustix::net::sockopt::set_tcp_nodelay(&listener, true).expect("TCP has it");
    rustix::net::listen(&listener, BACKLOG).expect("it listens already");
}

fn tell(listener: &TcpListener) {
    println!("listening on {}", listener.local_addr().expect("it is bound"));
}

/// How late a ticker woke, each time.
#[derive(Clone, Default)]
pub(crate) struct Lags(Arc<Mutex<Times>>);

impl Lags {
    /// Notes a sleep of [`TICK`] that began then and is over now.
    fn note(&self, begin: Instant) {
        let lag = begin.elapsed().saturating_sub(TICK);
        self.0.lock().expect("nobody panics with it").add(lag);
    }

    /// Prints the 50th, the 99th and the 100th percentile in microseconds, if there is any.
    fn tell(&self) {
        let mut lags = self.0.lock().expect("nobody panics with it");
        if lags.count() > 0 {
            let told = lags.per_mille(&[500, 990, 1000]);
            println!("lags {} {} {}", told[0], told[1], told[2]);
        }
    }
}

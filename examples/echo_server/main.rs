//! An echo server: on one OS thread, on several hubs, in several processes, and over TLS.
//!
//! ```text
//! cargo run --release --example echo_server -- [ADDR] [--upper] [--hubs N] [--processes P] [--max N]
//! cargo run --release --features tls --example echo_server -- [ADDR] --tls CERT KEY
//! ```
//!
//! It listens on ADDR (127.0.0.1:7000 unless given; port 0 lets the kernel choose), prints
//! `listening on ADDR`, and sends back what it receives. With `--upper` it greets
//! each client with `welcome!` and answers in capitals. Try it with `nc 127.0.0.1 7000`.
//!
//! | with | it serves |
//! | --- | --- |
//! | nothing more | on one OS thread, with a greenlet for each connection |
//! | `--hubs N` | on N hubs, each on a thread of its own, which get equally many connections |
//! | `--processes P` | in P worker processes, each with as many hubs; a dead one is replaced |
//! | `--tls CERT KEY` | over TLS, by these two files; try `openssl s_client -connect 127.0.0.1:7000` |
//! | `--max N` | at most N connections at a time on each hub; others wait |
//!
//! It raises its descriptor limit as far as it may, so that ten thousand clients find room. When
//! descriptors or memory run out all the same, its server stops accepting for a moment and goes on.
//!
//! `SIGTERM` and `SIGINT` end it: it takes no more connections, and those that are there have ten
//! seconds, or until the signal comes again. With several hubs it tells then how they were shared, as
//! `hub 0: 32 connections, hub 1: 32 connections`. With several processes `SIGHUP` replaces them one
//! by one, and `SIGINT` ends them at once.
//!
//! The exit code is 2 for arguments that it does not understand, and 1 if it cannot serve on ADDR.

#[path = "../support/ending.rs"]
mod ending;
mod options;
#[path = "../support/mod.rs"]
mod support;

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::prefork::{Prefork, Worker, is_worker};
use greenhub::server::{ClusterServer, StreamServer};
use greenhub::signal::{SIGINT, SIGTERM, Signals};
use greenhub::{Cluster, Pool};

use self::options::Options;

/// Connections have so long when the program is to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let options = match Options::given() {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}; usage: {}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    support::raise_descriptor_limit();
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {}: {error}", options.address);
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> io::Result<()> {
    let upper = options.upper;
    match &options.tls {
        None => serve_with(options, move |stream: TcpStream, _| converse(stream, upper)),
        #[cfg(feature = "tls")]
        Some((chain, key)) => {
            let tls = greenhub::tls::TlsAcceptor::builder(chain, key)
                .on_failure(|failure| eprintln!("{failure}"))
                .build()?;
            serve_with(options, tls.handler(move |stream, _| converse(stream, upper)))
        }
        #[cfg(not(feature = "tls"))]
        Some(_) => Err(io::Error::other("it was built without TLS; build it with --features tls")),
    }
}

/// What is done with a connection. A client that resets or vanishes ends its own conversation only.
trait Handle<R>: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static {}
impl<R, F: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static> Handle<R> for F {}

fn serve_with<R: 'static>(options: &Options, handle: impl Handle<R>) -> io::Result<()> {
    if options.processes > 1 {
        let prefork = Prefork::new().bind(&*options.address)?;
        let prefork = prefork.workers(options.processes).grace(GRACE);
        if !is_worker() {
            println!("listening on {}", prefork.local_addr()?);
        }
        return prefork.run(|worker| serve_as_worker(&worker, options, handle));
    }
    let listener = TcpListener::bind(&*options.address)?;
    println!("listening on {}", listener.local_addr()?);
    if options.hubs > 1 {
        let signals = Signals::new([SIGTERM, SIGINT])?;
        return serve_on_hubs(options, listener, handle, || signals.wait().map(|_| GRACE));
    }
    let server = on_one_hub(options, listener, handle);
    let stopped = server.clone();
    ending::when_told(GRACE, move |limit| stopped.stop(limit))?;
    server.serve_forever()
}

fn serve_as_worker<R: 'static>(
    worker: &Worker,
    options: &Options,
    handle: impl Handle<R>,
) -> io::Result<()> {
    let listener = worker.tcp_listener()?;
    if options.hubs > 1 {
        let ending = || worker.wait_until_ending().map(|()| worker.grace());
        return serve_on_hubs(options, listener, handle, ending);
    }
    worker.serve(&on_one_hub(options, listener, handle))
}

fn on_one_hub<R: 'static>(
    options: &Options,
    listener: TcpListener,
    handle: impl Handle<R>,
) -> StreamServer {
    let server = StreamServer::new(listener, handle);
    match options.max {
        Some(max) => server.pool(&Pool::new(max)),
        None => server,
    }
}

/// Serves until `wait` returns, which tells how much time connections have then.
fn serve_on_hubs<R: 'static>(
    options: &Options,
    listener: TcpListener,
    handle: impl Handle<R>,
    wait: impl FnOnce() -> io::Result<Duration>,
) -> io::Result<()> {
    let cluster = Cluster::new(options.hubs)?;
    let server = ClusterServer::new(&cluster, listener, handle);
    let server = match options.max {
        Some(max) => server.connections_per_hub(max),
        None => server,
    };
    server.start()?;
    server.stop(wait()?).map_err(io::Error::other)?;
    let shares = server.stats().into_iter().enumerate();
    let shares = shares.map(|(hub, share)| format!("hub {hub}: {} connections", share.taken));
    println!("{}", shares.collect::<Vec<_>>().join(", "));
    Ok(())
}

fn converse(mut stream: impl Read + Write, upper: bool) -> io::Result<()> {
    if upper {
        stream.write_all(b"welcome!\n")?;
    }
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let message = &mut buffer[..length];
        if upper {
            message.make_ascii_uppercase();
        }
        stream.write_all(message)?;
    }
}

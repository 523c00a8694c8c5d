//! Passes connections on to another server.
//!
//! ```text
//! cargo run --example port_forward -- LISTEN TARGET
//! ```
//!
//! It listens on LISTEN (port 0 lets the kernel choose), prints `listening on ADDR`, and connects each
//! client to TARGET. Two greenlets serve a connection, one for each direction: what comes from
//! one side goes to the other, and so does the end of it, while the other direction goes on. Try it with
//! `cargo run --example echo_server` and
//! `cargo run --example port_forward -- 127.0.0.1:7005 127.0.0.1:7000`.
//!
//! A client for whom TARGET cannot be reached is left, and a line on standard error says why.
//!
//! `SIGTERM` and `SIGINT` end it: it takes no more connections, and those that are there have ten
//! seconds, or until the signal comes again.
//!
//! The exit code is 2 for arguments that it does not understand, and 1 if it cannot serve on LISTEN.
//! gevent's example `portforwarder.py` does the same.

#[path = "support/ending.rs"]
mod ending;
#[path = "support/mod.rs"]
mod support;

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::server::StreamServer;
use greenhub::{scope, with_timeout};

/// TARGET may take so long to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections have so long when the program is to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let (listen, target) = match arguments() {
        Ok(arguments) => arguments,
        Err(complaint) => {
            eprintln!("{complaint}; usage: port_forward LISTEN TARGET");
            return ExitCode::from(2);
        }
    };
    support::raise_descriptor_limit();
    match serve(&listen, target) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(String, String), String> {
    let mut arguments = std::env::args().skip(1);
    let mut address = |name: &str| {
        let address = arguments.next().ok_or(format!("{name} is missing"))?;
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.map(|_| address.clone()).ok_or(format!("{address} is no host:port"))
    };
    let (listen, target) = (address("LISTEN")?, address("TARGET")?);
    match arguments.next() {
        Some(more) => Err(format!("one argument too many, {more}")),
        None => Ok((listen, target)),
    }
}

/// Serves until a signal ends it.
fn serve(listen: &str, target: String) -> io::Result<()> {
    let server =
        StreamServer::bind(listen.to_owned(), move |client, peer| forward(&client, peer, &target));
    server.start()?;
    let stopped = server.clone();
    ending::when_told(GRACE, move |limit| stopped.stop(limit))?;
    println!("listening on {}", server.local_addr()?);
    server.serve_forever()
}

fn forward(client: &TcpStream, peer: SocketAddr, target: &str) {
    let connected = with_timeout(PATIENCE, || TcpStream::connect(target));
    let server = match connected.map_err(io::Error::other).flatten() {
        Ok(server) => server,
        Err(error) => return eprintln!("cannot reach {target} for {peer}: {error}"),
    };
    scope(|scope| {
        scope.spawn(|| pass_on(client, &server));
        pass_on(&server, client);
    });
}

/// Passes on all that comes, and that nothing more will.
fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    // Nothing is to wait here for what may come next.
    let passed = to.set_nodelay(true).and_then(|()| io::copy(&mut from, &mut to));
    // An error says that this side is closed already.
    let _ = match passed {
        Ok(_) => to.shutdown(Shutdown::Write),
        // One side is gone, so the other direction is of no use any more.
        Err(_) => from.shutdown(Shutdown::Both).and(to.shutdown(Shutdown::Both)),
    };
}

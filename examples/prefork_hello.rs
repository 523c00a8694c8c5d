//! A server in several processes, which can be replaced while it serves.
//!
//! ```text
//! cargo run --release --example prefork_hello -- [ADDR] [WORKERS]
//! ```
//!
//! It prints `listening on ADDR, process N` (127.0.0.1:7000 unless given) and starts WORKERS processes (2
//! unless given). Each answers lines by `hello LINE from process N`. Talk to it with `nc 127.0.0.1 7000`,
//! from two terminals, and meanwhile:
//!
//! - `kill -HUP N`: new workers take over. A connection that was open is answered once more by its old
//!   worker, which says `bye` with that.
//! - `kill -KILL` one of the workers: another has its place, and the rest see nothing of that.
//! - `kill -TERM N`: what was asked is answered, and all end. `kill -KILL N`: they end all the same.
//!
//! Under systemd it takes the socket that the service manager has opened, if there is one.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve on ADDR.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, ExitCode};
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::prefork::{self, Prefork, Worker};
use greenhub::server::StreamServer;

fn main() -> ExitCode {
    // Each process comes by here: the parent, and each worker.
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7000".to_owned());
    let workers = arguments.next().map_or(Ok(2), |number| number.parse());
    let (Ok(workers @ 1..), None) = (workers, arguments.next()) else {
        eprintln!("usage: prefork_hello [ADDR] [WORKERS]");
        return ExitCode::from(2);
    };
    match serve(&address, workers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str, workers: usize) -> io::Result<()> {
    let prefork =
        Prefork::new().bind_or_activated(address)?.workers(workers).grace(Duration::from_secs(10));
    if !prefork::is_worker() {
        println!("listening on {}, process {}", prefork.local_addr()?, process::id());
    }
    prefork.run(|worker| {
        let serving = worker.clone();
        let handle = move |stream: TcpStream, _| converse(&stream, &serving);
        worker.serve(&StreamServer::new(worker.tcp_listener()?, handle))
    })
}

fn converse(mut stream: &TcpStream, worker: &Worker) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?;
        // The client is told before the connection is closed, so that it asks nothing in vain.
        let bye = if worker.is_ending() { ", bye" } else { "" };
        let answer = format!("hello {line} from process {}{bye}\n", process::id());
        stream.write_all(answer.as_bytes())?;
        if !bye.is_empty() {
            break;
        }
    }
    Ok(())
}

//! A server that says hello over HTTP/1.1, on as many hubs as there are cores.
//!
//! ```text
//! cargo run --release --example http_hello -- [ADDR] [--hubs N] [--max N] [--idle S]
//! ```
//!
//! It listens on ADDR (127.0.0.1:8080 unless given; port 0 lets the kernel choose), prints
//! `listening on ADDR`, and answers every request with `hello, world`. Try it with
//! `curl -v 127.0.0.1:8080`, or press it with `wrk -c 64 http://127.0.0.1:8080/`.
//!
//! `--hubs N` serves on N hubs, each on a thread of its own (1 unless given), which get equally many
//! connections. With `--max N` no hub serves more than N at a time, and others wait until one of
//! those ends.
//!
//! A connection stays open until its client has enough, or is silent for S seconds (30 unless
//! given). Requests that come together are answered together, in their order. Bodies are skipped, in
//! chunks or not. What is no HTTP is answered with a status that says why, and the end.
//!
//! `SIGTERM` and `SIGINT` end it: no more connections are taken, those that are there have a
//! second, and then it prints how they were shared, as `hub 0: 32 connections, hub 1: 32 connections`.
//!
//! The exit code is 2 for arguments that it does not understand, and 1 if it cannot serve on ADDR.

mod connection;
mod head;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use greenhub::Cluster;
use greenhub::monkey::net::TcpStream;
use greenhub::server::ClusterServer;
use greenhub::signal::{SIGINT, SIGTERM, Signals};

/// Each has a thread, and no machine has more for them.
const MOST_HUBS: usize = 1000;

/// What is under way when the server ends has so long.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Options {
    address: String,
    hubs: usize,
    max: Option<usize>,
    idle: Duration,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(complaint) => {
            let usage = "http_hello [ADDR] [--hubs N] [--max N] [--idle S]";
            eprintln!("{complaint}; usage: {usage}");
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

fn options() -> Result<Options, String> {
    let (mut address, mut hubs, mut max, mut idle) = (None, 1, None, 30);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().ok_or(format!("{argument} has no number"))?;
            let parsed = number.parse().ok().filter(|number| *number > 0);
            parsed.ok_or(format!("{argument} {number} is no number above zero"))
        };
        match argument.as_str() {
            "--hubs" => hubs = number()?,
            "--max" => max = Some(number()?),
            "--idle" => idle = number()?,
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            _ if address.is_none() => address = Some(argument),
            _ => return Err(format!("one address too many, {argument}")),
        }
    }
    if hubs > MOST_HUBS {
        return Err(format!("{hubs} hubs are more than {MOST_HUBS}"));
    }
    let address = address.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    Ok(Options { address, hubs, max, idle: Duration::from_secs(idle as u64) })
}

/// Serves until a signal ends it.
fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    let signals = Signals::new([SIGTERM, SIGINT])?;
    let cluster = Cluster::new(options.hubs)?;
    let handle = |stream: TcpStream, _peer| connection::converse(&stream);
    let server = ClusterServer::bind(&cluster, options.address.clone(), handle);
    let server = server.idle_limit(options.idle);
    let server = match options.max {
        Some(max) => server.connections_per_hub(max),
        None => server,
    };
    server.start()?;
    println!("listening on {}", server.local_addr()?);
    signals.wait()?;
    server.stop(GRACE)?;
    let shares = server.stats().into_iter().enumerate();
    let shares = shares.map(|(hub, share)| format!("hub {hub}: {} connections", share.taken));
    println!("{}", shares.collect::<Vec<_>>().join(", "));
    Ok(())
}

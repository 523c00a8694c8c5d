//! Many clients of an echo server at once, on one OS thread.
//!
//! ```text
//! cargo run --release --example many_clients -- ADDR [N]
//! ```
//!
//! N greenlets (500 unless given) connect to ADDR. When all are connected each says hello
//! ten times and checks every byte of the answers. Prints how it went.
//!
//! The exit code is 1 if any client failed, or ADDR is no address, and 2 for arguments that it
//! does not understand. A server that is silent for half a minute has failed its client.

mod support;

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use greenhub::Greenlet;
use greenhub::monkey::net::{TcpStream, ToSocketAddrs};

const MESSAGES: usize = 10;
const PATIENCE: Duration = Duration::from_secs(30);
/// So many failures are told one by one.
const TOLD: usize = 5;

fn main() -> ExitCode {
    let (address, count) = match arguments() {
        Ok(arguments) => arguments,
        Err(complaint) => {
            eprintln!("{complaint}; usage: many_clients ADDR [N]");
            return ExitCode::from(2);
        }
    };
    support::raise_descriptor_limit();
    match resolve(&address) {
        Ok(server) => run(server, count),
        Err(error) => {
            eprintln!("cannot find {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(String, usize), String> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("ADDR is missing")?;
    let count = match arguments.next() {
        None => 500,
        Some(count) => count.parse().map_err(|error| format!("N is {count}: {error}"))?,
    };
    match arguments.next() {
        _ if count == 0 => Err("N is 0".to_owned()),
        Some(more) => Err(format!("one argument too many, {more}")),
        None => Ok((address, count)),
    }
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    address.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("it has no address"))
}

fn run(server: SocketAddr, count: usize) -> ExitCode {
    let start = Instant::now();
    let connecting =
        (0..count).map(|_| greenhub::spawn(move || connect(server))).collect::<Vec<_>>();
    let (streams, unconnected) = results(connecting);
    let talking = (0..)
        .zip(streams)
        .map(|(number, stream)| greenhub::spawn(move || talk(&stream, number)))
        .collect::<Vec<_>>();
    let (good, unanswered) = results(talking);

    let failures = [unconnected, unanswered].concat();
    for failure in failures.iter().take(TOLD) {
        eprintln!("{failure}");
    }
    if failures.len() > TOLD {
        eprintln!("and {} more", failures.len() - TOLD);
    }
    let good = good.len();
    let seconds = start.elapsed().as_secs_f64();
    println!("{good} of {count} clients got {MESSAGES} right answers each, in {seconds:.2} s");
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for them all, and sorts what they returned.
fn results<T: 'static>(clients: Vec<Greenlet<Result<T, String>>>) -> (Vec<T>, Vec<String>) {
    let mut good = Vec::new();
    let mut failed = Vec::new();
    for client in clients {
        match client.join().expect("a client does not panic") {
            Ok(value) => good.push(value),
            Err(failure) => failed.push(failure),
        }
    }
    (good, failed)
}

fn connect(server: SocketAddr) -> Result<TcpStream, String> {
    let connect = || {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    connect().map_err(|error: io::Error| format!("cannot connect to {server}: {error}"))
}

fn talk(stream: &TcpStream, number: usize) -> Result<(), String> {
    for round in 0..MESSAGES {
        let message = format!("hello {round} from client {number}\n");
        let answer = ask(stream, &message)
            .map_err(|error| format!("client {number} got no answer to {message:?}: {error}"))?;
        if answer != message.as_bytes() {
            let answer = String::from_utf8_lossy(&answer);
            return Err(format!("client {number} said {message:?} and heard {answer:?}"));
        }
    }
    Ok(())
}

fn ask(mut stream: &TcpStream, message: &str) -> io::Result<Vec<u8>> {
    stream.write_all(message.as_bytes())?;
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

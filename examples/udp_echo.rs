//! Sends datagrams back, each from a greenlet of its own.
//!
//! ```text
//! cargo run --example udp_echo -- [ADDR]
//! ```
//!
//! It listens on ADDR (127.0.0.1:7003 unless given; port 0 lets the kernel choose), prints
//! `listening on ADDR`, and sends each datagram back to where it came from. Try it with
//! `nc -u 127.0.0.1 7003`. `SIGTERM` and `SIGINT` end it.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve on ADDR.

#[path = "support/ending.rs"]
mod ending;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use greenhub::server::DatagramServer;

/// Answers that wait for room have so long when the program is to end.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7003".to_owned());
    let more = arguments.next();
    if let Some(unknown) = more.or(address.starts_with('-').then(|| address.clone())) {
        eprintln!("what is {unknown}? usage: udp_echo [ADDR]");
        return ExitCode::from(2);
    }
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal ends it.
fn serve(address: &str) -> io::Result<()> {
    // A sender that cannot be answered is not there any more; its error is dropped.
    let server = DatagramServer::bind(address.to_owned(), |server, data, sender| {
        server.send_to(&data, &sender)
    });
    server.start()?;
    let stopped = server.clone();
    ending::when_told(GRACE, move |limit| stopped.stop(limit))?;
    println!("listening on {}", server.local_addr()?);
    server.serve_forever()
}

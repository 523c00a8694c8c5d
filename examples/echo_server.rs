//! An echo server on one OS thread, with a greenlet for each connection.
//!
//! ```text
//! cargo run --release --example echo_server -- [ADDR] [--upper]
//! ```
//!
//! It listens on ADDR (127.0.0.1:7000 unless given; port 0 lets the kernel choose), prints
//! `listening on ADDR`, and sends back what it receives. With `--upper` it greets
//! each client with `welcome!` and answers in capitals. Try it with `nc 127.0.0.1 7000`.
//!
//! It raises its descriptor limit as far as it may, so that ten thousand clients find room. When
//! descriptors or memory run out all the same, its server stops accepting for a moment and goes on.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve on ADDR.

mod support;

use std::io::{Read, Write};
use std::process::ExitCode;

use greenhub::monkey as std;
use greenhub::server::StreamServer;
use std::net::TcpStream;

struct Options {
    address: String,
    upper: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}; usage: echo_server [ADDR] [--upper]");
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
    let mut address = None;
    let mut upper = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--upper" => upper = true,
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            _ if address.is_none() => address = Some(argument),
            _ => return Err(format!("one address too many, {argument}")),
        }
    }
    Ok(Options { address: address.unwrap_or_else(|| "127.0.0.1:7000".to_owned()), upper })
}

/// Serves until the process is ended; returns only if it cannot begin.
fn serve(options: &Options) -> std::io::Result<()> {
    let upper = options.upper;
    // A client that resets or vanishes ends its own conversation only.
    let handle = move |stream, _peer| converse(&stream, upper);
    let server = StreamServer::bind(options.address.clone(), handle);
    server.start()?;
    println!("listening on {}", server.local_addr()?);
    server.serve_forever()
}

fn converse(mut stream: &TcpStream, upper: bool) -> std::io::Result<()> {
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

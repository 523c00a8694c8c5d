//! A blocking program and its port, which is one line.
//!
//! ```text
//! cargo run --example ported_chat -- [--std] [ADDR]
//! ```
//!
//! `chat.rs` is a chat server as one writes it with std alone: a thread for each client, blocking
//! reads and writes, no thought of greenhub. Here it is compiled twice: as it is, and with one line
//! at its top,
//!
//! ```text
//! use greenhub::monkey as std;
//! ```
//!
//! which makes every thread a greenlet of one OS thread. This program runs the port, or with
//! `--std` the original. To their clients they are the same. Try it with two or three
//! `nc 127.0.0.1 7001` (the address unless ADDR is given; port 0 lets the kernel choose).
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve on ADDR.

mod chat;

mod chat_greenhub {
    use greenhub::monkey as std;
    include!("chat.rs");
}

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut address = None;
    let mut serve: fn(&str) -> std::io::Result<()> = chat_greenhub::serve;
    for argument in std::env::args().skip(1) {
        if argument == "--std" {
            serve = chat::serve;
        } else if argument.starts_with('-') || address.is_some() {
            eprintln!("what is {argument}? usage: ported_chat [--std] [ADDR]");
            return ExitCode::from(2);
        } else {
            address = Some(argument);
        }
    }
    let address = address.as_deref().unwrap_or("127.0.0.1:7001");
    match serve(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

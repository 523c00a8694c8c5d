//! A file server over HTTP, written for std, and its port, which is one line.
//!
//! ```text
//! cargo run --example ported_files -- [--std] [--log FILE] [--clients N] ROOT [ADDR]
//! ```
//!
//! `files.rs` is a server with a thread for each connection, blocking reads and writes, and no
//! thought of greenhub. Here it is compiled twice: as it is, and with one line at its top,
//!
//! ```text
//! use greenhub::monkey as std;
//! ```
//!
//! which makes every thread a greenlet of one OS thread. This program runs the port, or with
//! `--std` the original. To their clients they are the same. Try `curl -i
//! http://127.0.0.1:7002/` (the address unless ADDR is given; port 0 lets the kernel choose).
//!
//! FILE gets a line for each answer; more than N clients at once (1000 unless given) are told to
//! come back later. The exit code is 2 for arguments that it does not know, and 1 if it cannot serve.

mod files;

mod files_greenhub {
    use greenhub::monkey as std;
    include!("files.rs");
}

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    match arguments.next_if_eq("--std") {
        Some(_) => files::main(arguments),
        None => files_greenhub::main(arguments),
    }
}

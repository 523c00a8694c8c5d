//! A runner of shell commands that depend on each other, written for std, and its port, which is
//! one line.
//!
//! ```text
//! cargo run --example ported_jobs -- [--std] [--at-once N] [--millis N] [FILE]
//! ```
//!
//! `jobs.rs` runs the lines of a job file with threads, blocking pipes and a condition variable, and
//! no thought of greenhub. Here it is compiled twice: as it is, and with one line at its top,
//!
//! ```text
//! use greenhub::monkey as std;
//! ```
//!
//! which makes every thread a greenlet of one OS thread. This program runs the port, or with
//! `--std` the original; they print the same. The jobs come from FILE, or from standard input:
//!
//! ```text
//! printf 'a: | echo one\nb: a | echo two\n' | cargo run --example ported_jobs
//! ```
//!
//! At most N jobs run at once (4 unless given), each for so many milliseconds (60000 unless given).
//! The exit code is 1 if a job has failed, and 2 for arguments or jobs that it does not understand.

mod jobs;

mod jobs_greenhub {
    use greenhub::monkey as std;
    include!("jobs.rs");
}

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    match arguments.next_if_eq("--std") {
        Some(_) => jobs::main(arguments),
        None => jobs_greenhub::main(arguments),
    }
}

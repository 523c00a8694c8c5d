//! A program that one can look into while it runs.
//!
//! ```text
//! cargo run --example backdoor -- PATH
//! ```
//!
//! Three workers sleep, over and over. The program prints `look in at PATH`. Talk to it with `nc -U PATH`, or
//! `socat - PATH`: `ps` lists the greenlets, `kill ID` ends one of them, `rounds` tells how often they have
//! slept, and `help` names the rest. The last worker to end ends the program, and so do `SIGTERM` and `SIGINT`.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot listen at PATH.

#[path = "support/ending.rs"]
mod ending;

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use std::{env, io};

use greenhub::backdoor::Backdoor;
use greenhub::{Builder, joinall, killall_for, sleep};

const NAMES: [&str; 3] = ["ann", "bob", "cid"];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: backdoor PATH");
        return ExitCode::from(2);
    };
    match work(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot listen at {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Works until nobody is left.
fn work(path: &str) -> io::Result<()> {
    let rounds = Rc::new(Cell::new(0_u64));
    let told = Rc::clone(&rounds);
    let door = Backdoor::new()
        .command("rounds", "how often the workers have slept", move |_| told.get().to_string())
        .open_unix(path)?;
    let mut workers = Vec::new();
    for name in NAMES {
        let rounds = Rc::clone(&rounds);
        workers.push(Builder::new().name(name).spawn(move || {
            loop {
                sleep(Duration::from_millis(10));
                rounds.set(rounds.get() + 1);
            }
        })?);
    }
    let all = workers.clone();
    ending::when_told(Duration::from_secs(1), move |limit| killall_for(&all, limit))?;
    println!("look in at {path}");
    joinall(&workers);
    println!("nobody is left");
    door.stop().map_err(io::Error::other)
}

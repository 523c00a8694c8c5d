//! greenhub beside its peers, doing the same work in turns.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- yield stream --rounds 101
//! ```
//!
//! A file of `workloads` is one kind of work, with a function for each peer, which looks itself
//! whether its result is right. The comment above a function tells how its peer is set up, and is
//! printed below the table. What is measured happens in one thread, which is pinned to
//! nothing, unless that comment says otherwise.
//!
//! Servers and their sockets are measured by another program of this package, `net`.
//!
//! To add a peer: a dependency, its name in `build.rs`, what it takes to start it in `peers.rs`,
//! and a function in each workload. To add a workload: a file, and a line in `workloads/mod.rs`.

mod machine;
mod peers;
mod rounds;
mod workloads;

use std::process::ExitCode;

use rounds::{Effort, Workload};

const USAGE: &str = "\
usage: peers [NAME...] [--rounds N] [--quick] [--list]

Measures all workloads, or those whose names begin with one of the names given.

  --rounds N  so many rounds, of which the median is taken; 31 if not given
  --quick     3 rounds of a tenth of the work, to see that everything runs
  --list      prints the names of the workloads";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let mut effort = Effort::FULL;
    let mut rounds = None;
    let mut chosen = workloads::all();
    let mut names = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--rounds" => rounds = Some(number(arguments.next())?),
            "--list" => {
                chosen.iter().for_each(|workload| println!("{}", workload.name));
                return Ok(());
            }
            "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            option if option.starts_with('-') => return Err(format!("unknown option: {option}")),
            _ => names.push(argument),
        }
    }
    effort.rounds = rounds.unwrap_or(effort.rounds);
    for name in &names {
        if !chosen.iter().any(|workload| workload.name.starts_with(name)) {
            return Err(format!("no workload begins with {name}"));
        }
    }
    let is_named = |workload: &Workload| names.iter().any(|name| workload.name.starts_with(name));
    chosen.retain(|workload| names.is_empty() || is_named(workload));
    machine::print(effort);
    chosen.iter().for_each(|workload| rounds::measure(workload, effort));
    Ok(())
}

fn number(argument: Option<String>) -> Result<usize, String> {
    let number = argument.and_then(|argument| argument.parse().ok());
    number.filter(|number| *number > 0).ok_or_else(|| "--rounds needs a number above 0".to_owned())
}

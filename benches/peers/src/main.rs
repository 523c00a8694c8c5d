//! greenhub beside its peers, doing the same work in turns.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- yield stream --rounds 101
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- --record --plots --table
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- --recorded --plots --table
//! ```
//!
//! A file of `workloads` is one kind of work, with a function for each peer, which looks itself
//! whether its result is right. The comment above a function tells how its peer is set up, and is
//! printed below the table. What is measured happens in one thread, which is pinned to
//! nothing, unless that comment says otherwise. Where memory or processor time is measured, each
//! peer has a process of its own in each round.
//!
//! Servers and their sockets are measured by another program of this package, `net`.
//!
//! Go, Boost.Fiber and gevent are programs of their own, in the folder `programs`; a machine that
//! has not what builds or runs them leaves them out, and says so. On Debian that is the packages
//! `golang-go`, `g++` and `libboost-fiber-dev`, and a python with gevent, whose path is in
//! `PEERS_PYTHON` if it is not `python3`.
//!
//! All of it takes most of an hour, and at a million 10 GiB of memory for Boost.Fiber and for gevent.
//!
//! The folder `record` has what was measured once: a file for each workload, the aims, and curves
//! of what grows with the number of greenlets.
//!
//! To add a peer: a dependency, its name in `build.rs`, what it takes to start it in `peers`,
//! and a function in each workload. To add a workload: a file, and a line in `workloads/mod.rs`.

mod aims;
mod fresh;
mod heap;
mod machine;
mod peers;
mod plots;
mod programs;
mod record;
mod rounds;
mod table;
mod workloads;

use std::process::ExitCode;

use rounds::{Effort, Workload};
use table::Table;

const USAGE: &str = "\
usage: peers [NAME...] [--rounds N] [--quick] [--record] [--plots] [--table]
       peers --recorded [--plots] [--table]
       peers --list

Measures all workloads, or those of the names given, or whose names begin with one.

  --rounds N  so many rounds, of which the median is taken; 31 if not given
  --quick     1 to 3 rounds of a tenth of the work, to see that everything runs
  --record    writes each table into the folder `record`, and that of the aims
  --plots     draws what grows, as measured or recorded before, into that folder
  --table     prints what is aimed at beside what was measured, or recorded before
  --recorded  measures nothing
  --list      prints the names of the workloads";

#[derive(Default)]
struct Options {
    names: Vec<String>,
    rounds: Option<usize>,
    quick: bool,
    record: bool,
    plots: bool,
    table: bool,
    recorded: bool,
    list: bool,
    help: bool,
}

fn main() -> ExitCode {
    if let Err(message) = heap::keep() {
        return told(Err(message));
    }
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == fresh::HIDDEN).is_some() {
        return told(fresh::serve(&workloads::all(), arguments));
    }
    match options(arguments).and_then(|options| chosen(&options).map(|chosen| (options, chosen))) {
        Ok((options, chosen)) => told(run(&options, &chosen)),
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn told(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => options.rounds = Some(number(arguments.next())?),
            "--quick" => options.quick = true,
            "--record" => options.record = true,
            "--plots" => options.plots = true,
            "--table" => options.table = true,
            "--recorded" => options.recorded = true,
            "--list" => options.list = true,
            "--help" => options.help = true,
            option if option.starts_with('-') => return Err(format!("unknown option: {option}")),
            _ => options.names.push(argument),
        }
    }
    if options.quick && (options.record || options.plots || options.table) {
        return Err("--quick does a tenth of the work, which is nothing to record".to_owned());
    }
    if options.recorded && (options.record || !options.names.is_empty()) {
        return Err("--recorded measures nothing".to_owned());
    }
    Ok(options)
}

fn number(argument: Option<String>) -> Result<usize, String> {
    let number = argument.and_then(|argument| argument.parse().ok());
    number.filter(|number| *number > 0).ok_or_else(|| "--rounds needs a number above 0".to_owned())
}

/// The workloads of the names given.
fn chosen(options: &Options) -> Result<Vec<Workload>, String> {
    let all = workloads::all();
    // A whole name is one workload, though others may begin with it.
    let is_whole = |name: &str| all.iter().any(|workload| workload.name == name);
    let means = |name: &String, workload: &Workload| {
        if is_whole(name) {
            workload.name == name
        } else {
            workload.name.starts_with(name.as_str())
        }
    };
    for name in &options.names {
        if !all.iter().any(|workload| means(name, workload)) {
            return Err(format!("no workload begins with {name}"));
        }
    }
    let is_chosen: Vec<bool> = all
        .iter()
        .map(|workload| {
            options.names.is_empty() || options.names.iter().any(|name| means(name, workload))
        })
        .collect();
    let chosen = all.into_iter().zip(is_chosen).filter(|(_, is_chosen)| *is_chosen);
    Ok(chosen.map(|(workload, _)| workload).collect())
}

fn run(options: &Options, chosen: &[Workload]) -> Result<(), String> {
    if options.help || options.list {
        let names = chosen.iter().map(|workload| workload.name).collect::<Vec<_>>().join("\n");
        println!("{}", if options.help { USAGE } else { &names });
        return Ok(());
    }
    let mut effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    effort.rounds = options.rounds.unwrap_or(effort.rounds);
    let mut tables = Vec::new();
    if !options.recorded {
        let head = machine::head(effort);
        println!("{head}");
        tables = measure(chosen, effort, options.record.then_some(&head))?;
    }
    let tables = with_recorded(tables);
    if options.plots {
        plots::draw(&tables)?;
    }
    let report = aims::report(&tables);
    if options.table {
        print!("{report}");
    }
    if options.record {
        // Without the head, as some tables may be of other runs.
        record::write("aims", &report).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Measures and prints, and records if there is a head for the records.
fn measure(
    chosen: &[Workload],
    effort: Effort,
    record: Option<&String>,
) -> Result<Vec<Table>, String> {
    let mut tables = Vec::new();
    for workload in chosen {
        let table = rounds::measure(workload, effort);
        println!("{table}");
        if let Some(head) = record {
            let written = record::write(&table.name, &format!("{head}\n{table}"));
            written.map_err(|error| format!("{}: {error}", table.name))?;
        }
        tables.push(table);
    }
    Ok(tables)
}

/// Those of this run, and of the record what this run has not measured.
fn with_recorded(mut tables: Vec<Table>) -> Vec<Table> {
    for workload in workloads::all() {
        if !tables.iter().any(|table| table.name == workload.name) {
            tables.extend(record::read(workload.name));
        }
    }
    tables
}

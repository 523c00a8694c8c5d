//! Counts the instructions of greenhub's operations, and fails where there are more than were recorded.
//!
//! ```text
//! cargo run --release --manifest-path benches/counts/Cargo.toml
//! cargo run --release --manifest-path benches/counts/Cargo.toml -- yield queue
//! cargo run --release --manifest-path benches/counts/Cargo.toml -- --record
//! ```
//!
//! Unlike times, the counts are the same on a busy machine, so a few percent more mean something. They
//! tell nothing of caches and of the kernel: the benchmarks do.
//!
//! The counts in `record.txt` hold for the tools named there. With others nothing is checked.

mod callgrind;
mod record;
mod workloads;

use std::process::ExitCode;

use record::Record;
use workloads::Workload;

const USAGE: &str = "\
usage: counts [NAME...] [--record]

Counts all workloads, or those named, and fails if one takes more than 3 % above its record.

  --record          counts all of them twice, and makes that the record
  --run NAME COUNT  does so many operations, for valgrind to count";

/// How far above its record a count may be.
const TOLERANCE: f64 = 0.03;
/// How far two counts of the same may be apart, to be recorded.
const SPREAD: f64 = 0.005;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["--run", name, count] => run(name, count),
        ["--record"] => record(),
        _ => check(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn named(name: &str) -> Result<&'static Workload, String> {
    let found = workloads::ALL.iter().find(|workload| workload.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = workloads::ALL.iter().map(|workload| workload.name).collect();
        format!("there is no workload {name}, only: {}\n\n{USAGE}", names.join(", "))
    })
}

fn run(name: &str, count: &str) -> Result<(), String> {
    let operations = count.parse().ok().filter(|count| count % 64 == 0);
    let operations = operations.ok_or("the number of operations is a multiple of 64")?;
    (named(name)?.run)(operations);
    Ok(())
}

fn check(names: &[&str]) -> Result<(), String> {
    let chosen: Vec<&Workload> = match names {
        [] => workloads::ALL.iter().collect(),
        names => names.iter().map(|name| named(name)).collect::<Result<_, _>>()?,
    };
    let Some(by) = record::by() else {
        println!("skipped: there is no valgrind");
        return Ok(());
    };
    let record = Record::read()?;
    if by != record.by {
        println!("skipped: the record is by\n  {}\nand this is\n  {by}", record.by);
        return Ok(());
    }
    println!("{:10} {:>8} {:>8} {:>8}  one operation", "name", "record", "now", "change");
    let (mut more, mut fewer) = (Vec::new(), Vec::new());
    for workload in chosen {
        match compare(workload, &record)? {
            change if change > TOLERANCE => more.push(workload.name),
            change if change < -TOLERANCE => fewer.push(workload.name),
            _ => {}
        }
    }
    if !fewer.is_empty() {
        println!("{} take fewer: `--record` keeps them so", fewer.join(", "));
    }
    if more.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than {} % above the record: {}\n\
         If that has to be, `--record` makes these counts the record; the commit says why.",
        TOLERANCE * 100.0,
        more.join(", ")
    ))
}

/// Prints a workload beside its record; returns by how much it is above, as a part of it.
fn compare(workload: &Workload, record: &Record) -> Result<f64, String> {
    let Workload { name, operation, .. } = workload;
    let before = record.counts.get(*name);
    let before = before.ok_or_else(|| format!("{name} has no record: `--record` makes one"))?;
    let now = callgrind::per_operation(workload)?;
    let change = now / before - 1.0;
    // Rounded first, and no zero of it is negative.
    let percent = (change * 1000.0).round() / 10.0 + 0.0;
    println!("{name:10} {before:8.1} {now:8.1} {percent:+7.1}%  {operation}");
    Ok(change)
}

fn record() -> Result<(), String> {
    let by = record::by().ok_or("there is no valgrind to count with")?;
    let counts: Vec<_> = workloads::ALL.iter().map(count_twice).collect::<Result<_, _>>()?;
    Record::write(&by, &counts)
}

/// Counts one that is to be recorded, and refuses what is not the same again.
fn count_twice(workload: &Workload) -> Result<(&str, f64), String> {
    let name = workload.name;
    let (one, two) = (callgrind::per_operation(workload)?, callgrind::per_operation(workload)?);
    let spread = (one - two).abs() / one.min(two);
    println!("{name:10} {one:8.1} {two:8.1} apart by {:.2} %", spread * 100.0);
    if spread > SPREAD {
        return Err(format!("{name} is not the same twice, so nothing is recorded"));
    }
    Ok((name, one.midpoint(two)))
}

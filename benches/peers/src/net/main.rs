//! greenhub's sockets beside those of its peers.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin net
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin net -- echo_64 idle --rounds 9
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin net -- --record
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin net -- --profile
//! ```
//!
//! Every server is a process of its own, started anew for each measurement: this program with
//! a hidden argument, or for peers in other languages a program of `programs/net`, which is built
//! when it is needed and skipped with one line where its compiler is missing. A server listens on a
//! port that the kernel chooses, prints `listening on ADDR`, and ends when its standard input
//! does. What it used is read in `/proc`.
//!
//! The load is one for all (`load.rs`): this process, on epoll by hand, which looks at every byte of
//! the answers. It runs on the first core, and the server with all its threads on the last.
//!
//! All of it takes some twenty minutes; `--quick`, less than two, tells nothing but that it works.
//!
//! To add a peer: a file in `servers`, and a line in `servers/mod.rs`. To add a workload: a function
//! in `workloads.rs`.

mod aims;
mod child;
mod churn;
mod head;
mod histogram;
mod load;
mod plot;
mod profile;
mod programs;
mod rounds;
mod servers;
mod talks;
mod wait;
mod workloads;
mod wrk;

use std::process::ExitCode;
use std::time::Duration;

use rounds::{Effort, Results};
use workloads::Workload;

const USAGE: &str = "\
usage: net [NAME...] [--rounds N] [--seconds S] [--peer NAME...] [--quick] [--record] [--list]
       net --profile

Measures all workloads, or those whose names begin with one of the names given.

  --rounds N   so many rounds, of which the median is taken; 5 if not given
  --seconds S  how long one measurement takes, after warming up; 1 if not given
  --peer NAME  only peers whose names begin so, beside greenhub; may be given again
  --quick      1 round of a tenth of the work, to see that everything runs
  --record     writes what it prints to record/net.txt, and the curves of the rate beside it
  --profile    tells where greenhub's echo server spends its time, by perf
  --list       prints the names of the workloads";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == servers::SERVE
    {
        return servers::serve(rest);
    }
    match Wishes::of(arguments).and_then(|wishes| wishes.fulfil()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

/// What the command line asks for.
struct Wishes {
    effort: Effort,
    names: Vec<String>,
    peers: Vec<String>,
    record: bool,
    list: bool,
    profile: bool,
    help: bool,
}

impl Wishes {
    fn of(arguments: Vec<String>) -> Result<Wishes, String> {
        let mut wishes = Wishes {
            effort: Effort::FULL,
            names: Vec::new(),
            peers: Vec::new(),
            record: false,
            list: false,
            profile: false,
            help: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--rounds" => wishes.effort.rounds = number(&argument, arguments.next())?,
                "--seconds" => {
                    let seconds: f64 = number(&argument, arguments.next())?;
                    wishes.effort.time = Duration::try_from_secs_f64(seconds)
                        .map_err(|error| format!("--seconds {seconds}: {error}"))?;
                }
                "--peer" => wishes.peers.push(arguments.next().ok_or("--peer needs a name")?),
                "--quick" => wishes.effort = Effort::QUICK,
                "--record" => wishes.record = true,
                "--profile" => wishes.profile = true,
                "--list" => wishes.list = true,
                "--help" => wishes.help = true,
                option if option.starts_with('-') => {
                    return Err(format!("unknown option: {option}\n\n{USAGE}"));
                }
                _ => wishes.names.push(argument),
            }
        }
        Ok(wishes)
    }

    fn fulfil(self) -> Result<(), String> {
        if self.help {
            println!("{USAGE}");
            return Ok(());
        }
        let mut chosen = workloads::all();
        for name in &self.names {
            if !chosen.iter().any(|workload| workload.name.starts_with(name)) {
                return Err(format!("no workload begins with {name}\n\n{USAGE}"));
            }
        }
        let is_named =
            |workload: &Workload| self.names.iter().any(|name| workload.name.starts_with(name));
        chosen.retain(|workload| self.names.is_empty() || is_named(workload));
        if self.list {
            chosen.iter().for_each(|workload| println!("{}", workload.name));
            return Ok(());
        }
        head::raise_descriptor_limit();
        if self.profile {
            return profile::run(self.effort);
        }
        self.measure(&chosen)
    }

    fn measure(&self, chosen: &[Workload]) -> Result<(), String> {
        let mut peers = servers::all();
        let is_wished = |name: &str| self.peers.iter().any(|wish| name.starts_with(wish.as_str()));
        if let Some(wish) = self
            .peers
            .iter()
            .find(|wish| !peers.iter().any(|peer| peer.name.starts_with(wish.as_str())))
        {
            return Err(format!("no peer begins with {wish}\n\n{USAGE}"));
        }
        peers.retain(|peer| {
            self.peers.is_empty() || peer.name.starts_with("greenhub") || is_wished(peer.name)
        });
        let (peers, skipped) = programs::build(peers);
        let mut report = Report::default();
        report.add(head::text(self.effort, &peers));
        skipped.iter().for_each(|line| report.add(format!("skipped: {line}\n")));
        let mut all = Vec::new();
        for workload in chosen {
            if let Some(program) = workload.needs.filter(|program| !programs::is_there(program)) {
                report.add(format!("\nskipped: {}: there is no {program}\n", workload.name));
                continue;
            }
            let results = rounds::measure(workload, &peers, self.effort);
            report.add(results.table());
            all.push(results);
        }
        report.add(head::settings(&peers));
        if self.record { write_record(&report.0, &all) } else { Ok(()) }
    }
}

/// What is printed, kept for the record.
#[derive(Default)]
struct Report(String);

impl Report {
    fn add(&mut self, text: String) {
        print!("{text}");
        self.0.push_str(&text);
    }
}

fn write_record(report: &str, results: &[Results]) -> Result<(), String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("record");
    let mut files = vec![("net.txt".to_owned(), report.to_owned())];
    files.extend(plot::curves(results)?);
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

/// A number above zero.
fn number<N>(option: &str, argument: Option<String>) -> Result<N, String>
where
    N: std::str::FromStr + Default + PartialOrd,
{
    let number = argument.and_then(|argument| argument.parse().ok());
    number
        .filter(|number| *number > N::default())
        .ok_or_else(|| format!("{option} needs a number above 0\n\n{USAGE}"))
}

//! Fifty thousand greenlets that hold a connection each, all at the same time.
//!
//! ```text
//! cargo run --release --example fifty_thousand -- [--processes P] [--threads T] [--greenlets G]
//! ```
//!
//! P processes (5 unless given) have T threads each (20), and each of those has G greenlets (500). Every
//! greenlet connects to a server over loopback, sends a message, gets it back, and holds its
//! connection until all have come so far. Then each sends another, to show that it was held.
//!
//! ```text
//! 5 processes x 20 threads x 500 greenlets: 50000 hold a connection that has answered
//! ```
//!
//! It prints the memory that they take meanwhile, and the time. No process may have that many descriptors,
//! so the other ends of the connections are in processes of their own, one beside each. All are this
//! program, which starts itself, and end when this one does, however it ends.
//!
//! The exit code is 1 if any greenlet has failed, with the reason, and 2 for arguments that it does not
//! understand.

mod children;
mod memory;
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use greenhub::{Greenlet, spawn, with_timeout};
use memory::Memory;
use program::Program;

/// All together may take so long.
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Clone, Copy)]
struct Options {
    processes: usize,
    threads: usize,
    greenlets: usize,
}

fn main() -> ExitCode {
    support::raise_descriptor_limit();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve"] => children::serve(),
        ["hold", address, threads, greenlets] => children::hold(address, threads, greenlets),
        _ => match options(&arguments) {
            Ok(options) => run(options),
            Err(complaint) => {
                let usage = "fifty_thousand [--processes P] [--threads T] [--greenlets G]";
                eprintln!("{complaint}; usage: {usage}");
                return ExitCode::from(2);
            }
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[&str]) -> Result<Options, String> {
    let mut options = Options { processes: 5, threads: 20, greenlets: 500 };
    for pair in arguments.chunks(2) {
        let option = match pair[0] {
            "--processes" => &mut options.processes,
            "--threads" => &mut options.threads,
            "--greenlets" => &mut options.greenlets,
            other => return Err(format!("what is {other}?")),
        };
        let number = *pair.get(1).ok_or(format!("{} has no number", pair[0]))?;
        let parsed = number.parse().ok().filter(|number| (1..=100_000).contains(number));
        *option = parsed.ok_or(format!("{} {number} is no number from 1 to 100000", pair[0]))?;
    }
    Ok(options)
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    with_timeout(LIMIT, || meet(options))?
}

fn meet(options: Options) -> Result<(), Box<dyn Error>> {
    let Options { processes, threads, greenlets } = options;
    let start = Instant::now();
    let mut pairs = at_once((0..processes).map(|_| spawn(move || Pair::start(options))))?;
    let there = start.elapsed();
    let (reached, wanted) = (pairs.iter().map(|pair| pair.reached).sum(), total(options));
    println!(
        "{processes} processes x {threads} threads x {greenlets} greenlets: \
         {reached} hold a connection that has answered"
    );
    if reached < wanted {
        let reason = pairs.iter().find_map(|pair| pair.reason.as_deref());
        return Err(short(reached, wanted, reason.unwrap_or("nobody says why")));
    }
    tell_memory(&pairs, wanted)?;

    pairs.iter_mut().try_for_each(|pair| pair.clients.tell("go on"))?;
    let mut answered = 0;
    for pair in &mut pairs {
        answered += pair.clients.count()?.0;
    }
    println!(
        "time: {:.2} s until all were there, {:.2} s until all had answered again",
        there.as_secs_f64(),
        start.elapsed().as_secs_f64()
    );
    pairs.into_iter().try_for_each(Pair::end)?;
    match answered == wanted {
        true => Ok(()),
        false => Err(short(answered, wanted, "some connections did not hold")),
    }
}

fn total(options: Options) -> usize {
    options.processes * options.threads * options.greenlets
}

fn short(count: usize, wanted: usize, reason: &str) -> Box<dyn Error> {
    format!("only {count} of {wanted}: {reason}").into()
}

/// Waits for all of them; the first error is that of all.
fn at_once<T: 'static>(
    greenlets: impl Iterator<Item = Greenlet<Result<T, String>>>,
) -> Result<Vec<T>, Box<dyn Error>> {
    let greenlets: Vec<_> = greenlets.collect();
    greenlets.iter().map(|greenlet| Ok(greenlet.join()??)).collect()
}

fn tell_memory(pairs: &[Pair], count: usize) -> Result<(), Box<dyn Error>> {
    let mut clients = Memory::default();
    let mut all = Memory::of(std::process::id())?;
    for pair in pairs {
        let memory = Memory::of(pair.clients.id())?;
        clients = clients + memory;
        all = all + memory + Memory::of(pair.server.id())?;
    }
    println!("memory: {all} in {} processes", 2 * pairs.len() + 1);
    println!("of it, clients: {clients}, {} bytes for each greenlet", clients.pss / count as u64);
    Ok(())
}

/// A process with a server, and one with its clients.
struct Pair {
    server: Program,
    clients: Program,
    reached: usize,
    /// Why not all of them have.
    reason: Option<String>,
}

impl Pair {
    /// Returns when all clients have reached the server, or have failed to.
    fn start(options: Options) -> Result<Pair, String> {
        let mut server = Program::start(&["serve"])?;
        let address = server.line()?;
        let [threads, greenlets] = [options.threads, options.greenlets].map(|n| n.to_string());
        let mut clients = Program::start(&["hold", &address, &threads, &greenlets])?;
        let (reached, reason) = clients.count()?;
        Ok(Pair { server, clients, reached, reason })
    }

    fn end(self) -> Result<(), Box<dyn Error>> {
        self.clients.end()?;
        Ok(self.server.end()?)
    }
}

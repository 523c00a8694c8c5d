//! Where greenhub's echo server spends its time: 64 connections with 64 bytes.
//!
//! A symbol counts as greenhub's own if it lies in greenhub, in corosensei, or in the few lines
//! of the server, into which much of greenhub is inlined; and so do the generic functions of std
//! that are made of greenhub's closures. What is inlined of std and rustix into any of these
//! counts as greenhub's too, so the share told is an upper bound.
//!
//! By hand, with `net --serve greenhub echo 1024` running under a load:
//!
//! ```text
//! perf record -e cpu-clock -F 4999 -p PID -- sleep 5; perf report --sort dso,symbol
//! ```

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::child::Server;
use crate::load::Load;
use crate::programs::command;
use crate::rounds::Effort;
use crate::servers::{self, Job, ROOM};
use crate::talks::{Echo, Pattern};

/// What greenhub's own code may take of the whole.
const AIM: f64 = 15.0;

/// So many symbols are printed of each side.
const SHOWN: usize = 15;

/// The shortest time that gives samples enough.
const SHORTEST: Duration = Duration::from_secs(3);

struct Symbol {
    percent: f64,
    kind: &'static str,
    name: String,
}

/// Profiles, and prints what came of it.
pub(crate) fn run(effort: Effort) -> Result<(), String> {
    let greenhub = &servers::all()[0];
    let server = Server::start(command(greenhub, Job::Echo { room: ROOM })?)?;
    let pattern = Pattern::new(64);
    let talk = |number| Echo::new(&pattern, 64, number);
    let mut load = Load::connect(server.address, 64, 1, talk)?;
    let time = effort.time.max(SHORTEST);
    let data = env::temp_dir().join(format!("greenhub-net-{}.perf", std::process::id()));
    let mut perf = Command::new("perf")
        .args(["record", "-q", "-e", "cpu-clock", "-F", "4999", "-o"])
        .arg(&data)
        .args(["-p", &server.id().to_string(), "--", "sleep", &time.as_secs_f64().to_string()])
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("perf: {error}"))?;
    // The load goes on for longer than perf looks.
    let loaded = load.run(time + Duration::from_secs(1), || Ok(()));
    let recorded = perf.wait().map_err(|error| error.to_string())?;
    loaded?;
    server.stop()?;
    if !recorded.success() {
        return Err(format!("perf record: {recorded}"));
    }
    let report = Command::new("perf")
        .args(["report", "--stdio", "--sort", "dso,symbol", "--percent-limit", "0", "-i"])
        .arg(&data)
        .output()
        .map_err(|error| format!("perf: {error}"))?;
    // It lies in the folder for such files if it cannot be removed.
    let _ = std::fs::remove_file(&data);
    let report = String::from_utf8_lossy(&report.stdout);
    tell(report.lines().filter_map(symbol).collect())
}

fn tell(symbols: Vec<Symbol>) -> Result<(), String> {
    if symbols.is_empty() {
        return Err("perf has seen nothing".to_owned());
    }
    let mut shares = BTreeMap::new();
    for symbol in &symbols {
        *shares.entry(symbol.kind).or_insert(0.0) += symbol.percent;
    }
    println!("the echo server under load, 64 connections, 64 bytes; of its time:\n");
    shares.iter().for_each(|(kind, percent)| println!("  {percent:>6.2} %  {kind}"));
    let own = shares.get(OWN).copied().unwrap_or(0.0);
    let reached = if own <= AIM { "reached" } else { "missed" };
    println!("\n  aim: at most {AIM} % in greenhub's own code: {reached}\n");
    for is_kernel in [false, true] {
        for symbol in symbols.iter().filter(|s| (s.kind == KERNEL) == is_kernel).take(SHOWN) {
            println!("  {:>6.2} %  {:<28}{}", symbol.percent, symbol.kind, symbol.name);
        }
        println!();
    }
    Ok(())
}

const OWN: &str = "greenhub";
const KERNEL: &str = "the kernel";

/// What names a function of greenhub's, or a generic one that is made of its closures.
const OWN_NAMES: [&str; 4] = ["greenhub", "corosensei", "LocalKey<", "FnOnce"];

/// A line such as `12.34%  libc.so.6  [.] recv`.
fn symbol(line: &str) -> Option<Symbol> {
    let (percent, rest) = line.trim().split_once('%')?;
    let percent = percent.trim().parse().ok()?;
    let (_, kernel) = rest.split_once("[k] ").unzip();
    let name = kernel.or_else(|| Some(rest.split_once("[.] ")?.1))?;
    // Two columns of addresses may follow, which are empty.
    let name = name.trim_end_matches([' ', '-']).to_owned();
    let kind = match kernel {
        Some(_) => KERNEL,
        None if OWN_NAMES.iter().any(|own| name.contains(own)) => OWN,
        None => "std, rustix, libc, the vDSO",
    };
    Some(Symbol { percent, kind, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_perf_tells_whose_time_it_was() {
        let lines = [
            "     6.86%  [kernel.kallsyms]  [k] tcp_ack            -      -",
            "     0.82%  net                [.] greenhub::hub::core::Core::run   -      -",
            "     0.61%  libc.so.6          [.] __send             -      -",
            "# Samples: 15K of event 'cpu-clock'",
        ];
        let told: Vec<_> = lines.iter().filter_map(|line| symbol(line)).collect();
        let kinds: Vec<_> = told.iter().map(|symbol| (symbol.kind, symbol.name.as_str())).collect();
        let own = (OWN, "greenhub::hub::core::Core::run");
        assert_eq!(kinds, [(KERNEL, "tcp_ack"), own, ("std, rustix, libc, the vDSO", "__send")]);
    }
}

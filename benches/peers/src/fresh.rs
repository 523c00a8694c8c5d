//! A measurement in a process of its own, and what a process takes.
//!
//! The program starts itself with hidden arguments, does the work of one peer once, and prints the
//! figures. So what a peer keeps, or what another has left, is in nobody's figures.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::rounds::{Figures, Peer, Workload};

/// What tells the program that it is to do one peer's work.
pub(crate) const HIDDEN: &str = "--one-peer-once";

/// Has a peer's work done by a new process.
pub(crate) fn run(workload: &Workload, peer: &Peer, operations: u64) -> Figures {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args([HIDDEN, workload.name, peer.name, &operations.to_string()]);
    // What the process itself has started is ended by it before.
    figures_of(command, LIMIT + Duration::from_secs(20))
}

/// How long a round of one peer may take: that of a million takes a minute.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// The figures that a program prints in one line, within a limit.
pub(crate) fn figures_of(mut command: Command, limit: Duration) -> Figures {
    let start = Instant::now();
    let name = command.get_program().to_os_string();
    let describe = |error| format!("{}: {error}", name.display());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(describe)?;
    // What it prints is little, and fits into a pipe that nobody reads yet.
    while child.try_wait().map_err(describe)?.is_none() {
        if start.elapsed() > limit {
            child.kill().map_err(describe)?;
            child.wait().map_err(describe)?;
            return Err(format!("it had not ended after {} s", limit.as_secs()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    let told = child.wait_with_output().map_err(describe)?;
    if !told.status.success() {
        let errors = String::from_utf8_lossy(&told.stderr);
        let first = errors.lines().find(|line| !line.is_empty()).unwrap_or_default();
        return Err(format!("{}: {first}", told.status));
    }
    let line = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    line.split_whitespace()
        .map(|figure| figure.parse().map_err(|_| format!("no figure: {figure}")))
        .collect()
}

/// Does what the hidden arguments ask for.
pub(crate) fn serve(
    workloads: &[Workload],
    mut arguments: impl Iterator<Item = String>,
) -> Result<(), String> {
    let mut next = || arguments.next().ok_or_else(|| format!("{HIDDEN} needs more"));
    let (workload, peer, operations) = (next()?, next()?, next()?);
    let workload = workloads.iter().find(|one| one.name == workload).ok_or("no such workload")?;
    let peer = workload.peers.iter().find(|one| one.name == peer).ok_or("no such peer")?;
    let operations = operations.parse().map_err(|_| "no number of operations")?;
    let figures: Vec<_> = (peer.run)(operations)?.iter().map(f64::to_string).collect();
    println!("{}", figures.join(" "));
    Ok(())
}

/// The bytes of resident memory of this process.
pub(crate) fn resident() -> f64 {
    status("VmRSS:")
}

/// The most that it has been.
pub(crate) fn most_resident() -> f64 {
    status("VmHWM:")
}

fn status(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.and_then(|number| number.parse::<f64>().ok()).expect("a number") * 1024.0
}

/// The milliseconds that all threads of this process have used so far, to 10 ms.
pub(crate) fn processor_ms() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells it");
    // What follows the name, which may have spaces; user and system time are 14th and 15th of all.
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 1000.0 / TICKS_A_SECOND
}

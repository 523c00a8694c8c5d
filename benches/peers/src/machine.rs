//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::programs;
use crate::rounds::Effort;

/// The head of the tables.
pub(crate) fn head(effort: Effort) -> String {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let lines = [
        format!("date:    {}", first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        format!("machine: {}, {cores} cores, Linux {}", processor(), kernel()),
        format!("load:    {} as this run began", load()),
        format!("built:   {}, release", env!("PEERS_RUSTC")),
        format!("peers:   {}{}", env!("PEERS_VERSIONS"), programs::versions()),
        format!("commit:  {} of greenhub", commit()),
        format!(
            "rounds:  {}, after one to warm up, or as many as a table tells; in each, its peers take turns",
            effort.rounds
        ),
        "heap:    glibc is told not to give memory back between rounds, for all that use it"
            .to_owned(),
        "threads: one does the work, pinned to nothing; exceptions are told below a table"
            .to_owned(),
        "ratio:   a peer's median to greenhub's; above 1, greenhub is faster or smaller".to_owned(),
    ];
    lines.map(|line| line + "\n").concat()
}

fn processor() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name"));
    model
        .map_or("an unknown processor", |model| model.trim_start_matches([' ', '\t', ':']))
        .to_owned()
}

fn kernel() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    told.trim().to_owned()
}

/// The load averages of 1, 5 and 15 minutes.
fn load() -> String {
    let told = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The commit that is checked out; not known where git or its folder is missing.
fn commit() -> String {
    first_line("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(told) if told.status.success() => {
            String::from_utf8_lossy(&told.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}

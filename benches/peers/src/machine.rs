//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::rounds::Effort;

/// Prints the head of the tables.
pub(crate) fn print(effort: Effort) {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    println!("machine: {}, {cores} cores, Linux {}", processor(), kernel());
    println!("built:   {}, release", env!("PEERS_RUSTC"));
    println!("peers:   {}; greenhub at commit {}", env!("PEERS_VERSIONS"), commit());
    println!(
        "rounds:  {}, after one to warm up; in each, the peers of a table take turns",
        effort.rounds
    );
    println!("threads: one does the work, pinned to nothing; exceptions are told below a table");
    println!("ratio:   a peer's median to greenhub's; above 1, greenhub is faster");
}

fn processor() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name"));
    model
        .map_or("an unknown processor", |model| model.trim_start_matches([' ', '\t', ':']))
        .to_owned()
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// The commit that is checked out; not known where git or its folder is missing.
fn commit() -> String {
    let told = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])
        .output();
    match told {
        Ok(told) if told.status.success() => {
            String::from_utf8_lossy(&told.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}

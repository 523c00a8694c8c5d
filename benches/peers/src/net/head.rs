//! What the figures were measured on and with.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::SystemTime;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::programs;
use crate::rounds::Effort;
use crate::servers::{Peer, Rank};

/// Lets this process open as many descriptors as its hard limit allows.
pub(crate) fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("the descriptor limit stays as it is: {error}");
    }
}

/// The head of the tables.
pub(crate) fn text(effort: Effort, peers: &[Peer]) -> String {
    // Asked before the load binds itself to one of them.
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let mut text = String::new();
    let mut line = |name: &str, told: String| {
        let _ = writeln!(text, "{name:<9}{told}");
    };
    line("date:", httpdate::fmt_http_date(SystemTime::now()));
    line("machine:", format!("{}, {cores} cores, Linux {}", processor(), kernel()));
    line("busy:", format!("load average {} before the first round", load_average()));
    line("built:", format!("{}, release", env!("PEERS_RUSTC")));
    line("peers:", format!("{}; greenhub at commit {}", env!("PEERS_VERSIONS"), commit()));
    for version in peers.iter().filter_map(programs::version) {
        line("", version);
    }
    line(
        "rounds:",
        format!(
            "{}, of {:?} each after warming up; in each, the peers take turns, every time in a \
             fresh process",
            effort.rounds, effort.time
        ),
    );
    line("cores:", "the load has the first, the server with all its threads the last".to_owned());
    line(
        "CPU:",
        "the server's, in milliseconds for 100,000 requests or connections; the".to_owned(),
    );
    line(
        "",
        "scheduler's count of it, divided into user and system as the ticks of both".to_owned(),
    );
    line("ratio:", "of medians; above 1, greenhub is better".to_owned());
    text
}

/// How each peer is set up.
pub(crate) fn settings(peers: &[Peer]) -> String {
    let mut text =
        "\nsettings, with TCP_NODELAY and a backlog of 4,096 where they can be set:\n".to_owned();
    for peer in peers {
        let floor = if peer.rank == Rank::Floor { " (the floor)" } else { "" };
        let _ = writeln!(text, "  {}{floor}: {}", peer.name, peer.settings);
    }
    text
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

fn load_average() -> String {
    let told = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split_whitespace().next().unwrap_or("unknown").to_owned()
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

//! What a parked greenlet costs, at a million of them.
//!
//! ```text
//! cargo run --release --example million -- [N]
//! ```
//!
//! Spawns N greenlets (a million unless given), each on a guarded stack of its own, lets each
//! run until it parks, then wakes and ends them all. Prints the bytes of memory for each while all
//! are parked, and the nanoseconds to spawn, to wake and to end each.
//!
//! The exit code is 2 if N is no number above zero, and 1 if there is no memory for so many or
//! the system (any but Linux) does not tell how much is used.

use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let Some(count) = count() else {
        eprintln!("usage: million [N], where N is a number above zero");
        return ExitCode::from(2);
    };
    match run(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How many are asked for; `None` if that cannot be told.
fn count() -> Option<u32> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(1_000_000), |count| count.parse()).ok()?;
    (count > 0 && arguments.next().is_none()).then_some(count)
}

fn run(count: u32) -> std::io::Result<()> {
    // One greenlet for all to wait for, which ends when it is killed.
    let gate = greenhub::spawn(|| greenhub::sleep(Duration::MAX));
    let before = memory()?;
    let start = Instant::now();
    let mut parked = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let gate = gate.any();
        parked.push(greenhub::Builder::new().spawn(move || gate.wait())?);
    }
    let spawned = start.elapsed();
    // One round: each runs until it parks.
    greenhub::yield_now();
    let all_parked = start.elapsed();
    let after = memory()?;
    assert!(parked.iter().all(|greenlet| !greenlet.is_finished()), "all are parked");

    let woken = Instant::now();
    gate.start_kill();
    // The gate ends and makes all of them ready, behind main.
    greenhub::yield_now();
    let wake = woken.elapsed();
    assert!(!parked.iter().any(|greenlet| greenlet.is_finished()), "all are woken, none has run");
    greenhub::joinall(&parked);
    let end = woken.elapsed();

    let each = |time: Duration| time.as_nanos() / u128::from(count);
    let bytes = |after: u64, before: u64| after.saturating_sub(before) / u64::from(count);
    println!("{count} greenlets were parked at once");
    println!("resident memory: {} bytes each", bytes(after.resident, before.resident));
    println!("page tables:     {} bytes each", bytes(after.page_tables, before.page_tables));
    println!("spawn:           {} ns each", each(spawned));
    println!("run and park:    {} ns each", each(all_parked - spawned));
    println!("wake:            {} ns each", each(wake));
    println!("run and end:     {} ns each", each(end - wake));
    Ok(())
}

struct Memory {
    resident: u64,
    page_tables: u64,
}

/// What the kernel counts for this process, in bytes.
fn memory() -> std::io::Result<Memory> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| std::io::Error::other(format!("/proc/self/status: {error}")))?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().ok().map(|kib| kib * 1024)
    };
    match (bytes("VmRSS:"), bytes("VmPTE:")) {
        (Some(resident), Some(page_tables)) => Ok(Memory { resident, page_tables }),
        _ => Err(std::io::Error::other("/proc/self/status does not say how much memory is used")),
    }
}

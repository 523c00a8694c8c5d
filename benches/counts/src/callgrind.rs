//! Counts instructions: callgrind runs this program, and says how many it saw.
//!
//! A workload is run twice, with few operations and with many. The difference is that of the
//! operations alone, without what it takes to start and end the program.

use std::env;
use std::process::{Command, Stdio};

use crate::workloads::Workload;

/// A multiple of 64, as greenhub does some things once in 64 operations or switches.
const FEW: u64 = 2048;
const MANY: u64 = 12_288;

/// The version of valgrind, if there is one.
pub(crate) fn version() -> Option<String> {
    let told = Command::new("valgrind").arg("--version").output().ok()?;
    told.status.success().then(|| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// How many instructions one operation takes.
pub(crate) fn per_operation(workload: &Workload) -> Result<f64, String> {
    let many = instructions(workload, MANY)?;
    let few = instructions(workload, FEW)?;
    let difference = many.checked_sub(few).ok_or("more operations took fewer instructions")?;
    Ok(difference as f64 / (MANY - FEW) as f64)
}

/// How many instructions the program takes that does so many operations.
fn instructions(workload: &Workload, operations: u64) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| format!("which program is this? {error}"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--run", workload.name, &operations.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    if !run.status.success() {
        return Err(format!("{} failed under valgrind, {}:\n{said}", workload.name, run.status));
    }
    collected(&said).ok_or_else(|| format!("valgrind tells no count:\n{said}"))
}

/// Finds the number in `==1234== Collected : 5678`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

//! A test in a process of its own, for what belongs to the process: its descriptors, its threads,
//! its memory, its signals.

use std::process::{Command, Output};
use std::time::Duration;

use super::bounded::bounded_by;

/// Some of them do much.
const LIMIT: Duration = Duration::from_secs(100);

const MARK: &str = "GREENHUB_TEST_ALONE";

/// Runs a test alone in a process of its own, in which it must succeed.
#[track_caller]
pub(crate) fn alone(name: &str, body: impl FnOnce() + Send + 'static) {
    if let Some((output, text)) = child(name, body) {
        let succeeded = output.status.success() && text.contains("1 passed");
        assert!(succeeded, "{}: {text}", output.status);
    }
}

/// Runs a test alone in a process of its own, and returns how that ended and what it said; `None`
/// in that process, where `body` has returned.
pub(crate) fn child(name: &str, body: impl FnOnce() + Send + 'static) -> Option<(Output, String)> {
    if std::env::var_os(MARK).is_some() {
        bounded_by(LIMIT, body);
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        // In debug builds it would be a thread more, and have a descriptor now and then.
        .env("GREENHUB_MONITOR", "0")
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&said).into_owned();
    Some((output, text))
}

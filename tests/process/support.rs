//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::fmt::Debug;
use std::io::{self, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

pub(crate) use self::bounded::bounded;
use self::bounded::bounded_by;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn kind<T: Debug>(answer: io::Result<T>) -> io::ErrorKind {
    answer.unwrap_err().kind()
}

/// The descriptors that this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Whether there is a process of that number, be it only a zombie.
pub(crate) fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Runs a test alone in a process of its own, for what belongs to the process.
pub(crate) fn alone(name: &str, body: impl FnOnce() + Send + 'static) {
    fed(name, |_| (), body);
}

/// As [`alone`]; the process reads what `feed` writes.
pub(crate) fn fed(
    name: &str,
    feed: impl FnOnce(&mut ChildStdin),
    body: impl FnOnce() + Send + 'static,
) {
    with_input(name, Stdio::piped(), |stdin| feed(stdin.as_mut().unwrap()), body);
}

/// As [`alone`], for a process whose standard input is `input`.
pub(crate) fn with_input(
    name: &str,
    input: Stdio,
    feed: impl FnOnce(&mut Option<ChildStdin>),
    body: impl FnOnce() + Send + 'static,
) {
    const MARK: &str = "GREENHUB_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return bounded_by(Duration::from_secs(60), body);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    feed(&mut child.stdin);
    let output = child.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// The name by which the harness knows a test of the module.
pub(crate) fn test_name(module: &str, test: &str) -> String {
    let (_, inside) = module.split_once("::").unwrap();
    format!("{inside}::{test}")
}

/// Writes pieces with pauses in between.
pub(crate) fn slowly<'a>(pieces: &'a [&'a [u8]]) -> impl FnOnce(&mut ChildStdin) + 'a {
    move |stdin| {
        for piece in pieces {
            std::thread::sleep(millis(30));
            stdin.write_all(piece).unwrap();
        }
    }
}

/// How often a greenlet that sleeps for a millisecond at a time wakes beside `work`.
pub(crate) fn ticks_beside<R>(work: impl FnOnce() -> R) -> (u32, R) {
    use std::cell::Cell;
    use std::rc::Rc;
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let ticker = greenhub::spawn(move || {
        loop {
            greenhub::sleep(millis(1));
            counted.set(counted.get() + 1);
        }
    });
    let result = work();
    ticker.kill();
    (ticks.get(), result)
}

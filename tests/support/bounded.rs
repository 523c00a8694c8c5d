//! A bound on a test's time: what hangs fails, with a message. Every test binary has this file.

use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` on an OS thread of its own, which has a hub of its own.
///
/// Panics if `body` panics, or if it has not returned within a minute.
#[track_caller]
pub(crate) fn bounded<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    bounded_by(LIMIT, body)
}

/// As [`bounded`], with another limit.
#[track_caller]
pub(crate) fn bounded_by<R: Send + 'static>(
    limit: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, ended) = mpsc::channel();
    // Named as the test, for the messages of panics.
    let name = thread::current().name().unwrap_or("test").to_owned();
    let run = move || {
        let result = body();
        // The thread-locals' destructors are still to come; `join` below waits for them.
        let _ = done.send(());
        result
    };
    let thread = thread::Builder::new().name(name).spawn(run).expect("a thread");
    if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        panic!("not done within {limit:?}: it hangs");
    }
    match thread.join() {
        Ok(result) => result,
        Err(payload) => panic::resume_unwind(payload),
    }
}

//! What the tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

pub(crate) use self::alone::{alone, child};
pub(crate) use self::bounded::bounded;

/// Sends a signal to this process.
pub(crate) fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

/// Lets others run until `done`.
pub(crate) fn until(done: impl Fn() -> bool) {
    while !done() {
        greenhub::sleep(Duration::from_millis(1));
    }
}

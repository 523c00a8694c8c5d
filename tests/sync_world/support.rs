//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::{Greenlet, sleep, spawn, yield_now};

pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets everyone who is ready run, and those whom they make ready.
pub(crate) fn settle() {
    (0..10).for_each(|_| yield_now());
}

/// A greenlet that counts milliseconds, to see that the hub goes on.
pub(crate) struct Ticker {
    ticks: Rc<Cell<u32>>,
    greenlet: Greenlet<()>,
}

impl Ticker {
    pub(crate) fn start() -> Ticker {
        let ticks = Rc::new(Cell::new(0));
        let counted = Rc::clone(&ticks);
        let greenlet = spawn(move || {
            loop {
                sleep(millis(1));
                counted.set(counted.get() + 1);
            }
        });
        Ticker { ticks, greenlet }
    }

    /// Calls `wait` and returns how often it ticked meanwhile.
    pub(crate) fn beside(wait: impl FnOnce()) -> u32 {
        let ticker = Ticker::start();
        wait();
        ticker.greenlet.kill();
        ticker.ticks.get()
    }
}

/// Runs a test in a process of its own, which must end by a signal, and returns what it printed.
pub(crate) fn aborts(name: &str, body: impl FnOnce()) -> Option<String> {
    const MARK: &str = "GREENHUB_TEST_ABORTS";
    if std::env::var_os(MARK).is_some() {
        body();
        return None;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_none(), "it does not abort: {text}");
    Some(text)
}

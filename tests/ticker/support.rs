//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use greenhub::{Greenlet, sleep, spawn, yield_now};

pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A greenlet that counts milliseconds.
struct Ticker {
    ticks: Rc<Cell<u32>>,
    greenlet: Greenlet<()>,
}

impl Ticker {
    fn start() -> Ticker {
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
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.greenlet.start_kill();
    }
}

/// Takes its time in turns, in each of which others have theirs, however slow the machine is.
pub(crate) fn pause() {
    (0..20).for_each(|_| sleep(millis(2)));
}

/// Calls `wait`, which another greenlet ends by `wake` when it has paused, beside a ticker.
#[track_caller]
pub(crate) fn ticks_beside<R>(wake: impl FnOnce() + 'static, wait: impl FnOnce() -> R) -> R {
    let waker = spawn(move || {
        pause();
        wake();
    });
    let ticker = Ticker::start();
    let result = wait();
    let ticks = ticker.ticks.get();
    waker.join().expect("it wakes");
    // Far fewer than there is time for, since the machine may be busy.
    assert!(ticks >= 5, "{ticks} ticks");
    result
}

/// Does something again and again until the ticker has ticked beside it; if it blocks the hub it
/// never does.
pub(crate) fn until_ticked_beside(mut action: impl FnMut()) {
    let ticker = Ticker::start();
    while ticker.ticks.get() < 5 {
        action();
    }
}

/// Calls that wait, each in a greenlet of its own.
#[derive(Default)]
pub(crate) struct Waiting(Vec<(&'static str, Greenlet<()>)>);

impl Waiting {
    pub(crate) fn add(&mut self, name: &'static str, call: impl FnOnce() + 'static) {
        self.0.push((name, spawn(call)));
    }

    /// Sees that all of them wait while a ticker goes on, and end after `wake`.
    #[track_caller]
    pub(crate) fn end_by(self, wake: impl FnOnce()) {
        yield_now();
        ticks_beside(|| (), pause);
        for (name, call) in &self.0 {
            assert!(!call.is_finished(), "{name} did not wait");
        }
        wake();
        for (name, call) in self.0 {
            call.join().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// A folder that no other test has; it goes with all that is in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("greenhub-ticker-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it, at which there is nothing yet.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, b"content").unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

//! What these tests share.

use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use greenhub::yield_now;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` on a thread of its own, and panics if that takes longer than a minute.
#[track_caller]
pub(crate) fn bounded<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let result = body();
        let _ = done.send(());
        result
    });
    if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
        panic!("not done within {LIMIT:?}: it hangs");
    }
    match thread.join() {
        Ok(result) => result,
        Err(payload) => panic::resume_unwind(payload),
    }
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets everyone who is ready run, and those whom they make ready.
pub(crate) fn settle() {
    (0..10).for_each(|_| yield_now());
}

/// Many times, but fewer where the code is not optimized.
pub(crate) const MANY: u32 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::time::Duration;

use greenhub::yield_now;

pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets everyone who is ready run, and those whom they make ready.
pub(crate) fn settle() {
    (0..10).for_each(|_| yield_now());
}

/// Many times, but fewer where the code is not optimized.
pub(crate) const MANY: u32 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

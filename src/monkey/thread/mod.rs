//! [`std::thread`], cooperative: threads are greenlets of the current hub.
//!
//! | | |
//! | --- | --- |
//! | green | `spawn`, `Builder`, `JoinHandle`, `scope`, `Scope`, `ScopedJoinHandle`, `current`, `Thread`, `ThreadId`, `park` and its kin, `sleep`, `sleep_ms`, `yield_now`, `LocalKey`, `AccessError`, [`thread_local!`](crate::monkey::thread_local) |
//! | std's own | `available_parallelism`, `panicking` (a greenlet that unwinds does not let others run, so it tells the truth), `Result` |
//! | absent | `Builder::spawn_unchecked`: use a scope |
//!
//! A closure need not be `Send`, and handles stay on their OS thread; a [`Thread`] may be sent, and
//! unparked from anywhere. A "thread" begins only when the current one waits, and when main
//! returns, those that have not ended end with the process, as std's do.

pub use std::thread::*;

mod handle;
mod join;
mod local;
mod scope;

use std::time::Duration;

#[allow(deprecated)] // as std has it
pub use self::handle::park_timeout_ms;
pub use self::handle::{Thread, ThreadId, current, park, park_timeout};
pub use self::join::{Builder, JoinHandle, spawn};
pub use self::local::LocalKey;
pub use self::scope::{Scope, ScopedJoinHandle, scope};
use crate::greenlet;
#[doc(inline)]
pub use crate::greenlet::AccessError;

/// Lets other greenlets run for at least `dur`. Mirrors [`std::thread::sleep`].
pub fn sleep(dur: Duration) {
    greenlet::sleep(dur);
}

/// Lets other greenlets run for at least so many milliseconds. Mirrors [`std::thread::sleep_ms`].
#[deprecated(note = "replaced by `sleep`")]
pub fn sleep_ms(ms: u32) {
    greenlet::sleep(Duration::from_millis(u64::from(ms)));
}

/// Lets every other ready greenlet run once. Mirrors [`std::thread::yield_now`].
pub fn yield_now() {
    greenlet::yield_now();
}

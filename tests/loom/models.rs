//! What threads share in greenhub, gone through in every order that loom can think of.
//!
//! The files under test are greenhub's own, compiled here once more. They take their atomics and locks
//! from `crate::atomics`, which are loom's here; what they use beside that has a stand-in in `hub`.
//!
//! ```text
//! cargo test --release --manifest-path tests/loom/Cargo.toml
//! ```
//!
//! Each model says how many orders it has gone through, with at most so many changes of thread that the
//! threads did not ask for as `LOOM_MAX_PREEMPTIONS` says, or three.

#![cfg(test)]
#![allow(dead_code, reason = "of each file only what threads share is called")]

mod atomics;
#[path = "../../src/guarded.rs"]
mod biased;
mod hub;

mod bell;
mod explored;
mod lock;

/// What `hub/bell.rs` locks with: loom's lock. That greenhub's is one too is for `lock` to show.
mod guarded {
    use loom::sync::Mutex;

    pub(crate) struct Guarded<T>(Mutex<T>);

    impl<T> Guarded<T> {
        pub(crate) fn new(value: T) -> Self {
            Guarded(Mutex::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
            f(&mut self.0.lock().unwrap())
        }
    }
}

/// What `hub/bell.rs` says a deadline by.
mod clock {
    #[derive(Clone, Copy, PartialEq, PartialOrd)]
    pub(crate) struct Moment(u64);

    impl Moment {
        pub(crate) const ZERO: Moment = Moment(0);
        pub(crate) const NEVER: Moment = Moment(u64::MAX);

        pub(crate) fn now() -> Moment {
            Moment(1)
        }
    }
}

/// What `hub/bell.rs` calls a wait by.
mod raw {
    pub(crate) mod fiber {
        pub(crate) struct WaitKind;
    }
}

/// What `hub/inbox.rs` says by that its hub sleeps. Who looks at the rest is no part of the models.
mod pulse {
    use crate::atomics::{AtomicU64, Ordering};

    pub(crate) struct Pulse {
        naps: AtomicU64,
    }

    impl Pulse {
        pub(crate) fn new() -> Pulse {
            Pulse { naps: AtomicU64::new(0) }
        }

        pub(crate) fn begin(&self) {
            if self.nap().is_some() {
                self.end_nap();
            }
        }

        pub(crate) fn begin_nap(&self) {
            self.naps.store(self.naps.load(Ordering::Relaxed) | 1, Ordering::SeqCst);
        }

        pub(crate) fn end_nap(&self) {
            self.naps.store((self.naps.load(Ordering::Relaxed) + 1) & !1, Ordering::SeqCst);
        }

        pub(crate) fn nap(&self) -> Option<u64> {
            let nap = self.naps.load(Ordering::SeqCst);
            (nap % 2 == 1).then_some(nap)
        }
    }
}

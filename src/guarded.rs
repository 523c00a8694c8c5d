//! A value behind a tiny lock, for what takes some nanoseconds.
//!
//! The lock spins, and then lets the OS run other threads. So it is never held over a wait,
//! nor over code of the program's: no values are cloned or dropped under it, nobody is woken.
//! Greenlets of one thread never contend for it.
//!
//! # Why this file is unsafe
//!
//! It holds the one `UnsafeCell` of the crate's locks: the compiler cannot see that the flag
//! lets one thread in at a time.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Looks at a held lock before the OS is asked to run others.
const SPINS: u32 = 100;

pub(crate) struct Guarded<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only in `with`, by one thread at a time, so to share a
// `Guarded` is to send the value to and fro.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Guarded { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Calls `f` with the value, which no one else sees meanwhile.
    ///
    /// `f` must not come back to the same lock: it would spin for ever.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        if self
            .locked
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            self.contend();
        }
        let _unlock = Unlock(&self.locked);
        // SAFETY: the flag was ours to set, and is cleared when `f` has returned or unwound. Who
        // sets it acquires what the one before released. `f` does not come back, as it
        // could not set the flag.
        f(unsafe { &mut *self.value.get() })
    }

    #[cold]
    fn contend(&self) {
        let mut spins = 0;
        while self.locked.swap(true, Ordering::Acquire) {
            while self.locked.load(Ordering::Relaxed) {
                if spins < SPINS {
                    spins += 1;
                    hint::spin_loop();
                } else {
                    thread::yield_now();
                }
            }
        }
    }
}

/// Unlocks when it is dropped, also by a panic.
struct Unlock<'a>(&'a AtomicBool);

impl Drop for Unlock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::panic;

    use super::*;

    #[test]
    fn one_thread_at_a_time_sees_the_value() {
        let sum = Guarded::new(0u64);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| sum.with(|sum| *sum += 1)));
            }
        });
        assert_eq!(sum.with(|sum| *sum), 4_000);
    }

    #[test]
    fn a_panic_unlocks() {
        let value = Guarded::new(7);
        let caught = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            value.with(|_| panic::resume_unwind(Box::new("out")))
        }));
        assert!(caught.is_err());
        assert_eq!(value.with(|value| *value), 7);
    }
}

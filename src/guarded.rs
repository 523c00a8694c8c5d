//! A value behind a tiny lock, for what takes some nanoseconds.
//!
//! The lock spins, and then lets the OS run other threads. So it is never held over a wait, nor over
//! code of the program's, with one exception: a queue's items are compared and cloned under it.
//! Greenlets of one thread never contend for it. Should such code come back to the same lock, that
//! is a panic and not a hang, since the lock knows the thread that holds it; and if it waits, the
//! panic is that of the next greenlet of its thread that comes.
//!
//! # Why this file is unsafe
//!
//! It holds the one `UnsafeCell` of the crate's locks: the compiler cannot see that the flag
//! lets one thread in at a time.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Looks at a held lock before the OS is asked to run others.
const SPINS: u32 = 100;

pub(crate) struct Guarded<T> {
    /// The thread that holds it, or zero.
    holder: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only in `with`, by one thread at a time, so to share a
// `Guarded` is to send the value to and fro.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Guarded { holder: AtomicUsize::new(0), value: UnsafeCell::new(value) }
    }

    /// Calls `f` with the value, which no one else sees meanwhile.
    ///
    /// # Panics
    ///
    /// If this thread holds it already.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let me = this_thread();
        if self.holder.compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.contend(me);
        }
        let _unlock = Unlock(&self.holder);
        // SAFETY: the word was ours to set, and is cleared when `f` has returned or unwound. Who
        // sets it acquires what the one before released. `f` does not come back, as it
        // could not set the word.
        f(unsafe { &mut *self.value.get() })
    }

    #[cold]
    fn contend(&self, me: usize) {
        let mut spins = 0;
        while self
            .holder
            .compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            while let holder @ 1.. = self.holder.load(Ordering::Relaxed) {
                assert!(
                    holder != me,
                    "what compares or clones an item of a queue must not wait, nor use the queue"
                );
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

/// A number of this thread's own while it lives: the address of something that it has.
#[inline]
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// Unlocks when it is dropped, also by a panic.
struct Unlock<'a>(&'a AtomicUsize);

impl Drop for Unlock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
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

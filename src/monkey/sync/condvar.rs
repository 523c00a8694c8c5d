//! Until someone has changed what a mutex guards.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use super::MutexGuard;
use crate::clock::Moment;
use crate::hub::{blocking, waiter};
use crate::sync::{Condition, WaitError};

/// Lets those who hold a [`Mutex`](super::Mutex) wait for each other. Mirrors [`std::sync::Condvar`].
///
/// A greenlet goes on only when it was notified, or its limit is over, in the order in which they
/// came. One that is killed while it waits does not poison the mutex, and passes on a
/// notification that it had got. While a greenlet unwinds it cannot wait: its OS thread
/// sleeps for a moment, and it goes on without a notification, as std allows; if there is no other
/// thread that could ever notify it, that is a panic.
///
/// # Examples
///
/// ```
/// use greenhub::monkey as std;
/// use std::sync::{Condvar, Mutex};
/// use std::thread;
///
/// static ITEMS: Mutex<u32> = Mutex::new(0);
/// static CHANGED: Condvar = Condvar::new();
///
/// let consumer = thread::spawn(|| {
///     let items = ITEMS.lock().unwrap();
///     *CHANGED.wait_while(items, |items| *items == 0).unwrap()
/// });
/// thread::yield_now();
/// *ITEMS.lock().unwrap() = 3;
/// CHANGED.notify_one();
/// assert_eq!(consumer.join().unwrap(), 3);
/// ```
#[derive(Default)]
pub struct Condvar {
    condition: Condition,
}

impl UnwindSafe for Condvar {}
impl RefUnwindSafe for Condvar {}

/// Whether a wait ended because its limit was over. Mirrors [`std::sync::WaitTimeoutResult`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the limit was over. Mirrors [`std::sync::WaitTimeoutResult::timed_out`].
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition for which nobody waits. Mirrors [`std::sync::Condvar::new`].
    #[must_use]
    pub const fn new() -> Condvar {
        Condvar { condition: Condition::new() }
    }

    /// Unlocks the mutex, waits for a notification, and locks it again. Mirrors
    /// [`std::sync::Condvar::wait`].
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned when it is locked again: the guard is in the error.
    ///
    /// # Panics
    ///
    /// In a callback of the hub; and in main, with a report, if everything waits for ever.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_until(guard, Moment::NEVER).0
    }

    /// Waits, again and again, while `condition` is true of the value. Mirrors
    /// [`std::sync::Condvar::wait_while`].
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Self::wait), for at most `dur`; to lock again may take longer. Mirrors
    /// [`std::sync::Condvar::wait_timeout`].
    ///
    /// # Errors
    ///
    /// As `wait`.
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (locked, notified) = self.wait_until(guard, Moment::after(dur));
        let result = WaitTimeoutResult(!notified);
        match locked {
            Ok(guard) => Ok((guard, result)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), result))),
        }
    }

    /// As [`wait_timeout`](Self::wait_timeout), with `ms` milliseconds; returns whether it was
    /// notified. Mirrors [`std::sync::Condvar::wait_timeout_ms`].
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As `wait`.
    #[deprecated(note = "replaced by `wait_timeout`")]
    pub fn wait_timeout_ms<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let limit = Duration::from_millis(u64::from(ms));
        match self.wait_timeout(guard, limit) {
            Ok((guard, result)) => Ok((guard, !result.timed_out())),
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                Err(PoisonError::new((guard, !result.timed_out())))
            }
        }
    }

    /// Waits while `condition` is true of the value, for at most `dur` in all. Mirrors
    /// [`std::sync::Condvar::wait_timeout_while`].
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let deadline = Moment::after(dur);
        loop {
            if !condition(&mut *guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let left = deadline.since(Moment::now());
            if left.is_zero() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_timeout(guard, left)?.0;
        }
    }

    /// Notifies the one that has waited longest, if there is one. Mirrors
    /// [`std::sync::Condvar::notify_one`].
    pub fn notify_one(&self) {
        self.condition.notify_one();
    }

    /// Notifies all that wait now. Mirrors [`std::sync::Condvar::notify_all`].
    pub fn notify_all(&self) {
        self.condition.notify_all();
    }

    /// The mutex, locked again, and whether it was notified.
    fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Moment,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let writing = guard.into_writing();
        let again = writing.again();
        if !waiter::can_wait() {
            drop(writing);
            blocking::nap("for a notification", blocking::NAPS_UNTIL_ALONE);
            return (MutexGuard::of(again()), Moment::now() < deadline);
        }
        let waited: Result<_, WaitError> =
            self.condition.wait_beside(writing, deadline, || Ok(again()));
        let (writing, notified) = waited.expect("it was able to wait");
        (MutexGuard::of(writing), notified)
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

//! Until someone has changed what a lock guards.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::lock::LockGuard;
use crate::clock::Moment;
use crate::hub::line::{Line, Rules};
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

static CONDITION: Kinds = Kinds::new("for a condition");

/// Lets those who hold a [`Lock`](super::Lock) wait for each other.
///
/// Who waits releases the lock, and has it again when it goes on. A notification ends the
/// wait of one that waits then, and is not kept for later ones. Nobody goes on without
/// one. Mirrors `threading.Condition` and [`std::sync::Condvar`].
///
/// # Examples
///
/// ```
/// use greenhub::sync::{Condition, Lock};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// static LOCK: Lock = Lock::new();
/// static CHANGED: Condition = Condition::new();
///
/// let items = Rc::new(Cell::new(0));
/// let seen = Rc::clone(&items);
/// let consumer = greenhub::spawn(move || {
///     let mut guard = LOCK.lock()?;
///     while seen.get() == 0 {
///         guard = CHANGED.wait(guard)?;
///     }
///     drop(guard);
///     Ok::<_, greenhub::sync::WaitError>(seen.get())
/// });
/// greenhub::yield_now();
/// let guard = LOCK.lock()?;
/// items.set(3);
/// CHANGED.notify_one();
/// drop(guard);
/// assert_eq!(consumer.join()??, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Condition {
    line: Line<Notified>,
}

struct Notified;

impl Rules for Notified {
    fn is_ready(&self) -> bool {
        false
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        None
    }

    fn give_back(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        waiters.pop().map(|(next, ())| next)
    }
}

impl Condition {
    /// A condition for which nobody waits.
    #[must_use]
    pub const fn new() -> Condition {
        Condition { line: Line::new(Notified) }
    }

    /// Releases the lock, waits for a notification, and acquires the lock again.
    ///
    /// A notification that comes after the release is not missed. Mirrors `Condition.wait`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if the caller unwinds. The lock is released then.
    ///
    /// # Panics
    ///
    /// In a callback of the hub; and in main, with a report, if everything waits for ever.
    pub fn wait<'a>(&self, guard: LockGuard<'a>) -> Result<LockGuard<'a>, WaitError> {
        self.wait_until(guard, Moment::NEVER).map(|(guard, _)| guard)
    }

    /// As [`wait`](Self::wait), for at most `limit`; returns whether it was notified.
    ///
    /// The lock is acquired again in either case, and that may take longer than `limit`. A limit
    /// of zero keeps it, and is not notified.
    ///
    /// # Errors
    ///
    /// As `wait`.
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_for<'a>(
        &self,
        guard: LockGuard<'a>,
        limit: Duration,
    ) -> Result<(LockGuard<'a>, bool), WaitError> {
        self.wait_until(guard, turn::deadline(limit))
    }

    /// Waits until `is_waited_for` is false. It is called with the lock held: at first, and after each
    /// notification.
    ///
    /// Mirrors `Condition.wait_for` and [`std::sync::Condvar::wait_while`].
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), if it is true at first.
    ///
    /// # Panics
    ///
    /// As `wait`, if it is true at first.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::sync::{Condition, Lock};
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// static LOCK: Lock = Lock::new();
    /// static CHANGED: Condition = Condition::new();
    ///
    /// let items = Rc::new(Cell::new(0));
    /// let basket = Rc::clone(&items);
    /// let gatherer = greenhub::spawn(move || {
    ///     for _ in 0..3 {
    ///         basket.set(basket.get() + 1);
    ///         CHANGED.notify_one();
    ///         greenhub::yield_now();
    ///     }
    /// });
    /// let guard = CHANGED.wait_while(LOCK.lock()?, || items.get() < 3)?;
    /// assert_eq!(items.get(), 3);
    /// drop(guard);
    /// gatherer.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_while<'a>(
        &self,
        guard: LockGuard<'a>,
        mut is_waited_for: impl FnMut() -> bool,
    ) -> Result<LockGuard<'a>, WaitError> {
        let mut guard = guard;
        while is_waited_for() {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait_while`](Self::wait_while), for at most `limit`; returns whether it was false in time.
    ///
    /// The lock is acquired again in either case, and that may take longer than `limit`.
    ///
    /// # Errors
    ///
    /// As `wait_while`.
    ///
    /// # Panics
    ///
    /// As `wait_while`.
    pub fn wait_while_for<'a>(
        &self,
        guard: LockGuard<'a>,
        limit: Duration,
        mut is_waited_for: impl FnMut() -> bool,
    ) -> Result<(LockGuard<'a>, bool), WaitError> {
        let deadline = turn::deadline(limit);
        let mut guard = guard;
        while is_waited_for() {
            let (held, notified) = self.wait_until(guard, deadline)?;
            if !notified {
                let is_over = !is_waited_for();
                return Ok((held, is_over));
            }
            guard = held;
        }
        Ok((guard, true))
    }

    fn wait_until<'a>(
        &self,
        guard: LockGuard<'a>,
        deadline: Moment,
    ) -> Result<(LockGuard<'a>, bool), WaitError> {
        let lock = guard.lock();
        self.wait_beside(guard, deadline, || lock.lock())
    }

    /// Drops `guard`, waits for a notification until `deadline`, and gets a guard `again`; returns
    /// whether it was notified.
    pub(crate) fn wait_beside<G, E: From<WaitError>>(
        &self,
        guard: G,
        deadline: Moment,
        again: impl FnOnce() -> Result<G, E>,
    ) -> Result<(G, bool), E> {
        let mut guard = Some(guard);
        // Released when the place in the line is taken: no notification comes in between.
        let waited = self.line.wait_in_line(&CONDITION, deadline, || drop(guard.take()));
        let notified = match waited {
            Ok(_) => true,
            Err(WaitError::TimedOut) => false,
            Err(WaitError::Unwinding) => return Err(WaitError::Unwinding.into()),
        };
        let pass_on = notified.then(|| PassOn { condition: self });
        let guard = match guard {
            Some(guard) => guard,
            None => again()?,
        };
        mem::forget(pass_on);
        Ok((guard, notified))
    }

    /// Ends the wait of the one that has waited longest, if there is one. Returns at once.
    ///
    /// The lock need not be held. Mirrors `Condition.notify`.
    pub fn notify_one(&self) {
        if let Some((next, ())) = self.line.with(|_, waiters| waiters.pop()) {
            next.wake();
        }
    }

    /// Ends the waits of all that wait now. Returns at once. Mirrors `Condition.notify_all`.
    pub fn notify_all(&self) {
        let waiters = self.line.with(|_, waiters| waiters.take());
        waiters.wake();
    }
}

/// Notifies the next if one that was notified is killed before it has the lock again.
struct PassOn<'a> {
    condition: &'a Condition,
}

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.condition.notify_one();
    }
}

impl Default for Condition {
    fn default() -> Self {
        Condition::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").finish_non_exhaustive()
    }
}

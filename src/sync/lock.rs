//! One at a time.

use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};
use crate::raw::holder::{Holder, Holding};

static LOCK: Kinds = Kinds::new("for a lock");

/// A lock: one holds it, the others wait, and it goes to whoever has waited longest.
///
/// It may be held over a wait, which is what it is for. Whoever holds it must not acquire it
/// again: see [`RLock`](super::RLock). Mirrors `gevent.thread.LockType`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::Lock;
///
/// static PRINTER: Lock = Lock::new();
///
/// let guard = PRINTER.lock()?;
/// assert!(PRINTER.is_locked());
/// drop(guard);
/// assert!(!PRINTER.is_locked());
/// # Ok::<(), greenhub::sync::WaitError>(())
/// ```
pub struct Lock {
    line: Line<Sole>,
}

/// Who holds a lock. Where anyone waits, somebody does.
struct Sole {
    holder: Holder,
}

impl Sole {
    /// Hands it to the next, who is to be woken, or to nobody.
    #[inline(always)]
    fn put(&mut self, waiters: &mut Waiters, next: &mut Granted) {
        let holder = waiters.next_holder();
        let is_handed = holder.is_somebody() && waiters.pop_beside(None, next, true).is_some();
        self.holder = if is_handed { holder } else { Holder::NOBODY };
    }

    #[inline(always)]
    fn take(&mut self) -> bool {
        let is_free = !self.holder.is_somebody();
        if is_free {
            self.holder = Holder::here();
        }
        is_free
    }
}

impl Rules for Sole {
    fn is_ready(&self) -> bool {
        !self.holder.is_somebody()
    }

    #[inline(always)]
    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.take().then(All::nobody)
    }

    fn give_back(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        let mut next = Granted::default();
        self.put(waiters, &mut next);
        Some(next)
    }

    fn holding(&self) -> Holding {
        Holding::By(self.holder)
    }
}

/// A lock was released that nobody held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by nobody")
    }
}

impl std::error::Error for NotHeld {}

impl Lock {
    /// A lock that nobody holds.
    #[must_use]
    pub const fn new() -> Lock {
        Lock { line: Line::new(Sole { holder: Holder::NOBODY }) }
    }

    /// Acquires it until the guard is dropped, also by a panic or a kill; waits while it is held.
    ///
    /// Mirrors `with lock:`.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// As `acquire`.
    #[inline]
    pub fn lock(&self) -> Result<LockGuard<'_>, WaitError> {
        self.acquire()?;
        Ok(LockGuard { lock: self })
    }

    /// Acquires it; waits while it is held. Mirrors `LockType.acquire`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it is held and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if it is held; and in main, with a report, if everything waits for
    /// ever.
    #[inline]
    pub fn acquire(&self) -> Result<(), WaitError> {
        if self.line.with(|sole, _| sole.take()) {
            return Ok(());
        }
        self.line.wait_long(&LOCK, Moment::NEVER).map(drop)
    }

    /// As [`acquire`](Self::acquire), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it was not released in time; else as `acquire`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if it is held and `limit` is not zero.
    pub fn acquire_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.line.wait(&LOCK, turn::deadline(limit)).map(drop)
    }

    /// Acquires it if nobody holds it; returns whether it has.
    ///
    /// To call it again and again holds up nobody: now and then it lets others run. Mirrors
    /// `LockType.acquire(blocking=False)`.
    #[must_use]
    #[inline]
    pub fn try_acquire(&self) -> bool {
        self.line.poll()
    }

    /// Releases it, whoever acquired it, and hands it to whoever has waited longest.
    ///
    /// Returns at once. Mirrors `LockType.release`.
    ///
    /// # Errors
    ///
    /// [`NotHeld`] if nobody held it.
    #[inline]
    pub fn release(&self) -> Result<(), NotHeld> {
        let mut next = Granted::default();
        let was_held = self.line.with(|sole, waiters| {
            let was_held = sole.holder.is_somebody();
            if was_held {
                sole.put(waiters, &mut next);
            }
            was_held
        });
        next.wake();
        if was_held { Ok(()) } else { Err(NotHeld) }
    }

    /// Whether someone holds it. Mirrors `LockType.locked`.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.line.with(|sole, _| sole.holder.is_somebody())
    }
}

waitable_by_its_line!([] Lock);

impl Default for Lock {
    fn default() -> Self {
        Lock::new()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("locked", &self.is_locked()).finish()
    }
}

/// Holds a [`Lock`], and releases it when it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
}

impl<'a> LockGuard<'a> {
    pub(super) fn lock(&self) -> &'a Lock {
        self.lock
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // An error means that someone else has released it: then there is nothing to do.
        let _ = self.lock.release();
    }
}

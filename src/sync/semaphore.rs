//! So many at a time.

use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::bell;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};
use crate::raw::fiber::{Reach, WaitKind};
use crate::raw::holder::{Holder, Holding};

static SEMAPHORE: Kinds = Kinds::new("for a semaphore");

static WATCH: WaitKind =
    WaitKind { text: "for a semaphore to be free", numbered: false, reach: Reach::Shared };

/// What semaphores have to give. Where anyone waits, nothing is free.
struct Permits {
    free: usize,
    /// Who took one last.
    taker: Holder,
}

impl Permits {
    const fn new(free: usize) -> Self {
        Permits { free, taker: Holder::NOBODY }
    }

    /// Hands a permit to the next, who is to be woken, or keeps it.
    #[inline]
    fn put(&mut self, waiters: &mut Waiters, next: &mut Granted) {
        let taker = waiters.next_holder();
        if waiters.pop_beside(None, next, true).is_some() {
            self.taker = taker;
        } else {
            self.free = self.free.saturating_add(1);
        }
    }
}

impl Rules for Permits {
    fn is_ready(&self) -> bool {
        self.free > 0
    }

    #[inline]
    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.free = self.free.checked_sub(1)?;
        self.taker = Holder::here();
        Some(All::nobody())
    }

    fn give_back(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        let mut next = Granted::default();
        self.put(waiters, &mut next);
        Some(next)
    }

    fn holding(&self) -> Holding {
        Holding::LastTaken(self.taker)
    }
}

impl Line<Permits> {
    /// Puts a permit back; `false`, and nothing, if `limit` permits are free already.
    #[inline]
    fn release(&self, limit: usize) -> bool {
        let mut next = Granted::default();
        let has_room = self.with(|permits, waiters| {
            let has_room = permits.free < limit;
            if has_room {
                permits.put(waiters, &mut next);
            }
            has_room
        });
        next.wake();
        has_room
    }
}

/// A number of permits: who finds none waits for one to be released.
///
/// A released permit goes to whoever has waited longest, even if others run before that one does.
/// It may be released by anyone, also from another thread. Mirrors `gevent.lock.Semaphore`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::Semaphore;
///
/// static DOWNLOADS: Semaphore = Semaphore::new(2);
///
/// let _permit = DOWNLOADS.permit()?;
/// assert_eq!(DOWNLOADS.free(), 1);
/// # Ok::<(), greenhub::sync::WaitError>(())
/// ```
pub struct Semaphore {
    line: Line<Permits>,
}

impl Semaphore {
    /// A semaphore with so many permits.
    #[must_use]
    pub const fn new(permits: usize) -> Semaphore {
        Semaphore { line: Line::new(Permits::new(permits)) }
    }

    /// Takes a permit; waits for one if none is free. Mirrors `Semaphore.acquire`.
    ///
    /// To have it released when a scope ends, also by a panic or a kill, see
    /// [`permit`](Self::permit).
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if none is free and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free; and in main, with a report, if everything waits
    /// for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = greenhub::sync::Semaphore::new(1);
    /// semaphore.acquire()?;
    /// assert!(!semaphore.try_acquire());
    /// semaphore.release();
    /// # Ok::<(), greenhub::sync::WaitError>(())
    /// ```
    #[inline]
    pub fn acquire(&self) -> Result<(), WaitError> {
        self.line.wait(&SEMAPHORE, Moment::NEVER).map(drop)
    }

    /// As [`acquire`](Self::acquire), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if none was released in time; else as `acquire`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free or `limit` is zero.
    pub fn acquire_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.line.wait(&SEMAPHORE, turn::deadline(limit)).map(drop)
    }

    /// Waits until a permit is free, and takes none: others may be faster. Mirrors `Semaphore.wait`.
    ///
    /// While others wait, it is told in its turn that one was released, and that one goes on to them.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if none is free and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free; and in main, with a report, if everything waits
    /// for ever.
    pub fn wait(&self) -> Result<(), WaitError> {
        bell::wait_until_ready(self, &WATCH, Moment::NEVER)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if none was released in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free or `limit` is zero.
    pub fn wait_for(&self, limit: Duration) -> Result<(), WaitError> {
        bell::wait_until_ready(self, &WATCH, turn::deadline(limit))
    }

    /// Takes a permit if one is free; returns whether it has.
    ///
    /// To call it again and again holds up nobody: now and then it lets others run. Mirrors
    /// `Semaphore.acquire(blocking=False)`.
    #[must_use]
    pub fn try_acquire(&self) -> bool {
        self.line.poll()
    }

    /// As [`acquire`](Self::acquire); the permit is released when it is dropped.
    ///
    /// Mirrors `with semaphore:`.
    ///
    /// # Errors
    ///
    /// As `acquire`.
    ///
    /// # Panics
    ///
    /// As `acquire`.
    pub fn permit(&self) -> Result<Permit<'_>, WaitError> {
        self.acquire()?;
        Ok(Permit { semaphore: self })
    }

    /// Puts a permit back, or hands it to whoever has waited longest. Returns at once.
    ///
    /// It need not have been taken before: this can add permits. Mirrors `Semaphore.release`.
    #[inline]
    pub fn release(&self) {
        self.line.release(usize::MAX);
    }

    /// How many permits are free. Mirrors `Semaphore.counter`.
    #[must_use]
    pub fn free(&self) -> usize {
        self.line.with(|permits, _| permits.free)
    }
}

waitable_by_its_line!([] Semaphore, [] BoundedSemaphore);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("free", &self.free()).finish()
    }
}

/// A permit of a [`Semaphore`], released when this is dropped.
#[derive(Debug)]
#[must_use = "it is released when it is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}

/// More was released than had been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverRelease;

impl fmt::Display for OverRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more was released than had been taken")
    }
}

impl std::error::Error for OverRelease {}

/// A [`Semaphore`] that never has more permits than at first.
///
/// Mirrors `gevent.lock.BoundedSemaphore`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::{BoundedSemaphore, OverRelease};
///
/// let semaphore = BoundedSemaphore::new(1);
/// semaphore.acquire()?;
/// semaphore.release()?;
/// assert_eq!(semaphore.release(), Err(OverRelease));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BoundedSemaphore {
    line: Line<Permits>,
    limit: usize,
}

impl BoundedSemaphore {
    /// A semaphore with so many permits, and never more.
    #[must_use]
    pub const fn new(permits: usize) -> BoundedSemaphore {
        BoundedSemaphore { line: Line::new(Permits::new(permits)), limit: permits }
    }

    /// Takes a permit; waits for one if none is free.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if none is free and the caller unwinds.
    ///
    /// # Panics
    ///
    /// As [`Semaphore::acquire`].
    pub fn acquire(&self) -> Result<(), WaitError> {
        self.line.wait(&SEMAPHORE, Moment::NEVER).map(drop)
    }

    /// As [`acquire`](Self::acquire), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if none was released in time; else as `acquire`.
    ///
    /// # Panics
    ///
    /// As [`Semaphore::acquire_for`].
    pub fn acquire_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.line.wait(&SEMAPHORE, turn::deadline(limit)).map(drop)
    }

    /// Takes a permit if one is free; see [`Semaphore::try_acquire`].
    #[must_use]
    pub fn try_acquire(&self) -> bool {
        self.line.poll()
    }

    /// Puts a permit back, or hands it to whoever has waited longest. Returns at once.
    ///
    /// Mirrors `BoundedSemaphore.release`.
    ///
    /// # Errors
    ///
    /// [`OverRelease`] if all permits are free. Then nothing has happened.
    pub fn release(&self) -> Result<(), OverRelease> {
        if self.line.release(self.limit) { Ok(()) } else { Err(OverRelease) }
    }

    /// How many permits are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.line.with(|permits, _| permits.free)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("BoundedSemaphore");
        debug.field("free", &self.free()).field("limit", &self.limit).finish()
    }
}

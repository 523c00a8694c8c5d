//! A limit for any code that waits, however deep and in whatever library.
//!
//! [`with_timeout`] runs a closure. If its time is over before it returns, the greenlet is unwound
//! from the place where it waits back to the call, so that destructors run, and the call
//! returns [`TimedOut`]. [`Timeout`] is the same with all of its settings.
//!
//! What has to be known to rely on it:
//!
//! - It takes effect where the greenlet waits or yields: in a sleep, a join, a socket, a raw
//!   switch. Code that computes is not stopped, and if it returns without another wait, its value
//!   is returned, however late it is.
//! - An expiry comes before everything else that would end the same wait: if the time is over
//!   when the greenlet goes on, the block ends, even if its data, or the end of a sleep, has come
//!   in the same turn of the hub.
//! - Blocks nest. Each absorbs its own expiry only. If several have expired, the outermost ends,
//!   and the others with it. A kill comes before any expiry.
//! - When a block has been left, its limit is gone, even if it expired a moment ago: it
//!   never reaches a later wait.
//! - A call that lends its buffer to another thread (those on files, and
//!   [`offload`](crate::offload)) is done to its end; the wait after it is the one that ends.
//! - The expiry is a panic's unwinding without a panic: no panic hook is called. Code that catches
//!   every panic and goes on keeps the block alive, which then ends like any other: with the
//!   closure's value. An expiry is raised once.
//! - While a greenlet unwinds it cannot wait, so no limit ends what its destructors do.
//! - A switch away from a raw greenlet is a wait too, and so is a generator's `give`: a block that is
//!   open across one may end while nobody waits for what comes next.
//! - Greenlets that only switch to each other, raw, never come to the hub, which is where the time
//!   is looked at.
//!
//! With `panic = "abort"` nothing unwinds, so setting a limit panics at once.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::core::{self, TimerKey};
use crate::raw::Expired;
use crate::raw::fiber::Head;
use crate::raw::scopes::{ScopeKey, State};
use crate::raw::thread;

/// Runs `f` for at most `limit`.
///
/// Returns what `f` returns. The limit counts from now; one of zero is over at the first wait or
/// yield. See the [module](self) for what a limit can and cannot end. Mirrors
/// `gevent.with_timeout`.
///
/// # Errors
///
/// [`TimedOut`] if the time is over first: `f` has been unwound then. The expiry of a limit
/// further out passes through, and so does every panic.
///
/// # Panics
///
/// With `panic = "abort"`. If the kernel gives no descriptor for the thread's hub.
///
/// # Examples
///
/// ```
/// use greenhub::{TimedOut, sleep, with_timeout};
/// use std::time::Duration;
///
/// let answer = with_timeout(Duration::from_secs(10), || {
///     sleep(Duration::from_millis(1));
///     42
/// })?;
/// assert_eq!(answer, 42);
///
/// let late = with_timeout(Duration::from_millis(5), || sleep(Duration::from_secs(3600)));
/// assert!(late.is_err());
/// # Ok::<(), TimedOut>(())
/// ```
#[track_caller]
pub fn with_timeout<T>(limit: Duration, f: impl FnOnce() -> T) -> Result<T, TimedOut> {
    let set_at = Location::caller();
    limited(Some(limit), |_| f()).ok_or(TimedOut { limit, set_at })
}

/// The time that a block of code is given.
///
/// It can be used again and again: each [`run`](Self::run) sets it anew. The closure gets a
/// [`Running`], by which it can cancel or restart the limit. Mirrors `gevent.Timeout`; a
/// `with` block there is a closure here.
///
/// # Examples
///
/// ```
/// use greenhub::{Timeout, sleep};
/// use std::time::Duration;
///
/// let timeout = Timeout::new(Duration::from_millis(5));
/// let error = timeout.run(|_| sleep(Duration::from_secs(3600))).unwrap_err();
/// assert_eq!(error.limit(), Duration::from_millis(5));
///
/// // Half of the work may be late, but not the whole of it.
/// let done = timeout.run(|running| {
///     sleep(Duration::from_millis(1));
///     running.cancel();
///     sleep(Duration::from_millis(10));
/// });
/// assert_eq!(done, Ok(()));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a limit limits what it runs"]
pub struct Timeout {
    limit: Option<Duration>,
    set_at: &'static Location<'static>,
}

impl Timeout {
    /// A limit, which counts from each [`run`](Self::run).
    #[track_caller]
    pub fn new(limit: Duration) -> Timeout {
        Timeout { limit: Some(limit), set_at: Location::caller() }
    }

    /// A limit that is never over. Mirrors `gevent.Timeout(None)`.
    #[track_caller]
    pub fn never() -> Timeout {
        Timeout { limit: None, set_at: Location::caller() }
    }

    /// The limit; `None` if it is never over.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// As [`with_timeout`], for this limit, and with a handle to it.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    pub fn run<T>(&self, f: impl FnOnce(&Running) -> T) -> Result<T, TimedOut> {
        let expired = TimedOut { limit: self.limit.unwrap_or(Duration::MAX), set_at: self.set_at };
        limited(self.limit, f).ok_or(expired)
    }

    /// The same limit, of which nothing is told: the block ends early. Mirrors
    /// `Timeout(seconds, False)`.
    pub fn silent(self) -> Silent {
        Silent(self)
    }

    /// The same limit, with an error of one's own. Mirrors `Timeout(seconds, exception)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{Timeout, sleep};
    /// use std::time::Duration;
    ///
    /// let timeout = Timeout::new(Duration::from_millis(5));
    /// let answer = timeout.with_error("no answer").run(|_| sleep(Duration::from_secs(3600)));
    /// assert_eq!(answer, Err("no answer"));
    /// ```
    pub fn with_error<E>(self, error: E) -> WithError<E> {
        WithError { timeout: self, error }
    }
}

impl From<Option<Duration>> for Timeout {
    /// `None` is [never](Timeout::never).
    #[track_caller]
    fn from(limit: Option<Duration>) -> Timeout {
        Timeout { limit, set_at: Location::caller() }
    }
}

/// A limit of which nothing is told; made by [`Timeout::silent`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a limit limits what it runs"]
pub struct Silent(Timeout);

impl Silent {
    /// As [`Timeout::run`], but an expiry is `None`.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    pub fn run<T>(&self, f: impl FnOnce(&Running) -> T) -> Option<T> {
        limited(self.0.limit, f)
    }
}

/// A limit with an error of its own; made by [`Timeout::with_error`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a limit limits what it runs"]
pub struct WithError<E> {
    timeout: Timeout,
    error: E,
}

impl<E> WithError<E> {
    /// As [`Timeout::run`], with the error that it was given.
    ///
    /// # Errors
    ///
    /// That one, if the time is over first.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    pub fn run<T>(self, f: impl FnOnce(&Running) -> T) -> Result<T, E> {
        limited(self.timeout.limit, f).ok_or(self.error)
    }
}

/// The time of a block was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    limit: Duration,
    set_at: &'static Location<'static>,
}

impl TimedOut {
    /// How much time the block had.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Where in the program it was given this time.
    #[must_use]
    pub fn set_at(&self) -> &'static Location<'static> {
        self.set_at
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out: not done within {:?}, the limit set at {}", self.limit, self.set_at)
    }
}

impl Error for TimedOut {}

impl From<TimedOut> for io::Error {
    /// An error of the kind [`TimedOut`](io::ErrorKind::TimedOut).
    fn from(timed_out: TimedOut) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, timed_out)
    }
}

/// The limit of a block that runs, lent to the block.
pub struct Running {
    limit: Option<Duration>,
    key: ScopeKey,
    number: u64,
    timer: Cell<Option<TimerKey>>,
}

impl Running {
    /// Gives the block all the time it needs, even if the limit is over but has not ended it yet.
    ///
    /// Mirrors `Timeout.cancel`.
    pub fn cancel(&self) {
        self.unset_timer();
        self.with_head(|head| thread::with(|thread| thread.scopes.disarm(head, self.key)));
    }

    /// Gives the block its whole time once more, from now.
    ///
    /// Mirrors `Timeout.cancel` followed by `Timeout.start`.
    pub fn restart(&self) {
        self.cancel();
        self.arm();
    }

    /// Whether the limit can still end the block: it was not cancelled, and has not been raised.
    ///
    /// Mirrors `Timeout.pending`.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        thread::with(|thread| thread.scopes.state(self.key)) != State::Idle
    }

    /// Calls `f` with the head of the greenlet whose block it is: another one of its thread may ask.
    fn with_head(&self, f: impl FnOnce(&Head)) {
        let fiber = thread::with(|thread| thread.fiber(thread.scopes.fiber(self.key)));
        if let Some(fiber) = fiber {
            f(&fiber.head);
        }
    }

    #[inline]
    fn begin(limit: Option<Duration>) -> Running {
        let (key, number) =
            thread::current_head(|head| thread::with(|thread| thread.scopes.enter(head)));
        let running = Running { limit, key, number, timer: Cell::new(None) };
        running.arm();
        running
    }

    #[inline]
    fn arm(&self) {
        let Some(limit) = self.limit else { return };
        if limit.is_zero() {
            // No timer: it is over now, and the next wait is where that shows.
            return self.with_head(|head| {
                thread::with(|thread| thread.scopes.expire(self.key));
                head.interrupted.set(true);
            });
        }
        let deadline = Moment::after(limit);
        if deadline != Moment::NEVER {
            thread::with(|thread| thread.scopes.arm(self.key));
            self.timer.set(Some(core::with(|core| core.set_timeout(deadline, self.key))));
        }
    }

    #[inline]
    fn unset_timer(&self) {
        if let Some(timer) = self.timer.take() {
            core::with(|core| core.cancel_timer(timer));
        }
    }
}

impl Drop for Running {
    #[inline]
    fn drop(&mut self) {
        self.unset_timer();
        thread::current_head(|head| thread::with(|thread| thread.scopes.leave(head, self.key)));
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("limit", &self.limit)
            .field("is_pending", &self.is_pending())
            .finish()
    }
}

/// Runs `f` in a block of its own; `None` if that was ended by its own expiry.
#[inline]
#[track_caller]
fn limited<T>(limit: Option<Duration>, f: impl FnOnce(&Running) -> T) -> Option<T> {
    if cfg!(panic = "abort") && limit.is_some() {
        panic!("a timeout ends its block by unwinding, and panic = \"abort\" rules that out");
    }
    let running = Running::begin(limit);
    // What `f` leaves behind is as whole as after any panic that the caller catches.
    let caught = catch_unwind(AssertUnwindSafe(|| f(&running)));
    let number = running.number;
    drop(running);
    match caught {
        Ok(value) => Some(value),
        Err(payload) => match payload.downcast_ref::<Expired>() {
            Some(expired) if expired.ends(number) => None,
            _ => resume_unwind(payload),
        },
    }
}

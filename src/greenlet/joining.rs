//! Waiting for greenlets to end.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use super::packet::Ended;
use super::{AnyGreenlet, Greenlet};
use crate::clock::Moment;
use crate::hub::waiter::{self, Waker, Woken};
use crate::raw::fiber::{Head, Reach, WaitKind};
use crate::raw::thread;

/// Why a join gave no value.
#[non_exhaustive]
pub enum JoinError {
    /// The greenlet panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// The greenlet was killed.
    Killed,
    /// The greenlet had not ended in time.
    TimedOut,
    /// Someone else has taken the result.
    Taken,
    /// The caller is unwinding, and so cannot wait.
    Unwinding,
    /// The greenlet's hub had ended before it: that of a [`Cluster`](crate::Cluster).
    Lost,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => match text(&**payload) {
                Some(message) => write!(f, "the greenlet panicked: {message}"),
                None => f.write_str("the greenlet panicked"),
            },
            Self::Killed => f.write_str("the greenlet was killed"),
            Self::TimedOut => f.write_str("the greenlet had not ended in time"),
            Self::Taken => f.write_str("the greenlet's result has been taken already"),
            Self::Unwinding => f.write_str("a greenlet cannot wait while it unwinds"),
            Self::Lost => f.write_str("the greenlet's hub had ended before it"),
        }
    }
}

pub(super) fn text(payload: &dyn Any) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}

/// What [`joinall`] can wait for: greenlets of any type.
///
/// It is implemented here only.
pub trait Join: sealed::Sealed {}

impl<T: 'static> Join for Greenlet<T> {}
impl Join for AnyGreenlet {}

pub(super) mod sealed {
    use super::AnyGreenlet;
    use crate::clock::Moment;

    pub trait Sealed {
        /// Whether the greenlet had ended before `deadline`.
        fn ended_by(&self, deadline: Moment) -> bool;

        fn without_type(&self) -> AnyGreenlet;
    }
}

impl<T: 'static> sealed::Sealed for Greenlet<T> {
    fn ended_by(&self, deadline: Moment) -> bool {
        self.wait_until(deadline).is_ok()
    }

    fn without_type(&self) -> AnyGreenlet {
        self.any()
    }
}

/// Waits until all `greenlets` have ended. Their results stay to be taken.
///
/// They may be of one type, or mixed: `joinall([&a as &dyn Join, &b])`. One that is named
/// twice is no harm. Mirrors `gevent.joinall`.
///
/// # Panics
///
/// If the current greenlet is among them; and in main, with a report, if everything waits for ever.
///
/// # Examples
///
/// ```
/// use greenhub::{Join, joinall, spawn};
///
/// let number = spawn(|| 7);
/// let text = spawn(|| "seven");
/// joinall([&number as &dyn Join, &text]);
/// assert_eq!((number.join()?, text.join()?), (7, "seven"));
/// # Ok::<(), greenhub::JoinError>(())
/// ```
pub fn joinall<'a, J: Join + ?Sized + 'a>(greenlets: impl IntoIterator<Item = &'a J>) {
    for greenlet in greenlets {
        greenlet.ended_by(Moment::NEVER);
    }
}

/// As [`joinall`], for at most `limit`; returns whether all have ended. A limit of zero only
/// looks.
///
/// # Panics
///
/// If the current greenlet is among them.
pub fn joinall_for<'a, J: Join + ?Sized + 'a>(
    greenlets: impl IntoIterator<Item = &'a J>,
    limit: Duration,
) -> bool {
    let deadline = deadline(limit);
    greenlets.into_iter().all(|greenlet| greenlet.ended_by(deadline))
}

pub(super) static JOIN: WaitKind =
    WaitKind { text: "for the end of", numbered: true, reach: Reach::Inside };

impl<T: 'static> Greenlet<T> {
    /// Waits for the end; the errors are `TimedOut` and `Unwinding`.
    #[inline(always)]
    pub(super) fn wait_until(&self, deadline: Moment) -> Result<(), JoinError> {
        wait_until(&self.fiber.head, &self.fiber.data.ended, deadline)
    }
}

/// When a wait of at most `limit` is over. A limit of zero is over before it begins.
pub(super) fn deadline(limit: Duration) -> Moment {
    if limit.is_zero() { Moment::ZERO } else { Moment::after(limit) }
}

/// Waits until the greenlet with this head and end has ended.
#[inline(always)]
pub(super) fn wait_until(head: &Head, ended: &Ended, deadline: Moment) -> Result<(), JoinError> {
    if ended.is_over() {
        return Ok(());
    }
    // One that unwinds is refused by the park, and must not panic a second time.
    let would_hang = thread::is_current(head) && !std::thread::panicking();
    assert!(!would_hang, "a greenlet cannot join itself: it would wait for ever");
    if deadline == Moment::ZERO {
        return Err(JoinError::TimedOut);
    }
    let mut entry = Entry { ended, waker: None };
    loop {
        let woken = waiter::park(&JOIN, u64::from(head.id.get()), deadline, |waker| {
            ended.joiners.borrow_mut().push(waker);
            entry.waker = Some(waker);
        });
        match woken {
            _ if ended.is_over() => return Ok(()),
            Ok(Woken::ByWaker) => {}
            Ok(Woken::ByDeadline) => return Err(JoinError::TimedOut),
            Err(waiter::Unwinding) => return Err(JoinError::Unwinding),
        }
    }
}

/// A place among the joiners, given up when its greenlet stops waiting in another way.
struct Entry<'a> {
    ended: &'a Ended,
    waker: Option<Waker>,
}

impl Drop for Entry<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(waker) = self.waker
            && !self.ended.is_over()
        {
            self.ended.joiners.borrow_mut().remove(waker);
        }
    }
}

//! Greenlets: functions that run side by side on one OS thread.
//!
//! [`spawn`] makes one and returns its handle, a [`Greenlet`]. It runs when the current greenlet
//! waits, and goes on until it waits itself: nothing interrupts it in between, so what
//! happens between two waits happens at once, as seen from its neighbours. It never leaves
//! its OS thread, so it may hold and share `Rc`s.
//!
//! A greenlet ends in one of three ways, which [`Greenlet::join`] tells: it returns a value,
//! it panics (and ends alone), or it is killed: [`Exit`] is raised where it waits.

mod any;
mod builder;
mod ending;
mod hooks;
mod joinall;
mod joining;
mod killing;
mod links;
mod local;
mod packet;
mod scope;
mod state;
mod timer;
mod trace;
mod tree;
mod unstarted;
mod waiting;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

pub use self::any::{AnyGreenlet, current};
pub use self::builder::{Builder, spawn, spawn_later};
pub use self::ending::EndError;
pub use self::hooks::{HookId, add_spawn_hook, remove_spawn_hook};
pub use self::joinall::{Failed, JoinAll};
pub use self::joining::{Join, JoinError, joinall, joinall_for};
pub use self::killing::{StillRunning, killall, killall_for, start_killall};
pub use self::links::LinkId;
pub use self::local::{AccessError, LocalKey};
use self::packet::{Packet, TakenOutcome};
pub use self::scope::{Scope, ScopedGreenlet, scope};
pub use self::timer::Timer;
pub use self::trace::{Switch, Trace, set_trace, trace};
pub use self::tree::SpawnTree;
pub use self::unstarted::Unstarted;
pub use self::waiting::{IWait, iwait, wait};
use crate::clock::Moment;
use crate::hub::waiter;
use crate::raw::fiber::{Fiber, FiberRef, Reach, WaitKind};

pub use crate::hub::bell::{Bell, Waitable};
#[doc(inline)]
pub use crate::raw::Exit;

/// A handle to a greenlet that returns a `T`.
///
/// Clones name the same greenlet. Dropping the handles does not end it: it runs on unseen,
/// and should it panic then, the [hub's error hook](crate::Hub::set_error_hook) is told.
/// Mirrors `gevent.Greenlet`.
///
/// A handle stays on its thread:
///
/// ```compile_fail
/// let greenlet = greenhub::spawn(|| 1);
/// std::thread::spawn(move || greenlet.join());
/// ```
pub struct Greenlet<T> {
    fiber: Rc<Fiber<Packet<T>>>,
}

impl<T: 'static> Greenlet<T> {
    /// Waits until the greenlet has ended, and takes its result.
    ///
    /// The result is there once: a second join, through this handle or a clone, gets
    /// [`JoinError::Taken`]. To wait without taking it, see [`wait`](Self::wait). Mirrors
    /// gevent's `Greenlet.get` and [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// [`JoinError::Panicked`] with the payload, [`JoinError::Killed`], `Taken`, or
    /// [`JoinError::Unwinding`] if the caller itself unwinds and so cannot wait.
    ///
    /// # Panics
    ///
    /// If a greenlet joins itself; and in main, with a report, if everything waits for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// let sum = greenhub::spawn(|| (1..=10).sum::<u32>());
    /// assert_eq!(sum.join()?, 55);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[inline]
    pub fn join(&self) -> Result<T, JoinError> {
        self.join_until(Moment::NEVER)
    }

    /// As [`join`](Self::join), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`JoinError::TimedOut`] if the greenlet had not ended in time: it runs on, and can be
    /// joined again. Else as `join`.
    ///
    /// # Panics
    ///
    /// If a greenlet joins itself.
    pub fn join_for(&self, limit: Duration) -> Result<T, JoinError> {
        self.join_until(joining::deadline(limit))
    }

    #[inline(always)]
    fn join_until(&self, deadline: Moment) -> Result<T, JoinError> {
        self.wait_until(deadline)?;
        match self.fiber.data.take_outcome() {
            TakenOutcome::Returned(value) => Ok(value),
            TakenOutcome::Panicked(payload) if payload.is::<Exit>() => Err(JoinError::Killed),
            TakenOutcome::Panicked(payload) => Err(JoinError::Panicked(payload)),
            TakenOutcome::Nothing => Err(JoinError::Taken),
        }
    }

    /// Waits until the greenlet has ended, and leaves the result to be taken.
    ///
    /// Mirrors gevent's `Greenlet.join`.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    pub fn wait(&self) {
        // Refused only while the caller unwinds; then it must go on unwinding.
        let _ = self.wait_until(Moment::NEVER);
    }

    /// As [`wait`](Self::wait), for at most `limit`; returns whether the greenlet has ended. A
    /// limit of zero only looks.
    ///
    /// # Panics
    ///
    /// If a greenlet waits for itself.
    pub fn wait_for(&self, limit: Duration) -> bool {
        self.wait_until(joining::deadline(limit)).is_ok()
    }

    /// Its number: small, unique among the living of its thread. Mirrors
    /// `Greenlet.minimal_ident`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.fiber.head.id.get()
    }

    /// The name that its [`Builder`] gave it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.fiber.head.name.borrow().as_deref().map(str::to_owned)
    }

    /// This greenlet, without its type.
    #[must_use]
    pub fn any(&self) -> AnyGreenlet {
        AnyGreenlet::from(FiberRef::from(self.fiber()))
    }

    fn fiber(&self) -> Rc<Fiber<Packet<T>>> {
        Rc::clone(&self.fiber)
    }
}

impl<T> Clone for Greenlet<T> {
    fn clone(&self) -> Self {
        Greenlet { fiber: Rc::clone(&self.fiber) }
    }
}

impl<T> fmt::Debug for Greenlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        any::describe(&self.fiber.head, f)
    }
}

impl<T> Drop for Greenlet<T> {
    fn drop(&mut self) {
        if Rc::strong_count(&self.fiber) == 1 {
            self.fiber.data.report_if_unread(&self.fiber.head);
        }
    }
}

static SLEEP: WaitKind = WaitKind { text: "in a sleep", numbered: false, reach: Reach::Inside };

/// Lets other greenlets run for at least `duration`.
///
/// A duration of zero is [`yield_now`]; one longer than 584 years never ends. While the
/// current greenlet unwinds it cannot let others run, and the OS thread sleeps. Mirrors
/// `gevent.sleep` and [`std::thread::sleep`].
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let naps: Vec<_> =
///     (0..10).map(|_| greenhub::spawn(|| greenhub::sleep(Duration::from_millis(20)))).collect();
/// greenhub::joinall(&naps);
/// assert!(start.elapsed() < Duration::from_millis(200), "side by side");
/// ```
pub fn sleep(duration: Duration) {
    if duration.is_zero() {
        return yield_now();
    }
    if waiter::park(&SLEEP, 0, Moment::after(duration), |_| ()).is_err() {
        std::thread::sleep(duration);
    }
}

/// Lets every other ready greenlet run once; returns when it is the caller's turn again.
///
/// Sockets and timers are looked at within 64 switches, however many greenlets only yield.
/// A greenlet that unwinds does not yield. Mirrors `gevent.sleep(0)` and
/// [`std::thread::yield_now`].
#[inline(always)]
pub fn yield_now() {
    waiter::yield_now();
}

#[cfg(test)]
mod tests;

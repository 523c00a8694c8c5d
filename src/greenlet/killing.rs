//! Ending greenlets: one, or many at once.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use super::packet::{Ended, Start};
use super::{AnyGreenlet, Greenlet, Join, joining};
use crate::hub::{core, waiter};
use crate::raw::fiber::FiberRef;
use crate::raw::thread;
use crate::raw::{self, Exit};

/// Has `fiber` unwind at its waiting point, or never start. Without a payload it is [`Exit`].
pub(super) fn start_kill(fiber: &FiberRef, payload: Option<Box<dyn Any + Send>>) {
    let head = &fiber.head;
    let ended = fiber.data.known().downcast_ref::<Ended>();
    if ended.is_some_and(Ended::is_over) || head.is_finished() {
        return;
    }
    // A callback of the loop runs as main, which it must not unwind. One that unwinds already cannot
    // do so twice: should it be caught, it ends where it waits next.
    let is_raised = thread::is_current(head) && !thread::is_called_by_loop(head);
    if is_raised && !std::thread::panicking() {
        raw::unwind(payload.unwrap_or_else(|| Box::new(Exit)));
    }
    if payload.is_some() {
        let old = head.extra_or_default().kill_payload.replace(payload);
        drop(old);
    }
    head.kill();
    if let Some(ended) = ended
        && !ended.is_start_asked()
    {
        // It runs only to die.
        ended.start.set(Start::Asked);
        core::with(|core| core.make_ready(fiber.clone()));
    } else if waiter::cut_short(fiber)
        && let Some(ended) = ended
        && let Start::Later(timer) = ended.start.replace(Start::Asked)
    {
        core::with(|core| core.cancel_timer(timer));
    }
}

impl AnyGreenlet {
    /// Ends it, and waits until it has ended; see [`Greenlet::kill`](super::Greenlet::kill).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    pub fn kill(&self) {
        self.start_kill();
        self.wait();
    }

    /// As [`kill`](Self::kill), but waits for at most `limit`; returns whether it has ended.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    pub fn kill_for(&self, limit: Duration) -> bool {
        self.start_kill();
        self.wait_for(limit)
    }

    /// As [`kill`](Self::kill), without waiting. Of main and of raw greenlets, [`Exit`] is
    /// raised at their next wait in the hub, or where they wait now.
    pub fn start_kill(&self) {
        start_kill(self.fiber(), None);
    }

    /// As [`kill`](Self::kill), with a payload of one's own; see
    /// [`Greenlet::kill_with`](super::Greenlet::kill_with).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    pub fn kill_with(&self, payload: impl Any + Send) {
        self.start_kill_with(payload);
        self.wait();
    }

    /// As [`kill_with`](Self::kill_with), without waiting.
    pub fn start_kill_with(&self, payload: impl Any + Send) {
        start_kill(self.fiber(), Some(Box::new(payload)));
    }
}

impl<T: 'static> Greenlet<T> {
    /// Ends the greenlet, and waits until it has ended.
    ///
    /// [`Exit`] is raised where the greenlet waits, so that its destructors run. One that has
    /// not begun never runs; one that has ended is left as it is. A call that lends its
    /// buffer to another thread (those on files) is not cut short: the greenlet is unwound at its
    /// next wait. A greenlet that kills itself unwinds at once; while it unwinds already, it is to end
    /// at its next wait, should it be caught. Mirrors gevent's
    /// `Greenlet.kill`.
    ///
    /// A greenlet that catches the `Exit` lives on, and `kill` waits on until it ends.
    ///
    /// # Panics
    ///
    /// In main, with a report, if everything waits for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let sleeper = greenhub::spawn(|| greenhub::sleep(Duration::from_secs(3600)));
    /// greenhub::yield_now();
    /// sleeper.kill();
    /// assert!(matches!(sleeper.join(), Err(greenhub::JoinError::Killed)));
    /// ```
    pub fn kill(&self) {
        self.start_kill();
        self.wait();
    }

    /// As [`kill`](Self::kill), but waits for at most `limit`; returns whether the greenlet has
    /// ended. Mirrors `Greenlet.kill(timeout=…)`.
    ///
    /// # Panics
    ///
    /// As `kill`.
    pub fn kill_for(&self, limit: Duration) -> bool {
        self.start_kill();
        self.wait_for(limit)
    }

    /// As [`kill`](Self::kill), without waiting: the greenlet ends when it is its turn.
    ///
    /// Mirrors `Greenlet.kill(block=False)`.
    pub fn start_kill(&self) {
        self.any().start_kill();
    }

    /// As [`kill`](Self::kill), but `payload` is raised in place of [`Exit`].
    ///
    /// So the greenlet ends as one that panicked with `payload`, and is not successful, also if
    /// it had not begun. No panic hook is called. Of two payloads that come before the greenlet
    /// runs, the later is raised. Mirrors `Greenlet.kill(exception)`.
    ///
    /// # Panics
    ///
    /// As `kill`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::JoinError;
    ///
    /// let greenlet = greenhub::spawn(|| 7);
    /// greenlet.kill_with("no longer needed");
    /// match greenlet.join() {
    ///     Err(JoinError::Panicked(payload)) => assert!(payload.is::<&str>()),
    ///     other => panic!("{other:?}"),
    /// }
    /// ```
    pub fn kill_with(&self, payload: impl Any + Send) {
        self.start_kill_with(payload);
        self.wait();
    }

    /// As [`kill_with`](Self::kill_with), without waiting.
    pub fn start_kill_with(&self, payload: impl Any + Send) {
        self.any().start_kill_with(payload);
    }
}

/// Ends all `greenlets`, and waits until they have ended.
///
/// All are told before any is waited for. Those that have not begun never run. If the current
/// one is among them it is ended last, by unwinding from here. Mirrors `gevent.killall`.
///
/// # Panics
///
/// If main or a raw greenlet is among them; and in main, with a report, if everything waits
/// for ever.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let sleepers: Vec<_> =
///     (0..3).map(|_| greenhub::spawn(|| greenhub::sleep(Duration::MAX))).collect();
/// greenhub::killall(&sleepers);
/// assert!(sleepers.iter().all(|sleeper| sleeper.is_dead()));
/// ```
pub fn killall<'a, J: Join + ?Sized + 'a>(greenlets: impl IntoIterator<Item = &'a J>) {
    for greenlet in tell_all(greenlets) {
        greenlet.wait();
    }
}

/// As [`killall`], but waits for at most `limit`.
///
/// # Errors
///
/// [`StillRunning`] if some had not ended in time: those that catch what ends them. Those that
/// have not begun never run, even so. Mirrors `gevent.killall(timeout=…)`.
///
/// # Panics
///
/// As `killall`.
pub fn killall_for<'a, J: Join + ?Sized + 'a>(
    greenlets: impl IntoIterator<Item = &'a J>,
    limit: Duration,
) -> Result<(), StillRunning> {
    let greenlets = tell_all(greenlets);
    let deadline = joining::deadline(limit);
    let mut count = 0;
    for greenlet in &greenlets {
        count += usize::from(!greenlet.is_dead() && !greenlet.wait_until(deadline));
    }
    if count == 0 { Ok(()) } else { Err(StillRunning { count }) }
}

/// As [`killall`], without waiting. Mirrors `gevent.killall(block=False)`.
pub fn start_killall<'a, J: Join + ?Sized + 'a>(greenlets: impl IntoIterator<Item = &'a J>) {
    tell_all(greenlets);
}

/// Kills all, the current one last.
fn tell_all<'a, J: Join + ?Sized + 'a>(
    greenlets: impl IntoIterator<Item = &'a J>,
) -> Vec<AnyGreenlet> {
    let greenlets: Vec<_> = greenlets.into_iter().map(|greenlet| greenlet.without_type()).collect();
    let is_current = |greenlet: &&AnyGreenlet| thread::is_current(&greenlet.fiber().head);
    for greenlet in greenlets.iter().filter(|greenlet| !is_current(greenlet)) {
        greenlet.start_kill();
    }
    if let Some(current) = greenlets.iter().find(is_current) {
        current.start_kill();
    }
    greenlets
}

/// Some greenlets had not ended in time; see [`killall_for`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StillRunning {
    /// How many.
    pub count: usize,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} killed greenlets had not ended in time", self.count)
    }
}

impl std::error::Error for StillRunning {}

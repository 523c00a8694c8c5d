//! A function that is called later, unless it is called off.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use super::{Builder, Greenlet, Unstarted};

/// Calls a function once, some time after it was started, unless it is cancelled before.
///
/// The function runs as a greenlet of its own, so it may wait. Dropping the timer does not cancel
/// it: one that was started still fires, and one that was not never does. A process that ends does
/// not wait for its timers. Mirrors Python's `threading.Timer`, as gevent's `monkey` has it.
///
/// # Examples
///
/// ```
/// use greenhub::Timer;
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// let rung = Rc::new(Cell::new(false));
/// let bell = Rc::clone(&rung);
/// let timer = Timer::new(Duration::from_millis(1), move || bell.set(true));
/// timer.start();
/// timer.wait();
/// assert!(rung.get());
///
/// let alarm = Timer::new(Duration::from_secs(3600), || panic!("wake up"));
/// alarm.start();
/// assert!(alarm.cancel());
/// ```
#[must_use = "it never fires unless it is started"]
pub struct Timer {
    greenlet: Greenlet<()>,
    /// Until it is started.
    unstarted: Cell<Option<Unstarted<()>>>,
}

impl Timer {
    /// A timer that calls `f` so long after its [`start`](Self::start).
    ///
    /// A delay of more than 584 years is never over.
    ///
    /// # Panics
    ///
    /// As [`spawn`](super::spawn).
    #[track_caller]
    pub fn new(delay: Duration, f: impl FnOnce() + 'static) -> Timer {
        match Builder::new().delay(delay).create(f) {
            Ok(unstarted) => Timer {
                greenlet: unstarted.greenlet().clone(),
                unstarted: Cell::new(Some(unstarted)),
            },
            Err(error) => panic!("{error}"),
        }
    }

    /// Has the delay begin. Returns at once.
    ///
    /// One that was cancelled stays cancelled. Mirrors `Timer.start`.
    ///
    /// # Panics
    ///
    /// If it was started before.
    pub fn start(&self) {
        let unstarted = self.unstarted.take().expect("a timer is started once");
        drop(unstarted.start());
    }

    /// Has it never fire; returns whether this call prevented it.
    ///
    /// False if the function has begun, which then goes on, and if it was cancelled before. Returns
    /// at once; what the function captured is dropped in the next turn of the hub. Mirrors
    /// `Timer.cancel`.
    pub fn cancel(&self) -> bool {
        let has_begun = !self.greenlet.fiber.head.is_unstarted();
        let prevented = !has_begun && !self.greenlet.is_dead();
        if prevented {
            self.greenlet.start_kill();
        }
        prevented
    }

    /// Whether it was started, and has neither been cancelled nor come to the end of its function.
    ///
    /// Mirrors `Timer.is_alive`.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.greenlet.is_started()
    }

    /// Waits until the function has returned, or the timer is cancelled.
    ///
    /// Mirrors `Timer.join`.
    ///
    /// # Panics
    ///
    /// If the function waits for its own end; and in main, with a report, if everything waits
    /// for ever, as it does for a timer that nobody starts.
    pub fn wait(&self) {
        self.greenlet.wait();
    }

    /// As [`wait`](Self::wait), for at most `limit`; returns whether it is over. A limit of zero only
    /// looks. Mirrors `Timer.join(timeout)`.
    ///
    /// # Panics
    ///
    /// If the function waits for its own end.
    pub fn wait_for(&self, limit: Duration) -> bool {
        self.greenlet.wait_for(limit)
    }

    /// The greenlet that runs the function: to name it, link it, or ask how it ended.
    #[must_use]
    pub fn greenlet(&self) -> &Greenlet<()> {
        &self.greenlet
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.greenlet).finish()
    }
}

//! Ending everything that a thread's hub runs.

use std::fmt;
use std::time::Duration;

use super::packet::Ended;
use super::{joining, killing};
use crate::hub::rest::{self, Until};
use crate::hub::waiter::Woken;
use crate::hub::{Hub, report};
use crate::raw::fiber::{FiberRef, Reach, WaitKind};
use crate::raw::thread::{self, Thread};

static END: WaitKind =
    WaitKind { text: "for the end of its hub", numbered: false, reach: Reach::Inside };

impl Hub {
    /// Ends every greenlet of this thread, and waits until they have ended, for at most `limit`.
    ///
    /// Each is killed once, as by [`Greenlet::kill`](crate::Greenlet::kill): it unwinds from where
    /// it waits, so that its destructors run, and one that has not begun never runs. Those that are
    /// spawned meanwhile are ended too. Suspended [raw](crate::raw) greenlets unwind likewise; what
    /// they end with reaches nobody. It returns before `limit` is over if nothing is left, or if
    /// what is left can never go on. The hub is then as it was in the beginning, and can be used
    /// again; a second end has nothing to do.
    ///
    /// A thread that ends without this leaves its greenlets as they are, and their destructors do
    /// not run. Mirrors gevent's `Hub.destroy`, which does not unwind greenlets.
    ///
    /// # Errors
    ///
    /// [`EndError`] if some are left: they caught what ends them, or are at it, or are in a call
    /// that lends its buffer to another thread. They go on when main waits. While main itself
    /// unwinds it cannot wait, so whoever had begun is left and ends later.
    ///
    /// # Panics
    ///
    /// In another greenlet than main; and in a callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    ///
    /// struct Goodbye(mpsc::Sender<&'static str>);
    ///
    /// impl Drop for Goodbye {
    ///     fn drop(&mut self) {
    ///         self.0.send("goodbye").unwrap();
    ///     }
    /// }
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// greenhub::spawn(|| {
    ///     let _goodbye = Goodbye(sender);
    ///     greenhub::sleep(Duration::MAX);
    /// });
    /// greenhub::yield_now();
    /// greenhub::Hub::current().end(Duration::from_secs(1))?;
    /// assert_eq!(receiver.recv(), Ok("goodbye"));
    /// # Ok::<(), greenhub::EndError>(())
    /// ```
    pub fn end(&self, limit: Duration) -> Result<(), EndError> {
        rest::refuse_others("end the hub");
        let deadline = joining::deadline(limit);
        for fiber in others() {
            fiber.head.told_of_end.set(false);
        }
        loop {
            let to_tell =
                others().into_iter().filter(|fiber| !fiber.head.told_of_end.replace(true));
            to_tell.for_each(|fiber| end(&fiber));
            let census = thread::with(Thread::census);
            if census.is_only_main() {
                return Ok(());
            }
            let woken = rest::wait_in_main(Until::Change(census), &END, deadline);
            if woken != Ok(Woken::ByWaker) || census == thread::with(Thread::census) {
                let left = others();
                return if left.is_empty() { Ok(()) } else { Err(EndError::new(&left)) };
            }
        }
    }
}

/// All but main.
fn others() -> Vec<FiberRef> {
    let mut fibers = thread::with(Thread::fibers);
    fibers.retain(|fiber| !fiber.head.is_main());
    fibers
}

fn end(fiber: &FiberRef) {
    let was_spawned = fiber.data.known().is::<Ended>();
    if was_spawned || !fiber.head.is_unstarted() {
        killing::start_kill(fiber, None);
    } else {
        // Nobody may ever switch to it: what its body captured is dropped here.
        fiber.head.mailbox.set(std::ptr::null());
        fiber.discard();
    }
}

/// Some greenlets had not ended when the hub's end was to be over; see [`Hub::end`].
///
/// It is displayed as a list of them and what they wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndError {
    /// How many.
    pub count: usize,
    report: String,
}

impl EndError {
    fn new(left: &[FiberRef]) -> Self {
        let mut report = String::new();
        report::list(&mut report, left);
        EndError { count: left.len(), report }
    }
}

impl fmt::Display for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} greenlets had not ended in time:{}", self.count, self.report)
    }
}

impl std::error::Error for EndError {}

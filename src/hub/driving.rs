//! What main asks of the loop itself: to run until it is dry, or to go round once.

#[cfg(all(target_os = "linux", not(greenhub_portable)))]
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::rest::{self, Until};
use super::waiter::Woken;
use super::{Hub, core, turn};
use crate::clock::Moment;
use crate::raw::fiber::{Reach, WaitKind};

static DRY: WaitKind =
    WaitKind { text: "for the hub to run dry", numbered: false, reach: Reach::Inside };

static TURN: WaitKind =
    WaitKind { text: "for a turn of the loop", numbered: false, reach: Reach::Inside };

impl Hub {
    /// Waits until the hub has run dry: there is nothing left that it would do by itself.
    ///
    /// That is: no greenlet is ready, no callback is pending, no timer is set, nobody waits for the
    /// kernel or for another thread, and no [`Remote`](super::Remote) is left. Greenlets that still wait then, for
    /// each other or for an event that only this hub has used, do not keep it from returning; it
    /// is no error, and no report. Nor do [background](crate::Builder::background) greenlets that
    /// wait. A handler of [`on_signal`](crate::signal::on_signal) counts as a `Remote`: it keeps this
    /// from returning until its guard is dropped, or [told](crate::signal::SignalGuard::unref) not to.
    /// It can be called again and again. Mirrors `gevent.wait()` and gevent's `Hub.join`.
    ///
    /// While main unwinds it returns at once.
    ///
    /// # Panics
    ///
    /// In another greenlet than main, which would wait for itself; and in a callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// let done = Rc::new(Cell::new(0));
    /// for _ in 0..10 {
    ///     let done = Rc::clone(&done);
    ///     greenhub::spawn(move || {
    ///         greenhub::sleep(Duration::from_millis(1));
    ///         done.set(done.get() + 1);
    ///     });
    /// }
    /// greenhub::Hub::current().join();
    /// assert_eq!(done.get(), 10);
    /// ```
    pub fn join(&self) {
        join_until(Moment::NEVER);
    }

    /// As [`join`](Self::join), for at most `limit`; returns whether the hub has run dry. A limit
    /// of zero has the loop go round once.
    ///
    /// Mirrors gevent's `Hub.join(timeout)`.
    ///
    /// # Panics
    ///
    /// As `join`.
    pub fn join_for(&self, limit: Duration) -> bool {
        join_until(turn::deadline(limit))
    }

    /// Has the loop go round once, without sleeping; returns for how long the thread may sleep then.
    ///
    /// For a thread whose own loop has the hub in it. That loop sleeps until one of three things:
    /// the time that this returns is over, the hub's [descriptor](#impl-AsFd-for-Hub) is readable,
    /// or something of its own. Then it calls this again. Who is ready runs, callbacks
    /// are called, what other threads ask is done, deadlines are looked at, and the kernel is
    /// asked. The answer is zero if there is more to do at once, and `None` if there is no
    /// deadline. It counts from when this returns, and holds until main spawns or wakes a greenlet,
    /// or adds a callback: then this is to be called before the thread sleeps. A turn of a hub
    /// where everything waits for ever is no error. Mirrors gevent's `loop.run(nowait=True)`.
    ///
    /// While main unwinds, nothing runs.
    ///
    /// # Panics
    ///
    /// In another greenlet than main; and in a callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let hub = greenhub::Hub::current();
    /// let greenlet = greenhub::spawn(|| greenhub::sleep(Duration::from_millis(5)));
    /// while let Some(limit) = hub.turn() {
    ///     // A loop with descriptors of its own would call `poll` here.
    ///     std::thread::sleep(limit);
    /// }
    /// assert!(greenlet.is_finished());
    /// ```
    pub fn turn(&self) -> Option<Duration> {
        rest::refuse_others("turn the hub");
        core::with(|core| core.end_pause());
        let _ = rest::wait_in_main(Until::Turn, &TURN, Moment::NEVER);
        core::with(|core| core.begin_pause())
    }
}

/// Readable when the kernel has something for the hub, or another thread has woken it.
///
/// For a loop that has the hub in it; see [`Hub::turn`]. It is to be polled for reading, and for
/// nothing else. Mirrors gevent's `loop.fileno`.
#[cfg(all(target_os = "linux", not(greenhub_portable)))]
impl AsFd for Hub {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.notifier.as_fd()
    }
}

fn join_until(deadline: Moment) -> bool {
    rest::refuse_others("join the hub");
    match rest::wait_in_main(Until::Dry, &DRY, deadline) {
        Ok(Woken::ByWaker) => true,
        // The limit may have been over in the turn in which the last greenlet ended.
        Ok(Woken::ByDeadline) => core::with(|core| !core.has_work() && core.is_dry()),
        Err(_) => false,
    }
}

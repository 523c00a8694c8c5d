//! When nobody is ready: whether anyone can still come, and what main is told of that.
//!
//! | the hub is | when nobody is ready, and |
//! | --- | --- |
//! | stuck | nothing can ever change that: main gets a report |
//! | dry | nothing that is known of will: main's [`join`](super::Hub::join) is over |
//!
//! A dry hub need not be stuck: a greenlet may wait for an event that only greenlets of this hub
//! have used so far, and that another thread could still set. What background greenlets wait for
//! keeps a hub neither from being dry nor from being stuck.
//!
//! None of this costs those who wait anything: it is looked up when the hub would sleep.

use std::time::Duration;

use super::core::{self, Core, Due};
use super::waiter::{self, Unwinding, Woken};
use super::{report, threads};
use crate::clock::Moment;
use crate::config;
use crate::raw::fiber::{FiberRef, Reach, WaitKind};
use crate::raw::thread::{self, Census, Thread};

/// What ends main's wait, beside a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Nothing does.
    Woken,
    /// The hub has run dry.
    Dry,
    /// The loop has gone round once.
    Turn,
    /// Fibers have come or gone since this was counted, or the hub is stuck.
    Change(Census),
}

/// The looks at other threads while nothing else could happen.
#[derive(Clone, Copy, Default)]
pub(super) struct SharedSleep {
    /// The number of the next wait: while it is the same, no greenlet has waited anew.
    waits: u64,
    looks: u32,
    is_last: bool,
    /// When the look is due.
    at: Option<Moment>,
}

/// Has main wait until a wake or `until`, and `deadline` at the latest.
///
/// # Errors
///
/// [`Unwinding`], at once.
///
/// # Panics
///
/// In a callback of the loop, as every wait does.
pub(crate) fn wait_in_main(
    until: Until,
    kind: &'static WaitKind,
    deadline: Moment,
) -> Result<Woken, Unwinding> {
    core::with(|core| {
        // A callback that tries this is refused, and main's own wait must not notice.
        let _back = Back { core, before: core.until.get() };
        waiter::park(kind, 0, deadline, |_| core.until.set(until))
    })
}

struct Back<'a> {
    core: &'a Core,
    before: Until,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.core.until.set(self.before);
    }
}

/// Refuses a call of a greenlet other than main: the hub cannot come to rest while it waits.
#[track_caller]
pub(crate) fn refuse_others(what: &str) {
    let is_main = thread::current_head(|head| head.is_main());
    assert!(is_main, "only main can {what}: a greenlet that did would wait for itself");
}

impl Core {
    /// Whether anything is to be done without waiting.
    pub(super) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.callbacks.is_empty()
    }

    /// Whether sleeping would be of no use to main.
    pub(super) fn is_over(&self) -> bool {
        match self.until.get() {
            Until::Woken => self.is_stuck(true),
            Until::Dry => self.is_dry(),
            Until::Turn => true,
            Until::Change(census) => thread::with(Thread::census) != census || self.is_stuck(false),
        }
    }

    /// Step 5: when nobody is ready, says so to those who wait for that; and if nothing can ever
    /// change it, to main.
    pub(super) fn end_wait_of_main(&self, thread: &Thread) {
        if !self.has_work() && self.has_idlers() {
            self.idlers.take().wake_all();
        }
        let until = self.until.get();
        let is_over = match until {
            Until::Turn => true,
            Until::Change(census) if census != thread.census() => true,
            _ => !self.has_work() && self.is_over(),
        };
        if !is_over {
            return;
        }
        let main = thread.main();
        if until == Until::Woken {
            let report = report::stuck(&thread.fibers());
            main.head.wait.set(0);
            if let Err(report) = main.interrupt(report) {
                *self.stuck.borrow_mut() = Some(report);
            }
            self.ready.push(main);
        } else if main.head.wait.get() != 0 {
            self.wake(0, main.head.wait.get(), Woken::ByWaker);
        }
    }

    /// When to look again whether the other threads are still there, if they are all that keeps
    /// the report away: once, as one that was joined just now is counted for a moment longer. But
    /// a pool's work may end without waking anyone: until it has, ever more seldom.
    pub(super) fn second_look(&self) -> Option<Moment> {
        if self.waits(Reach::Shared) == 0 || self.waits(Reach::Outside) > 0 {
            return None;
        }
        let waits = self.next_wait.get();
        let mut sleep = self.slept_shared.get();
        if sleep.waits != waits {
            sleep = SharedSleep { waits, ..SharedSleep::default() };
        }
        if let Some(at) = sleep.at
            && Moment::now() < at
        {
            // Something has woken the hub before that, and it is still to come.
            return Some(at);
        }
        if sleep.is_last {
            return None;
        }
        let pause = config::SECOND_LOOK * 2u32.pow(sleep.looks.min(10));
        sleep.looks += 1;
        sleep.is_last = !threads::have_work();
        sleep.at = Some(Moment::after(pause));
        self.slept_shared.set(sleep);
        sleep.at
    }

    /// Whether nothing that is known of will make anyone ready. Main's own timers do not count:
    /// they are the limits of its wait for this.
    pub(super) fn is_dry(&self) -> bool {
        self.is_silent(false)
    }

    /// Whether nothing can ever make anyone ready; main's own timers count if `with_main`.
    fn is_stuck(&self, with_main: bool) -> bool {
        // Beside a simulation there are always other threads, and they have nothing to do with it.
        let is_left_alone = || self.simulated.get().is_some() || self.is_alone();
        self.is_silent(with_main) && (self.waits(Reach::Shared) == 0 || is_left_alone())
    }

    fn is_silent(&self, with_main: bool) -> bool {
        !self.has_timers(with_main)
            && self.waits(Reach::Outside) == 0
            && !self.inbox.has_remotes()
            && !self.inbox.is_pending()
    }

    /// Whether no other thread can wake anyone here. It costs some microseconds.
    #[cold]
    fn is_alone(&self) -> bool {
        // In this order: a thread that woke someone here and ended has left its message.
        threads::is_alone() && !self.inbox.is_pending()
    }

    // ---- those who hold nothing up --------------------------------------------------------

    /// Has the waits of `fiber` count, or not.
    pub(crate) fn set_background(&self, fiber: &FiberRef, background: bool) {
        fiber.head.background.set(background);
        if background {
            self.background.borrow_mut().insert(fiber.head.id.get());
        }
    }

    /// How many wait so, without those in the background.
    pub(super) fn waits(&self, reach: Reach) -> usize {
        let all = self.count_of(reach).map_or(0, |count| count.get());
        if all == 0 || self.background.borrow().is_empty() {
            return all;
        }
        let mut uncounted = 0;
        // Those that have ended are forgotten on the way, before others get their ids.
        self.background.borrow_mut().retain(|id| {
            let fiber = thread::with(|thread| thread.fiber(*id));
            fiber.is_some_and(|fiber| {
                let head = &fiber.head;
                let is_background = head.background.get();
                uncounted +=
                    usize::from(is_background && head.waiting_for.get().kind.reach == reach);
                is_background
            })
        });
        all - uncounted
    }

    /// Whether a timer is set for anyone but those in the background, and main if not `with_main`.
    /// It looks at few: the first of the others is enough.
    fn has_timers(&self, with_main: bool) -> bool {
        let timers = self.timers.borrow();
        if with_main && self.background.borrow().is_empty() {
            return !timers.is_empty();
        }
        thread::with(|thread| {
            timers.iter().any(|due| {
                let id = match due {
                    Due::Wake { id, .. } => *id,
                    Due::Timeout(scope) => thread.scopes.fiber(*scope),
                };
                match thread.fiber(id) {
                    Some(fiber) if fiber.head.is_main() => with_main,
                    Some(fiber) => !fiber.head.background.get(),
                    None => false,
                }
            })
        })
    }

    // ---- between turns, for a loop that has the hub in it ---------------------------------

    /// Says that it does not, for a monitor.
    pub(super) fn end_pause(&self) {
        if self.pulse.nap().is_some() {
            self.pulse.end_nap();
        }
        self.heed_news();
    }

    /// Says that the thread is about to sleep; returns for how long it may, and `None` is for ever.
    pub(super) fn begin_pause(&self) -> Option<Duration> {
        if self.has_work() || self.has_idlers() || !self.inbox.begin_sleep() {
            self.inbox.end_sleep();
            return Some(Duration::ZERO);
        }
        let deadline = self.timers.borrow_mut().next_deadline();
        deadline.map(|deadline| deadline.since(Moment::now()))
    }
}

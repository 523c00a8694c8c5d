//! The one way in which primitives wait: in a line, where what one waits for is handed over.
//!
//! ```text
//!   waiter:  look ─▶ park: lock, look again ─▶ into the line ─▶ suspend ─▶ …out of the line? granted
//!   granter: lock, take the first out of the line: it has it now ─▶ unlock ─▶ wake it
//! ```
//!
//! To be taken out of the line by someone else *is* the grant; the wake only tells of it. So a
//! deadline that passes in the same moment does not lose it, and a waiter that is killed in
//! between gives it back, to the next in the line. Nobody overtakes: what can be had at
//! once is there only while nobody is in the line.
//!
//! Each primitive says what can be had, and what to give back, by its [`Rules`].

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::hub::core;
use crate::hub::inbox::HubNumber;
use crate::hub::wait_queue::WaitQueue;
use crate::hub::waiter::{self, Unwinding, Waker, Woken};
use crate::raw::fiber::{Reach, WaitKind};
use crate::raw::thread;

/// Why a wait did not get what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// It had not come in time.
    TimedOut,
    /// The caller is unwinding, and so cannot wait.
    Unwinding,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "it had not come in time",
            Self::Unwinding => "a greenlet cannot wait while it unwinds",
        })
    }
}

impl std::error::Error for WaitError {}

/// When a wait of at most `limit` is over. A limit of zero is over before it begins.
pub(crate) fn deadline(limit: Duration) -> Moment {
    if limit.is_zero() { Moment::ZERO } else { Moment::after(limit) }
}

/// What a primitive is, apart from its line. All of it is called under the lock.
pub(crate) trait Rules {
    /// Takes what is waited for, if it can be had; the answer are those who get theirs by that.
    fn try_now(&mut self, queue: &mut Queue) -> Option<WaitQueue>;

    /// Passes on what was granted to one that is gone; the answer is to be woken.
    fn give_back(&mut self, queue: &mut Queue) -> Option<Waker>;

    /// Someone has joined the line.
    fn joined(&mut self) {}

    /// Someone has left the line, with nothing.
    fn left(&mut self) {}
}

/// What a wait is called in a report.
pub(crate) struct Kinds {
    /// While nobody of another hub was seen here.
    alone: WaitKind,
    among_many: WaitKind,
}

impl Kinds {
    pub(crate) const fn new(text: &'static str) -> Self {
        Kinds {
            alone: WaitKind { text, numbered: false, reach: Reach::Shared },
            among_many: WaitKind { text, numbered: false, reach: Reach::Outside },
        }
    }
}

/// How a turn came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It could be had.
    AtOnce,
    /// Someone handed it over.
    Granted,
}

/// Those who wait, first come first.
pub(crate) struct Queue {
    wakers: WaitQueue,
    /// Who has waited here: one hub, or more than one thread has to do with it.
    hub: Option<HubNumber>,
    many: bool,
}

impl Queue {
    const fn new() -> Self {
        Queue { wakers: WaitQueue::new(), hub: None, many: false }
    }

    /// Takes out who has waited longest: it is granted, and is to be woken.
    pub(crate) fn pop(&mut self) -> Option<Waker> {
        loop {
            let waker = self.wakers.pop()?;
            self.note(Some(waker.hub()));
            self.note(this_hub());
            // Its thread has ended, and what it was granted would be lost.
            if !waker.is_orphaned() {
                return Some(waker);
            }
        }
    }

    /// Takes out everyone.
    pub(crate) fn take(&mut self) -> WaitQueue {
        if !self.wakers.is_empty() {
            self.note(this_hub());
        }
        std::mem::take(&mut self.wakers)
    }

    /// Remembers who has to do with this; `None` is a thread without a hub.
    fn note(&mut self, hub: Option<HubNumber>) {
        if hub.is_none() || self.hub.is_some() && self.hub != hub {
            self.many = true;
        }
        self.hub = self.hub.or(hub);
    }
}

fn this_hub() -> Option<HubNumber> {
    core::try_with(|core| core.number())
}

/// A primitive's state and those who wait for it.
pub(crate) struct Line<S> {
    inner: Guarded<Inner<S>>,
}

struct Inner<S> {
    rules: S,
    queue: Queue,
}

impl<S> Line<S> {
    pub(crate) const fn new(rules: S) -> Self {
        Line { inner: Guarded::new(Inner { rules, queue: Queue::new() }) }
    }

    /// Calls `f` under the lock. Whoever it takes out is to be woken when this has returned.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut S, &mut Queue) -> R) -> R {
        self.inner.with(|inner| f(&mut inner.rules, &mut inner.queue))
    }
}

impl<S: Rules> Line<S> {
    /// Takes what is waited for, if it can be had.
    #[inline]
    pub(crate) fn try_now(&self) -> bool {
        match self.with(S::try_now) {
            Some(mut others) => {
                others.wake_all();
                true
            }
            None => false,
        }
    }

    /// As [`try_now`](Self::try_now), for those who call it again and again until it can be
    /// had: now and then it lets others run.
    pub(crate) fn poll(&self) -> bool {
        let taken = self.try_now();
        if !taken && !thread::current_head(thread::is_called_by_loop) {
            core::spend_operation();
        }
        taken
    }

    /// Takes what is waited for, if it can be had; else waits for it, until `deadline`.
    #[inline]
    pub(crate) fn wait(&self, kinds: &'static Kinds, deadline: Moment) -> Result<Turn, WaitError> {
        if self.try_now() {
            return Ok(Turn::AtOnce);
        }
        self.wait_in_line(kinds, deadline, || ())
    }

    /// The slow path. `queued` is called when the place in the line is taken, if it must be.
    #[cold]
    pub(crate) fn wait_in_line(
        &self,
        kinds: &'static Kinds,
        deadline: Moment,
        queued: impl FnOnce(),
    ) -> Result<Turn, WaitError> {
        if deadline == Moment::ZERO {
            return Err(WaitError::TimedOut);
        }
        if std::thread::panicking() {
            return Err(WaitError::Unwinding);
        }
        let hub = core::with(|core| core.number());
        let many = self.with(|_, queue| {
            queue.note(Some(hub));
            queue.many
        });
        let kind = if many { &kinds.among_many } else { &kinds.alone };
        let place = Place { line: self, holds: Cell::new(Holds::Nothing) };
        let woken = waiter::park(kind, 0, deadline, |waker| match place.take(waker) {
            Some(mut others) => {
                others.wake_all();
                waker.wake();
            }
            None => queued(),
        });
        match woken {
            Ok(woken) => place.settle(woken),
            Err(Unwinding) => Err(WaitError::Unwinding),
        }
    }

    /// Hands what a waiter was granted, and did not live to use, to the next.
    fn give_back(&self) {
        if let Some(next) = self.with(S::give_back) {
            next.wake();
        }
    }

    /// Takes a waiter out of the line; `false` if it has been granted already.
    fn leave(&self, waker: Waker) -> bool {
        self.with(|rules, queue| {
            let was_there = queue.wakers.remove(waker);
            if was_there {
                rules.left();
            }
            was_there
        })
    }
}

#[derive(Clone, Copy)]
enum Holds {
    Nothing,
    /// What was waited for.
    Turn,
    /// A place in the line, or what was granted since.
    Place(Waker),
}

/// What a waiter holds while it is parked; should it be killed, the others get it.
struct Place<'a, S: Rules> {
    line: &'a Line<S>,
    holds: Cell<Holds>,
}

impl<S: Rules> Place<'_, S> {
    /// Takes what is waited for, or else a place in the line.
    fn take(&self, waker: Waker) -> Option<WaitQueue> {
        let others = self.line.with(|rules, queue| {
            let others = rules.try_now(queue);
            if others.is_none() {
                queue.wakers.push(waker);
                rules.joined();
            }
            others
        });
        self.holds.set(if others.is_some() { Holds::Turn } else { Holds::Place(waker) });
        others
    }

    /// The park is over, and its greenlet lives.
    fn settle(self, woken: Woken) -> Result<Turn, WaitError> {
        match self.holds.replace(Holds::Nothing) {
            Holds::Turn => Ok(Turn::AtOnce),
            Holds::Place(waker) if self.line.leave(waker) => {
                debug_assert_eq!(woken, Woken::ByDeadline, "who wakes a waiter grants it");
                Err(WaitError::TimedOut)
            }
            Holds::Place(_) => Ok(Turn::Granted),
            Holds::Nothing => unreachable!("a park that was not refused has announced its waker"),
        }
    }
}

impl<S: Rules> Drop for Place<'_, S> {
    fn drop(&mut self) {
        match self.holds.get() {
            Holds::Nothing => {}
            Holds::Place(waker) if self.line.leave(waker) => {}
            Holds::Turn | Holds::Place(_) => self.line.give_back(),
        }
    }
}

//! A primitive that is one line: who waits, waits for the same.

use super::bell::{Bell, Waitable};
use super::core;
use super::turn::{self, Entered, Gate, Kinds, Turn, WaitError};
use super::waiter::{Begin, Waker, Woken};
use super::waiters::{All, Granted, Waiters, Who};
use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::raw::holder::Holding;

/// What a primitive is, apart from its line. All of it is called under the lock.
pub(crate) trait Rules {
    /// Whether it could be had.
    fn is_ready(&self) -> bool;

    /// Takes what is waited for, if it can be had; the answer are those who get theirs by that.
    fn try_now(&mut self, waiters: &mut Waiters) -> Option<All>;

    /// Passes on what was granted to one that is gone; the answer is to be woken.
    fn give_back(&mut self, waiters: &mut Waiters) -> Option<Granted>;

    /// Someone has joined the line.
    fn joined(&mut self) {}

    /// Someone has left the line, with nothing.
    fn left(&mut self) {}

    /// Who has what is waited for here, if that is somebody's.
    fn holding(&self) -> Holding {
        Holding::Unknown
    }
}

/// A primitive's state and those who wait for it.
pub(crate) struct Line<S> {
    inner: Guarded<Inner<S>>,
}

struct Inner<S> {
    rules: S,
    waiters: Waiters,
}

impl<S> Line<S> {
    pub(crate) const fn new(rules: S) -> Self {
        Line { inner: Guarded::new(Inner { rules, waiters: Waiters::new() }) }
    }

    /// Calls `f` under the lock. Whoever it takes out is to be woken when this has returned.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut S, &mut Waiters) -> R) -> R {
        self.inner.with(|inner| f(&mut inner.rules, &mut inner.waiters))
    }
}

impl<S: Rules> Line<S> {
    /// Takes what is waited for, if it can be had.
    #[inline]
    pub(crate) fn try_now(&self) -> bool {
        match self.with(S::try_now) {
            Some(others) => {
                others.wake();
                true
            }
            None => false,
        }
    }

    /// As [`try_now`](Self::try_now), for those who call it again and again until it can be
    /// had: now and then it lets others run.
    pub(crate) fn poll(&self) -> bool {
        let taken = self.try_now();
        if !taken {
            spend_attempt();
        }
        taken
    }

    /// Takes what is waited for, if it can be had; else waits for it, until `deadline`.
    #[inline]
    pub(crate) fn wait(&self, kinds: &'static Kinds, deadline: Moment) -> Result<Turn, WaitError> {
        if self.try_now() {
            return Ok(Turn::AtOnce(()));
        }
        self.wait_long(kinds, deadline)
    }

    /// As [`wait`](Self::wait), for one who has looked.
    #[inline(always)]
    pub(crate) fn wait_long(
        &self,
        kinds: &'static Kinds,
        deadline: Moment,
    ) -> Result<Turn, WaitError> {
        loop {
            match turn::wait_at(self, kinds, deadline, || ())? {
                // A limit around this was over, and was lifted before it took effect.
                Turn::Left if deadline > Moment::now() => {}
                Turn::Left => return Err(WaitError::TimedOut),
                turn => return Ok(turn),
            }
        }
    }

    /// Waits, and may return early. `queued` is called when the place in the line is taken, if it
    /// must be.
    pub(crate) fn wait_in_line(
        &self,
        kinds: &'static Kinds,
        deadline: Moment,
        queued: impl FnOnce(),
    ) -> Result<Turn, WaitError> {
        match turn::wait_at(self, kinds, deadline, queued)? {
            Turn::Left => Err(WaitError::TimedOut),
            turn => Ok(turn),
        }
    }
}

/// An attempt that failed lets others run, now and then, unless its caller cannot.
pub(crate) fn spend_attempt() {
    core::count_operation();
}

/// What can be had again and again without a wait lets others run, now and then. To be called
/// before it is had: a greenlet may be killed where it lets others run.
#[inline]
pub(crate) fn spend_success() {
    core::count_operation();
}

impl<S: Rules> Gate for Line<S> {
    type Gain = ();

    #[inline]
    fn enter(&self, begin: Begin) -> Entered {
        let mut others = None;
        let entered = self.with(|rules, waiters| {
            others = rules.try_now(waiters);
            if others.is_some() {
                return Entered::Had(());
            }
            let Some(waker) = begin.waker() else { return Entered::Refused };
            rules.joined();
            Entered::Waits { waker, among_many: waiters.join(waker, ()) }
        });
        if let Some(others) = others {
            others.wake();
        }
        entered
    }

    #[inline]
    fn settle(&self, waker: Waker, woken: Woken) -> Option<()> {
        // Who wakes one that waits here has granted it something.
        let is_granted = woken == Woken::ByWaker || !self.leave(waker);
        is_granted.then_some(())
    }

    fn leave(&self, waker: Waker) -> bool {
        self.with(|rules, waiters| {
            let was_there = waiters.remove(&Who::Waits(waker)).is_some();
            if was_there {
                rules.left();
            }
            was_there
        })
    }

    fn give_back(&self) {
        if let Some(next) = self.with(S::give_back) {
            next.wake();
        }
    }

    fn holding(&self) -> Holding {
        self.with(|rules, _| rules.holding())
    }
}

/// To be told when it could be had, and not to take it.
impl<S: Rules> Waitable for Line<S> {
    fn is_ready(&self) -> bool {
        self.with(|rules, _| rules.is_ready())
    }

    fn watch(&self, bell: Bell) {
        let is_ready = self.with(|rules, waiters| {
            let is_ready = rules.is_ready();
            if !is_ready {
                waiters.push(Who::Watches(bell.clone()), ());
            }
            is_ready
        });
        if is_ready {
            bell.ring();
        }
    }

    fn unwatch(&self, bell: &Bell) {
        self.with(|_, waiters| waiters.remove(&Who::Watches(bell.clone())));
    }
}

/// A primitive that is a line inside is waited for as that.
macro_rules! waitable_by_its_line {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> $crate::hub::bell::Waitable for $type {
            fn is_ready(&self) -> bool {
                self.line.is_ready()
            }

            fn watch(&self, bell: $crate::hub::bell::Bell) {
                self.line.watch(bell);
            }

            fn unwatch(&self, bell: &$crate::hub::bell::Bell) {
                self.line.unwatch(bell);
            }
        }
    )*};
}

pub(crate) use waitable_by_its_line;

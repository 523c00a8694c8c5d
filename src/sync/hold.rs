//! A lock that one holds alone, or several together: first come, first served.
//!
//! What is released is *handed* to the next in the line, and is *held* when that one has run and
//! confirmed it. Nobody comes in between, with one exception: a greenlet that unwinds cannot wait,
//! and may take what was handed to one that has yet to run. That one finds it gone, and waits again.
//! So a destructor that locks twice does not stop at a greenlet that could not run meanwhile.

use crate::clock::Moment;
use crate::guarded::{self, Guarded};
use crate::hub::blocking::{self, Look};
use crate::hub::turn::{self, Entered, Gate, Kinds, Turn};
use crate::hub::waiter::{self, Begin, Waker, Woken};
use crate::hub::waiters::{Granted, Waiters, Who};
use crate::raw::holder::{Holder, Holding};

/// Whether one holds it alone, or together with others of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Together,
    Alone,
}

/// In the place of a number of holders: one, alone.
const ONE_ALONE: usize = usize::MAX;

pub(crate) struct Hold {
    state: Guarded<State>,
}

struct State {
    /// How many hold it, or [`ONE_ALONE`].
    held: usize,
    /// To how many that have not run since it was handed, or [`ONE_ALONE`].
    handed: usize,
    /// The thread of all who hold it; zero if there are several.
    thread: usize,
    /// The one who holds it, or to whom it was handed; of several nobody.
    holder: Holder,
    waiters: Waiters<Mode>,
}

/// Whether one can come in beside so many.
#[inline]
fn fits(mode: Mode, others: usize) -> bool {
    match mode {
        Mode::Together => others != ONE_ALONE,
        Mode::Alone => others == 0,
    }
}

#[inline]
fn one_more(mode: Mode, others: usize) -> usize {
    match mode {
        Mode::Together => others + 1,
        Mode::Alone => ONE_ALONE,
    }
}

#[inline]
fn one_less(others: usize) -> usize {
    if others == ONE_ALONE { 0 } else { others.saturating_sub(1) }
}

impl State {
    #[inline]
    fn fits(&self, mode: Mode) -> bool {
        fits(mode, self.held) && fits(mode, self.handed)
    }

    #[inline]
    fn hold(&mut self, mode: Mode) {
        let me = guarded::this_thread();
        let is_first = mode == Mode::Alone || self.held == 0;
        self.thread = if is_first || self.thread == me { me } else { 0 };
        self.holder = if is_first { Holder::here() } else { Holder::NOBODY };
        self.held = one_more(mode, self.held);
    }

    /// Who reads does not overtake those who wait to write.
    #[inline]
    fn may_enter(&self, mode: Mode) -> bool {
        self.fits(mode) && (mode == Mode::Alone || self.waiters.is_empty())
    }

    /// Hands it to the first in the line, if that one can come in.
    fn hand(&mut self) -> Option<Granted> {
        let (held, handed) = (self.held, self.handed);
        let holder = self.waiters.next_holder();
        let (next, mode) = self.waiters.pop_if(|&mode| fits(mode, held) && fits(mode, handed))?;
        self.handed = one_more(mode, handed);
        let is_only = held == 0 && handed == 0;
        self.holder = if is_only { holder } else { Holder::NOBODY };
        Some(next)
    }

    #[inline]
    fn release(&mut self) -> Option<Granted> {
        self.held = one_less(self.held);
        if self.waiters.is_empty() { None } else { self.hand() }
    }

    /// Holds what was handed over, unless someone who unwinds has taken it.
    fn confirm(&mut self, mode: Mode) -> bool {
        self.handed = one_less(self.handed);
        let is_there = self.fits(mode);
        if is_there {
            self.hold(mode);
        }
        is_there
    }

    fn holding(&self) -> Holding {
        if self.holder.is_somebody() {
            return Holding::By(self.holder);
        }
        match self.held.max(self.handed) {
            ONE_ALONE => Holding::Unknown,
            _ => Holding::Several(self.held + self.handed),
        }
    }

    /// Takes it also if it was handed to another.
    fn seize(&mut self, mode: Mode) -> Look {
        if fits(mode, self.held) {
            if !fits(mode, self.handed) {
                self.handed = 0;
            }
            self.hold(mode);
            Look::Had
        } else if self.thread == guarded::this_thread() {
            Look::Here
        } else {
            Look::Elsewhere
        }
    }
}

impl Hold {
    pub(crate) const fn new() -> Hold {
        let waiters = Waiters::new();
        Hold {
            state: Guarded::new(State {
                held: 0,
                handed: 0,
                thread: 0,
                holder: Holder::NOBODY,
                waiters,
            }),
        }
    }

    #[inline]
    pub(crate) fn try_acquire(&self, mode: Mode) -> bool {
        self.state.with(|state| {
            let may = state.may_enter(mode);
            if may {
                state.hold(mode);
            }
            may
        })
    }

    /// Waits until it can be had; `kinds` is what the wait is called.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if it has to wait; and if the caller unwinds, and a greenlet of the
    /// same thread holds it.
    #[inline]
    pub(crate) fn acquire(&self, mode: Mode, kinds: &'static Kinds) {
        if !self.try_acquire(mode) {
            self.acquire_in_line(mode, kinds);
        }
    }

    #[cold]
    fn acquire_in_line(&self, mode: Mode, kinds: &'static Kinds) {
        while waiter::can_wait() {
            let turn = turn::wait_at(&Entrance { hold: self, mode }, kinds, Moment::NEVER, || ());
            match turn {
                Ok(Turn::AtOnce(())) => return,
                Ok(Turn::Granted(())) if self.state.with(|state| state.confirm(mode)) => return,
                _ => {}
            }
        }
        blocking::wait("for a lock", || self.state.with(|state| state.seize(mode)));
    }

    #[inline]
    pub(crate) fn release(&self) {
        if let Some(next) = self.state.with(State::release) {
            next.wake();
            self.hand_on();
        }
    }

    /// Goes on to hold it together with others, and lets in those who wait for that.
    pub(crate) fn downgrade(&self) {
        self.state.with(|state| state.held = 1);
        self.hand_on();
    }

    /// Hands it to as many as can come in.
    #[cold]
    fn hand_on(&self) {
        while let Some(next) = self.state.with(State::hand) {
            next.wake();
        }
    }
}

/// Where one waits to come in.
struct Entrance<'a> {
    hold: &'a Hold,
    mode: Mode,
}

impl Gate for Entrance<'_> {
    type Gain = ();

    fn enter(&self, begin: Begin) -> Entered {
        self.hold.state.with(|state| {
            if !state.may_enter(self.mode) {
                let Some(waker) = begin.waker() else { return Entered::Refused };
                return Entered::Waits { waker, among_many: state.waiters.join(waker, self.mode) };
            }
            state.hold(self.mode);
            Entered::Had(())
        })
    }

    fn settle(&self, waker: Waker, woken: Woken) -> Option<()> {
        // Who wakes one that waits here has handed it the lock.
        (woken == Woken::ByWaker || !self.leave(waker)).then_some(())
    }

    fn leave(&self, waker: Waker) -> bool {
        let who = Who::Waits(waker);
        let was_there = self.hold.state.with(|state| state.waiters.remove(&who).is_some());
        if was_there {
            // Those behind it may come in, if it was what they waited behind.
            self.hold.hand_on();
        }
        was_there
    }

    fn give_back(&self) {
        self.hold.state.with(|state| state.handed = one_less(state.handed));
        self.hold.hand_on();
    }

    fn holding(&self) -> Holding {
        self.hold.state.with(|state| state.holding())
    }
}

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
//! What one waits at is a [`Gate`]. Most primitives are one line, a [`Line`](super::line::Line); a queue
//! has a gate for those who get and one for those who put.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use super::waiter::{self, Unwinding, Waker, Woken};
use crate::clock::Moment;
use crate::raw::fiber::{Reach, WaitKind};

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

impl From<Unwinding> for WaitError {
    fn from(Unwinding: Unwinding) -> Self {
        WaitError::Unwinding
    }
}

/// When a wait of at most `limit` is over. A limit of zero is over before it begins.
pub(crate) fn deadline(limit: Duration) -> Moment {
    if limit.is_zero() { Moment::ZERO } else { Moment::after(limit) }
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

/// How a wait at a gate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn<G = ()> {
    /// It could be had.
    AtOnce(G),
    /// Someone handed it over.
    Granted(G),
    /// Its time was over, or it was told to look for itself.
    Left,
}

/// How it goes with one who would wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It has what it would wait for.
    Had,
    /// It stands in the line; and whether more threads than one have to do with it.
    Waits { among_many: bool },
}

/// Where one waits.
pub(crate) trait Gate {
    /// What is had by waiting here.
    type Gain;

    /// Takes what is waited for, if it can be had, or else a place in the line.
    fn enter(&self, waker: Waker) -> Entered;

    /// What was had at once.
    fn gain(&self) -> Self::Gain;

    /// After the wait: what was granted. Nothing, if it was not, and the place in the line is left.
    fn settle(&self, waker: Waker, woken: Woken) -> Option<Self::Gain>;

    /// Leaves the line; `false` if it was granted.
    fn leave(&self, waker: Waker) -> bool;

    /// Passes on what was had or granted to one that is gone.
    fn give_back(&self);
}

/// Waits at a gate until `deadline`. `queued` is called when the place in the line is taken, if
/// it must be.
#[cold]
pub(crate) fn wait_at<G: Gate>(
    gate: &G,
    kinds: &'static Kinds,
    deadline: Moment,
    queued: impl FnOnce(),
) -> Result<Turn<G::Gain>, WaitError> {
    if deadline == Moment::ZERO {
        return Err(WaitError::TimedOut);
    }
    let place = Place { gate, holds: Cell::new(Holds::Nothing) };
    let woken = waiter::park(&kinds.alone, 0, deadline, |waker| match gate.enter(waker) {
        Entered::Had => {
            place.holds.set(Holds::Turn);
            waker.wake();
        }
        Entered::Waits { among_many } => {
            place.holds.set(Holds::Place(waker));
            if among_many {
                waiter::rename(&kinds.among_many);
            }
            queued();
        }
    })?;
    Ok(place.settle(woken))
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
struct Place<'a, G: Gate> {
    gate: &'a G,
    holds: Cell<Holds>,
}

impl<G: Gate> Place<'_, G> {
    /// The park is over, and its greenlet lives.
    fn settle(self, woken: Woken) -> Turn<G::Gain> {
        match self.holds.replace(Holds::Nothing) {
            Holds::Turn => Turn::AtOnce(self.gate.gain()),
            Holds::Place(waker) => match self.gate.settle(waker, woken) {
                Some(gain) => Turn::Granted(gain),
                None => Turn::Left,
            },
            Holds::Nothing => unreachable!("a park that was not refused has announced its waker"),
        }
    }
}

impl<G: Gate> Drop for Place<'_, G> {
    fn drop(&mut self) {
        match self.holds.get() {
            Holds::Nothing => {}
            Holds::Place(waker) if self.gate.leave(waker) => {}
            Holds::Turn | Holds::Place(_) => self.gate.give_back(),
        }
    }
}

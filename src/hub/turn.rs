//! The one way in which primitives wait: in a line, where what one waits for is handed over.
//!
//! ```text
//!   waiter:  lock, look ─▶ into the line ─▶ suspend ─▶ …out of the line? granted
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

use std::fmt;
use std::mem::ManuallyDrop;
use std::time::Duration;

use super::standing;
use super::waiter::{Begin, Looked, Unwinding, Waker, Woken};
use crate::clock::Moment;
use crate::raw::fiber::{Reach, WaitKind};
use crate::raw::holder::{Held, Holding};

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
pub(crate) enum Entered<G = ()> {
    /// It has what it would wait for.
    Had(G),
    /// It stands in the line; and whether more threads than one have to do with it.
    Waits { waker: Waker, among_many: bool },
    /// It would have to wait, and cannot.
    Refused,
}

/// Where one waits.
pub(crate) trait Gate {
    /// What is had by waiting here.
    type Gain;

    /// Takes what is waited for, if it can be had; else begins the wait, and takes a place in the line.
    fn enter(&self, begin: Begin) -> Entered<Self::Gain>;

    /// After the wait: what was granted. Nothing, if it was not, and the place in the line is left.
    fn settle(&self, waker: Waker, woken: Woken) -> Option<Self::Gain>;

    /// Leaves the line; `false` if it was granted.
    fn leave(&self, waker: Waker) -> bool;

    /// Passes on what was granted to one that is gone.
    fn give_back(&self);

    /// Who has what is waited for here, if that is somebody's.
    fn holding(&self) -> Holding {
        Holding::Unknown
    }
}

/// A gate, for reports.
struct AtGate<'a, G>(&'a G);

impl<G: Gate> Held for AtGate<'_, G> {
    fn holding(&self) -> Holding {
        self.0.holding()
    }
}

/// Takes what can be had at a gate, or waits there until `deadline`. `queued` is called when the place
/// in the line is taken, if it must be.
///
/// # Errors
///
/// If `deadline` is zero, also if it could be had; and if it would have to be waited for, and the
/// caller unwinds.
#[inline(always)]
pub(crate) fn wait_at<G: Gate>(
    gate: &G,
    kinds: &'static Kinds,
    deadline: Moment,
    queued: impl FnOnce(),
) -> Result<Turn<G::Gain>, WaitError> {
    if deadline == Moment::ZERO {
        return Err(WaitError::TimedOut);
    }
    let enter = |begin: Begin| match gate.enter(begin) {
        Entered::Had(gain) => Looked::Had(gain),
        Entered::Waits { waker, among_many } => Looked::Waits((Place { gate, waker }, among_many)),
        Entered::Refused => Looked::Refused,
    };
    let entered = |(_, among_many): &(Place<'_, G>, bool)| {
        queued();
        if *among_many { &kinds.among_many } else { &kinds.alone }
    };
    let held = AtGate(gate);
    Ok(match standing::park_before(&held, &kinds.alone, deadline, enter, entered)? {
        Ok(gain) => Turn::AtOnce(gain),
        Err(((place, _), woken)) => match place.settle(woken) {
            Some(gain) => Turn::Granted(gain),
            None => Turn::Left,
        },
    })
}

/// A place in the line, or what was granted since; should its greenlet be killed, the others get it.
struct Place<'a, G: Gate> {
    gate: &'a G,
    waker: Waker,
}

impl<G: Gate> Place<'_, G> {
    /// The park is over, and its greenlet lives.
    #[inline]
    fn settle(self, woken: Woken) -> Option<G::Gain> {
        let place = ManuallyDrop::new(self);
        place.gate.settle(place.waker, woken)
    }
}

impl<G: Gate> Drop for Place<'_, G> {
    #[cold]
    fn drop(&mut self) {
        if !self.gate.leave(self.waker) {
            self.gate.give_back();
        }
    }
}

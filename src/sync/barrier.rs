//! All or none.

use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::line::{Line, Rules};
use crate::hub::turn::{self, Kinds, Turn, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

static BARRIER: Kinds = Kinds::new("for the others at a barrier");

/// Where so many wait for each other, again and again.
///
/// One that is killed or times out is counted out, and the others wait for another to come.
/// Mirrors `threading.Barrier`, which breaks then, and [`std::sync::Barrier`].
///
/// # Examples
///
/// ```
/// use greenhub::sync::Barrier;
///
/// static START: Barrier = Barrier::new(2);
///
/// let other = greenhub::spawn(|| START.wait());
/// let last = START.wait()?;
/// assert_ne!(other.join()??, last, "one of them came last");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Barrier {
    line: Line<Parties>,
}

struct Parties {
    parties: usize,
    waiting: usize,
}

impl Rules for Parties {
    fn is_ready(&self) -> bool {
        self.waiting + 1 >= self.parties
    }

    fn try_now(&mut self, waiters: &mut Waiters) -> Option<All> {
        self.is_ready().then(|| {
            self.waiting = 0;
            waiters.take()
        })
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }

    fn joined(&mut self) {
        self.waiting += 1;
    }

    fn left(&mut self) {
        self.waiting -= 1;
    }
}

impl Barrier {
    /// A barrier for so many; zero is as good as one.
    #[must_use]
    pub const fn new(parties: usize) -> Barrier {
        Barrier { line: Line::new(Parties { parties, waiting: 0 }) }
    }

    /// Waits until all have come; returns whether the caller was the last.
    ///
    /// Mirrors `Barrier.wait`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if the caller unwinds and is not the last.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is the last; and in main, with a report, if everything
    /// waits for ever.
    pub fn wait(&self) -> Result<bool, WaitError> {
        self.line.wait(&BARRIER, Moment::NEVER).map(is_last)
    }

    /// As [`wait`](Self::wait), for at most `limit`.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if not all had come in time: the caller does not count any more.
    /// Else as `wait`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is the last or `limit` is zero.
    pub fn wait_for(&self, limit: Duration) -> Result<bool, WaitError> {
        self.line.wait(&BARRIER, turn::deadline(limit)).map(is_last)
    }

    /// How many wait now. Mirrors `Barrier.n_waiting`.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.with(|parties, _| parties.waiting)
    }
}

fn is_last(turn: Turn) -> bool {
    turn == Turn::AtOnce(())
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

//! How many of something there are, and those who wait until there are none.

use crate::clock::Moment;
use crate::hub::line::{Line, Rules};
use crate::hub::turn::{Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

pub(super) struct Count {
    line: Line<Number>,
}

struct Number(usize);

impl Rules for Number {
    fn is_ready(&self) -> bool {
        self.0 == 0
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.is_ready().then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }
}

impl Count {
    pub(super) const fn new() -> Count {
        Count { line: Line::new(Number(0)) }
    }

    pub(super) fn get(&self) -> usize {
        self.line.with(|number, _| number.0)
    }

    /// Counts one more.
    pub(super) fn add(&self) {
        self.line.with(|number, _| number.0 += 1);
    }

    /// Counts one less; if it was the last, everyone who waits goes on.
    pub(super) fn remove(&self) {
        let granted = self.line.with(|number, waiters| {
            number.0 -= 1;
            if number.0 == 0 { waiters.take() } else { All::nobody() }
        });
        granted.wake();
    }

    /// Waits until there are none, or were none for a moment.
    pub(super) fn wait(&self, kinds: &'static Kinds, deadline: Moment) -> Result<(), WaitError> {
        self.line.wait(kinds, deadline).map(drop)
    }
}

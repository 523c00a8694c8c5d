//! Getting from a queue, and putting into one, as one of several things that a select could do.

use super::gates::Putting;
use super::kinds::AnyQueue;
use super::{GetError, PutError, ShutDown};
use crate::hub::bell::Bell;
use crate::hub::turn::Gate;

/// One who would get an item.
pub(crate) struct Getter<'a, Q: AnyQueue> {
    queue: &'a Q,
    got: Option<Result<Q::Item, ShutDown>>,
}

impl<'a, Q: AnyQueue> Getter<'a, Q> {
    pub(crate) fn new(queue: &'a Q) -> Self {
        Getter { queue, got: None }
    }

    /// Gets one, if there is one.
    pub(crate) fn try_now(&mut self) -> bool {
        let got = self.queue.shared().try_get();
        self.note(got)
    }

    fn note(&mut self, got: Result<Q::Item, GetError>) -> bool {
        self.got = match got {
            Ok(item) => Some(Ok(item)),
            Err(GetError::ShutDown) => Some(Err(ShutDown)),
            Err(GetError::Empty | GetError::Unwinding) => None,
        };
        self.got.is_some()
    }

    pub(crate) fn enter(&self, bell: &Bell) {
        self.queue.shared().getting().choose(bell);
    }

    /// Leaves the line; `false` if it was granted an item.
    pub(crate) fn leave(&self, bell: &Bell) -> bool {
        self.queue.shared().getting().withdraw(bell)
    }

    pub(crate) fn settle(&mut self, bell: &Bell) -> bool {
        if self.leave(bell) {
            return self.try_now();
        }
        let got = self.queue.shared().fetch();
        self.note(got)
    }

    pub(crate) fn give_back(&self, bell: &Bell) {
        if !self.leave(bell) {
            self.queue.shared().getting().give_back();
        }
    }

    pub(crate) fn into_result(self) -> Result<Q::Item, ShutDown> {
        self.got.expect("a branch that was done has got something")
    }
}

/// One who would put an item.
pub(crate) struct Putter<'a, Q: AnyQueue> {
    queue: &'a Q,
    slot: &'a mut Option<Q::Item>,
    /// While it waits.
    gate: Option<Putting<'a, Q::Store>>,
    put: Option<Result<(), ShutDown>>,
}

impl<'a, Q: AnyQueue> Putter<'a, Q> {
    pub(crate) fn new(queue: &'a Q, slot: &'a mut Option<Q::Item>) -> Self {
        Putter { queue, slot, gate: None, put: None }
    }

    /// Puts it, if there is room.
    pub(crate) fn try_now(&mut self) -> bool {
        let Some(item) = self.slot.take() else { return false };
        match self.queue.shared().try_put(item) {
            Ok(()) => self.put = Some(Ok(())),
            Err(PutError::ShutDown(item)) => {
                *self.slot = Some(item);
                self.put = Some(Err(ShutDown));
            }
            Err(error) => *self.slot = Some(error.into_item()),
        }
        self.put.is_some()
    }

    pub(crate) fn enter(&mut self, bell: &Bell) {
        if let Some(item) = self.slot.take() {
            let gate = self.queue.shared().putting(Some(item));
            gate.choose(bell);
            self.gate = Some(gate);
        }
    }

    /// Leaves the line; the item comes back if it was not put.
    pub(crate) fn leave(&mut self, bell: &Bell) {
        if let Some(gate) = self.gate.take() {
            gate.withdraw(bell);
            *self.slot = gate.left();
        }
    }

    pub(crate) fn settle(&mut self, bell: &Bell) -> bool {
        self.leave(bell);
        if self.slot.is_some() {
            return self.try_now();
        }
        self.put = Some(Ok(()));
        true
    }

    pub(crate) fn into_result(self) -> Result<(), ShutDown> {
        self.put.expect("a branch that was done has put something")
    }
}

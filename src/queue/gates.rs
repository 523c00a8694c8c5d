//! Where one waits for a queue: to get, to put, or for its items to be done.

use std::cell::Cell;

use super::GetError;
use super::shared::Shared;
use super::store::Store;
use crate::hub::bell::Bell;
use crate::hub::turn::{Entered, Gate};
use crate::hub::waiter::{Begin, Waker, Woken};
use crate::hub::waiters::Who;

/// Waits to get: what is had is a right to [`fetch`](Shared::fetch).
pub(crate) struct Getting<'a, S: Store>(pub(super) &'a Shared<S>);

impl<S: Store> Getting<'_, S> {
    /// Waits as one who may get something else first.
    pub(crate) fn choose(&self, bell: &Bell) {
        self.0.visit(|state, to_wake| state.hand_or_choose(bell, to_wake));
        self.0.raise();
    }

    /// Leaves the line as one who chose; `false` if it was granted an item.
    pub(crate) fn withdraw(&self, bell: &Bell) -> bool {
        self.0.visit(|state, _| state.getters.remove(&Who::Chooses(bell.clone())).is_some())
    }
}

impl<S: Store> Gate for Getting<'_, S> {
    type Gain = Result<S::Item, GetError>;

    #[inline]
    fn enter(&self, begin: Begin) -> Entered<Self::Gain> {
        match self.0.visit(|state, to_wake| state.take_or_join(begin, to_wake)) {
            Entered::Had(got) => Entered::Had(self.0.in_hand(got)),
            waits => waits,
        }
    }

    #[inline]
    fn settle(&self, waker: Waker, woken: Woken) -> Option<Self::Gain> {
        let mut has_left = false;
        let fetched = self.0.visit(|state, to_wake| {
            // Who wakes one that waits has handed it something, unless all are told to look.
            let may_stand_there = woken == Woken::ByDeadline || !state.is_open;
            if may_stand_there && state.getters.remove(&Who::Waits(waker)).is_some() {
                has_left = true;
                return Err(GetError::Empty);
            }
            state.fetch(to_wake).ok_or(state.nothing())
        });
        if has_left { None } else { Some(self.0.in_hand(fetched)) }
    }

    fn leave(&self, waker: Waker) -> bool {
        self.0.visit(|state, _| state.getters.remove(&Who::Waits(waker)).is_some())
    }

    fn give_back(&self) {
        self.0.visit(|state, to_wake| state.give_back(to_wake));
    }
}

/// Waits to put.
pub(crate) struct Putting<'a, S: Store> {
    pub(super) shared: &'a Shared<S>,
    /// None while it is in the line, and when it has been put.
    pub(super) item: Cell<Option<S::Item>>,
}

impl<S: Store> Putting<'_, S> {
    /// Waits as one who may do something else first.
    pub(crate) fn choose(&self, bell: &Bell) {
        let Some(item) = self.item.take() else { return };
        self.item.set(self.shared.visit(|state, to_wake| state.put_or_choose(bell, item, to_wake)));
        self.shared.raise();
    }

    /// Leaves the line as one who chose.
    pub(crate) fn withdraw(&self, bell: &Bell) {
        self.take_back(&Who::Chooses(bell.clone()));
    }

    /// Takes the item out of the line; `false` if it has been put.
    fn take_back(&self, who: &Who) -> bool {
        let item = self.shared.visit(|state, _| state.putters.remove(who));
        let was_there = item.is_some();
        if was_there {
            self.item.set(item);
        }
        was_there
    }

    /// The item, if it has not been put.
    pub(crate) fn left(&self) -> Option<S::Item> {
        self.item.take()
    }
}

impl<S: Store> Gate for Putting<'_, S> {
    type Gain = ();

    #[inline]
    fn enter(&self, begin: Begin) -> Entered {
        let Some(item) = self.item.take() else { return Entered::Had(()) };
        let entered = self.shared.visit(|state, to_wake| state.put_or_join(begin, item, to_wake));
        entered.unwrap_or_else(|(item, entered)| {
            self.item.set(Some(item));
            entered
        })
    }

    #[inline]
    fn settle(&self, waker: Waker, woken: Woken) -> Option<()> {
        let may_stand_there = woken == Woken::ByDeadline || !self.shared.is_open();
        (!may_stand_there || !self.leave(waker)).then_some(())
    }

    fn leave(&self, waker: Waker) -> bool {
        self.take_back(&Who::Waits(waker))
    }

    /// What was put stays put.
    fn give_back(&self) {}
}

/// Waits until all is done.
pub(super) struct Joining<'a, S: Store>(pub(super) &'a Shared<S>);

impl<S: Store> Gate for Joining<'_, S> {
    type Gain = ();

    fn enter(&self, begin: Begin) -> Entered {
        self.0.visit(|state, _| {
            if state.unfinished == 0 {
                return Entered::Had(());
            }
            let Some(waker) = begin.waker() else { return Entered::Refused };
            Entered::Waits { waker, among_many: state.joiners.join(waker, ()) }
        })
    }

    fn settle(&self, waker: Waker, woken: Woken) -> Option<()> {
        (woken == Woken::ByWaker || !self.leave(waker)).then_some(())
    }

    fn leave(&self, waker: Waker) -> bool {
        self.0.visit(|state, _| state.joiners.remove(&Who::Waits(waker)).is_some())
    }

    fn give_back(&self) {}
}

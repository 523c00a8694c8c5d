//! Where one waits for a queue: to get, to put, or for its items to be done.

use std::cell::Cell;

use super::shared::Shared;
use super::state::{Entered, wake};
use super::store::Store;
use crate::hub::bell::Bell;
use crate::hub::inbox::HubNumber;
use crate::hub::turn::Gate;
use crate::hub::waiters::Who;

/// Waits to get: what is had is a right to [`fetch`](Shared::fetch).
pub(crate) struct Getting<'a, S: Store>(pub(super) &'a Shared<S>);

impl<S: Store> Getting<'_, S> {
    /// Waits as one who may get something else first. If something can be had here, it is had only
    /// if the bell is still heard; and if that fails in the last moment, the bell tells to look again.
    pub(crate) fn choose(&self, bell: &Bell) {
        let handed = self.0.state.with(|state| {
            let may_be_had = state.free() > 0
                || state.putters.has_more_beside(bell, state.promised())
                || !state.is_open;
            if may_be_had && !bell.claim() {
                return None;
            }
            let handed = if may_be_had { state.hand(Some(bell)) } else { None };
            if handed.is_none() {
                state.getters.push(Who::Chooses(bell.clone()), ());
            }
            handed
        });
        wake(handed.flatten());
    }
}

impl<S: Store> Gate for Getting<'_, S> {
    fn enter(&self, who: Who) -> bool {
        let handed = self.0.state.with(|state| {
            let handed = state.hand(None);
            if handed.is_none() {
                state.getters.push(who, ());
            }
            handed
        });
        let is_had = handed.is_some();
        wake(handed.flatten());
        is_had
    }

    fn leave(&self, who: &Who) -> bool {
        self.0.state.with(|state| state.getters.remove(who).is_some())
    }

    fn give_back(&self) {
        let next = self.0.state.with(|state| {
            state.handed -= 1;
            if state.free() == 0 && !state.has_offer() {
                return None;
            }
            let (next, ()) = state.getters.pop()?;
            state.handed += 1;
            Some(next)
        });
        wake(next);
    }

    fn is_among_many(&self, hub: HubNumber) -> bool {
        self.0.state.with(|state| state.getters.is_among_many(hub))
    }
}

/// Gives back what was handed over to one who only looks.
pub(super) struct GiveBack<'a, 'b, S: Store>(pub(super) &'b Getting<'a, S>);

impl<S: Store> Drop for GiveBack<'_, '_, S> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Waits to put.
pub(crate) struct Putting<'a, S: Store> {
    pub(super) shared: &'a Shared<S>,
    /// None while it is in the line, and when it has been put.
    pub(super) item: Cell<Option<S::Item>>,
}

impl<S: Store> Putting<'_, S> {
    /// Waits as one who may do something else first; see [`Getting::choose`].
    pub(crate) fn choose(&self, bell: &Bell) {
        let Some(item) = self.item.take() else { return };
        let (kept, getter) = self.shared.state.with(|state| {
            let may_be_put = state.free() < state.capacity
                || state.getters.has_more_beside(bell, 0)
                || !state.is_open;
            if may_be_put && !bell.claim() {
                return (Some(item), None);
            }
            // Also if that fails: whoever only watches is told that there is an offer now.
            match state.put(item, Some(bell)) {
                Ok(getter) => (None, getter),
                Err(item) if state.is_open => {
                    state.putters.push(Who::Chooses(bell.clone()), item);
                    (None, None)
                }
                Err(item) => (Some(item), None),
            }
        });
        self.item.set(kept);
        wake(getter);
    }

    /// The item, if it has not been put.
    pub(crate) fn left(&self) -> Option<S::Item> {
        self.item.take()
    }
}

impl<S: Store> Gate for Putting<'_, S> {
    fn enter(&self, who: Who) -> bool {
        let Some(item) = self.item.take() else { return true };
        let entered = self.shared.state.with(|state| state.enter_to_put(who, item));
        match entered {
            Entered::Put(getter) => {
                wake(getter);
                true
            }
            Entered::Waits(getter) => {
                wake(getter);
                false
            }
            Entered::Refused(item) => {
                self.item.set(Some(item));
                true
            }
        }
    }

    fn leave(&self, who: &Who) -> bool {
        let item = self.shared.state.with(|state| state.putters.remove(who));
        let was_there = item.is_some();
        if was_there {
            self.item.set(item);
        }
        was_there
    }

    /// What was put stays put.
    fn give_back(&self) {}

    fn is_among_many(&self, hub: HubNumber) -> bool {
        self.shared.state.with(|state| state.putters.is_among_many(hub))
    }
}

/// Waits until all is done.
pub(super) struct Joining<'a, S: Store>(pub(super) &'a Shared<S>);

impl<S: Store> Gate for Joining<'_, S> {
    fn enter(&self, who: Who) -> bool {
        self.0.state.with(|state| {
            let is_done = state.unfinished == 0;
            if !is_done {
                state.joiners.push(who, ());
            }
            is_done
        })
    }

    fn leave(&self, who: &Who) -> bool {
        self.0.state.with(|state| state.joiners.remove(who).is_some())
    }

    fn give_back(&self) {}

    fn is_among_many(&self, hub: HubNumber) -> bool {
        self.0.state.with(|state| state.joiners.is_among_many(hub))
    }
}

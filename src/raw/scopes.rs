//! Blocks that an expiry can end: which are open, in which fiber, and which have expired.
//!
//! The blocks of one fiber are nested, so each knows the one around it, and the fiber's head
//! knows the innermost. When several have expired, the outermost is raised: those within it are
//! left on its way.
//!
//! ```text
//!   Idle ──arm──▶ Armed ──its time is over──▶ Expired ──raised──▶ Idle
//!     ▲             └──disarm──┐                 └──disarm──┐
//!     └────────────────────────┴────────────────────────────┘
//! ```
//!
//! This file knows no clock: whoever has one says when a block [expires](Scopes::expire).

use std::cell::{Cell, RefCell};

use slab::Slab;

use super::fiber::Head;

/// Names a block while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopeKey(u32);

impl ScopeKey {
    /// What a fiber that is in no block has for its innermost one.
    pub(crate) const NONE: ScopeKey = ScopeKey(u32::MAX);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Armed,
    Expired,
}

struct Scope {
    /// No other block of this thread ever had it.
    number: u64,
    fiber: u32,
    outer: ScopeKey,
    state: State,
}

#[derive(Default)]
pub(crate) struct Scopes {
    open: RefCell<Slab<Scope>>,
    entered: Cell<u64>,
}

impl Scopes {
    /// Opens a block within the innermost of `head`'s fiber; returns its key and its number.
    pub(crate) fn enter(&self, head: &Head) -> (ScopeKey, u64) {
        let number = self.entered.get() + 1;
        self.entered.set(number);
        let outer = head.innermost.get();
        let scope = Scope { number, fiber: head.id.get(), outer, state: State::Idle };
        let key = self.open.borrow_mut().insert(scope);
        let key = ScopeKey(u32::try_from(key).expect("fewer than four thousand million blocks"));
        head.innermost.set(key);
        (key, number)
    }

    /// Closes the innermost block of `head`'s fiber; an expiry that was not raised is forgotten.
    pub(crate) fn leave(&self, head: &Head, key: ScopeKey) {
        debug_assert_eq!(head.innermost.get(), key, "blocks are nested");
        let scope = self.open.borrow_mut().remove(key.0 as usize);
        head.innermost.set(scope.outer);
        if scope.state == State::Expired {
            self.refresh(head);
        }
    }

    pub(crate) fn state(&self, key: ScopeKey) -> State {
        self.open.borrow()[key.0 as usize].state
    }

    /// The id of the fiber that is in the block.
    pub(crate) fn fiber(&self, key: ScopeKey) -> u32 {
        self.open.borrow()[key.0 as usize].fiber
    }

    pub(crate) fn arm(&self, key: ScopeKey) {
        self.open.borrow_mut()[key.0 as usize].state = State::Armed;
    }

    /// Has the block expire no more, not even if it has and that was not raised yet.
    pub(crate) fn disarm(&self, head: &Head, key: ScopeKey) {
        self.open.borrow_mut()[key.0 as usize].state = State::Idle;
        self.refresh(head);
    }

    /// Notes that the time of an open block is over; returns the id of its fiber.
    pub(crate) fn expire(&self, key: ScopeKey) -> u32 {
        let scope = &mut self.open.borrow_mut()[key.0 as usize];
        scope.state = State::Expired;
        scope.fiber
    }

    /// Takes the outermost expired block around where `head`'s fiber is; returns its number.
    pub(super) fn take_expired(&self, head: &Head) -> Option<u64> {
        let mut outermost = None;
        self.for_each_expired(head, |scope| outermost = Some(scope));
        let mut open = self.open.borrow_mut();
        let scope = &mut open[outermost?.0 as usize];
        scope.state = State::Idle;
        Some(scope.number)
    }

    /// Whether a block around where `head`'s fiber is has expired.
    pub(super) fn has_expired(&self, head: &Head) -> bool {
        let mut has_expired = false;
        self.for_each_expired(head, |_| has_expired = true);
        has_expired
    }

    /// Sets the one flag that is looked at after every wait.
    pub(super) fn refresh(&self, head: &Head) {
        head.interrupted.set(head.killed.get() || self.has_expired(head));
    }

    /// From the innermost outwards.
    fn for_each_expired(&self, head: &Head, mut f: impl FnMut(ScopeKey)) {
        let open = self.open.borrow();
        let mut key = head.innermost.get();
        while key != ScopeKey::NONE {
            let scope = &open[key.0 as usize];
            if scope.state == State::Expired {
                f(key);
            }
            key = scope.outer;
        }
    }
}

//! What a queue holds, and how items pass through it. All of it is called under the queue's lock.
//!
//! An item that comes while someone waits for one is *handed* to the first who waits: it stays in
//! the store until that one runs and fetches it, and is nobody else's meanwhile. Should that one be
//! killed first, it goes to the next who waits, or is free again. So an item is always in the
//! queue, or in the hands of one who runs.
//!
//! Who waits to put has its item in the line, where who makes room finds it. In a queue without room
//! that is where items stay: who waits to get is *promised* one, and takes it from the line.
//!
//! Nothing in here unwinds: a comparison that panics is told by who called, when all is in order.

use super::GetError;
use super::store::Store;
use crate::hub::bell::Bell;
use crate::hub::turn::Entered;
use crate::hub::waiter::Begin;
use crate::hub::waiters::{All, Granted, Waiters, Who};

/// The inside of a queue.
pub(super) struct State<S: Store> {
    pub(super) store: S,
    /// How many items may be free before who puts one waits.
    pub(super) capacity: usize,
    /// Getters who have been handed or promised an item and have not fetched it.
    handed: usize,
    pub(super) getters: Waiters,
    pub(super) putters: Waiters<S::Item>,
    /// Those who want to know when there is something to get, and take nothing.
    watchers: Vec<Bell>,
    /// Those who want to see an item, also one that somebody else is about to fetch.
    peekers: Vec<Bell>,
    /// Items that have come in and have not been declared done.
    pub(super) unfinished: usize,
    pub(super) joiners: Waiters,
    pub(super) is_open: bool,
}

/// How it went with one who would put an item.
pub(super) enum Put<T> {
    Done,
    Full(T),
    ShutDown(T),
}

impl<S: Store> State<S> {
    pub(super) const fn new(store: S, capacity: usize) -> Self {
        State {
            store,
            capacity,
            handed: 0,
            getters: Waiters::new(),
            putters: Waiters::new(),
            watchers: Vec::new(),
            peekers: Vec::new(),
            unfinished: 0,
            joiners: Waiters::new(),
            is_open: true,
        }
    }

    /// Items that are nobody's yet.
    #[inline]
    pub(super) fn free(&self) -> usize {
        self.store.len().saturating_sub(self.handed)
    }

    /// Whether someone other than `me` waits to put an item that is promised to nobody.
    #[inline]
    fn has_offer(&self, me: Option<&Bell>) -> bool {
        self.is_open && self.putters.has_more(self.promised(), me)
    }

    /// How many of those who wait to put have their items promised to someone.
    #[inline]
    fn promised(&self) -> usize {
        self.handed.saturating_sub(self.store.len())
    }

    #[inline]
    fn store(&mut self, item: S::Item) {
        self.store.push(item);
        self.unfinished += 1;
    }

    /// Puts an item back that was taken, and that nobody is going to have.
    pub(super) fn restore(&mut self, item: S::Item) {
        self.store.push(item);
    }

    /// Whether there is something to get, or never will be.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.free() > 0 || !self.is_open || self.has_offer(None)
    }

    /// Why there is nothing to be had.
    pub(super) fn nothing(&self) -> GetError {
        if self.is_open { GetError::Empty } else { GetError::ShutDown }
    }

    /// What would be taken next.
    pub(super) fn next(&self) -> Result<&S::Item, GetError> {
        let next = if self.free() > 0 {
            self.store.peek()
        } else if self.has_offer(None) {
            self.putters.nth(self.promised())
        } else {
            None
        };
        next.ok_or(self.nothing())
    }

    /// Any item, also one that has been handed or promised to someone.
    pub(super) fn any(&self) -> Result<&S::Item, GetError> {
        let offered = || self.putters.nth(0).filter(|_| self.is_open);
        self.store.peek().or_else(offered).ok_or(self.nothing())
    }

    // ---- getting --------------------------------------------------------------------------

    /// Takes a free item.
    #[inline]
    pub(super) fn take(&mut self, to_wake: &mut Granted) -> Option<S::Item> {
        if self.free() > 0 {
            let item = self.store.pop();
            self.fill(to_wake);
            return item;
        }
        // Only where there is no room at all do others wait to put now.
        if self.has_offer(None) && self.let_in(None, to_wake) { self.store.pop() } else { None }
    }

    /// Takes what was handed over, or promised.
    #[inline]
    pub(super) fn fetch(&mut self, to_wake: &mut Granted) -> Option<S::Item> {
        self.return_right();
        if self.store.len() == 0 {
            self.let_in(None, to_wake);
        }
        self.store.pop()
    }

    /// One who was handed or promised an item does not want it any more.
    fn return_right(&mut self) {
        debug_assert!(self.handed > 0, "who has a right to an item has been counted");
        self.handed = self.handed.saturating_sub(1);
    }

    /// Lets someone put, if there is room; returns whether it has.
    #[inline]
    pub(super) fn fill(&mut self, to_wake: &mut Granted) -> bool {
        self.free() < self.capacity && self.let_in(None, to_wake)
    }

    /// Takes the item of the first who waits to put. When the queue is shut down nobody is let in,
    /// also if they have not run since, and so still stand in the line.
    #[inline(always)]
    fn let_in(&mut self, me: Option<&Bell>, to_wake: &mut Granted) -> bool {
        self.is_open && !self.putters.is_empty() && self.let_first_in(me, to_wake)
    }

    #[inline]
    fn let_first_in(&mut self, me: Option<&Bell>, to_wake: &mut Granted) -> bool {
        let Some(item) = self.putters.pop_beside(me, to_wake, !self.has_lookers()) else {
            return false;
        };
        self.store(item);
        true
    }

    /// Hands a free item, or that of one who waits to put, to a getter who has asked; returns whether it
    /// has. When the queue is shut down, what is handed may be nothing.
    fn hand(&mut self, me: Option<&Bell>, to_wake: &mut Granted) -> bool {
        if self.free() > 0 {
            self.handed += 1;
            self.fill(to_wake);
            return true;
        }
        let is_handed = self.has_offer(me) && self.let_in(me, to_wake) || !self.is_open;
        self.handed += usize::from(is_handed);
        is_handed
    }

    /// Takes a free item for one who would wait for it; else it joins the line.
    #[inline]
    pub(super) fn take_or_join(
        &mut self,
        begin: Begin,
        to_wake: &mut Granted,
    ) -> Entered<Result<S::Item, GetError>> {
        if self.is_ready() {
            return Entered::Had(self.take(to_wake).ok_or(self.nothing()));
        }
        let Some(waker) = begin.waker() else { return Entered::Refused };
        Entered::Waits { waker, among_many: self.getters.join(waker, ()) }
    }

    /// As [`take_or_join`](Self::take_or_join), for one who may get something else first. If something
    /// can be had, it is had only if the bell is still heard; and if that fails in the last moment,
    /// the bell tells to look again.
    pub(super) fn hand_or_choose(&mut self, bell: &Bell, to_wake: &mut Granted) {
        let may_be_had = self.free() > 0 || !self.is_open || self.has_offer(Some(bell));
        if may_be_had && (!bell.claim() || self.hand(Some(bell), to_wake)) {
            return;
        }
        self.getters.push(Who::Chooses(bell.clone()), ());
    }

    /// Passes on what was handed or promised to one that is gone.
    pub(super) fn give_back(&mut self, to_wake: &mut Granted) {
        self.return_right();
        if self.free() > 0 || self.has_offer(None) {
            self.hand_to_next(None, to_wake);
        }
    }

    /// Has the first who waits fetch an item; returns whether there is one.
    #[inline(always)]
    fn hand_to_next(&mut self, me: Option<&Bell>, to_wake: &mut Granted) -> bool {
        let is_handed = self.getters.pop_beside(me, to_wake, !self.has_lookers()).is_some();
        self.handed += usize::from(is_handed);
        is_handed
    }

    // ---- putting --------------------------------------------------------------------------

    /// Puts an item in, if there is room or a getter for it; it is that getter's then.
    #[inline]
    pub(super) fn put(
        &mut self,
        item: S::Item,
        me: Option<&Bell>,
        to_wake: &mut Granted,
    ) -> Put<S::Item> {
        if !self.is_open {
            return Put::ShutDown(item);
        }
        if !self.hand_to_next(me, to_wake) && self.free() >= self.capacity {
            return Put::Full(item);
        }
        self.store(item);
        Put::Done
    }

    /// Puts an item in for one who would wait; else it joins the line with it. The item comes back if it
    /// is not to wait: the queue is shut down, which is not worth waiting for, or it cannot.
    pub(super) fn put_or_join(
        &mut self,
        begin: Begin,
        item: S::Item,
        to_wake: &mut Granted,
    ) -> Result<Entered, (S::Item, Entered)> {
        let is_offered = self.capacity == 0 && self.is_open;
        let item = match self.put_unless(is_offered, item, to_wake) {
            Put::Done => return Ok(Entered::Had(())),
            Put::ShutDown(item) => return Err((item, Entered::Had(()))),
            Put::Full(item) => item,
        };
        let Some(waker) = begin.waker() else { return Err((item, Entered::Refused)) };
        if is_offered {
            self.hand_to_next(None, to_wake);
        }
        Ok(Entered::Waits { waker, among_many: self.putters.join(waker, item) })
    }

    #[inline]
    fn put_unless(
        &mut self,
        is_offered: bool,
        item: S::Item,
        to_wake: &mut Granted,
    ) -> Put<S::Item> {
        if is_offered { Put::Full(item) } else { self.put(item, None, to_wake) }
    }

    /// As [`put_or_join`](Self::put_or_join), for one who may do something else first. The item comes
    /// back if that is done, or the queue shut down.
    pub(super) fn put_or_choose(
        &mut self,
        bell: &Bell,
        item: S::Item,
        to_wake: &mut Granted,
    ) -> Option<S::Item> {
        let may_be_put =
            self.free() < self.capacity || !self.is_open || self.getters.has_more(0, Some(bell));
        if may_be_put && !bell.claim() {
            return Some(item);
        }
        match self.put(item, Some(bell), to_wake) {
            Put::Done => None,
            Put::ShutDown(item) => Some(item),
            Put::Full(item) => {
                self.putters.push(Who::Chooses(bell.clone()), item);
                None
            }
        }
    }

    // ---- the rest -------------------------------------------------------------------------

    /// Declares so many items done; with it, who waited for the last of them.
    pub(super) fn finish(&mut self, items: usize) -> All {
        self.unfinished -= items;
        if self.unfinished == 0 { self.joiners.take() } else { All::nobody() }
    }

    /// From now on nothing comes in, and who waits sees that.
    pub(super) fn close(&mut self) {
        self.is_open = false;
        self.getters.alarm();
        self.putters.alarm();
    }

    /// Has `bell` rung when there is something to get; `false` if there is already.
    pub(super) fn watch(&mut self, bell: &Bell) -> bool {
        let waits = !self.is_ready();
        if waits {
            self.watchers.push(bell.clone());
        }
        waits
    }

    pub(super) fn unwatch(&mut self, bell: &Bell) {
        self.watchers.retain(|other| other != bell);
    }

    /// As [`watch`](Self::watch), for one who would see an item.
    pub(super) fn watch_for_any(&mut self, bell: &Bell) -> bool {
        let waits = !self.has_any();
        if waits {
            self.peekers.push(bell.clone());
        }
        waits
    }

    pub(super) fn unwatch_for_any(&mut self, bell: &Bell) {
        self.peekers.retain(|other| other != bell);
    }

    /// Called when something has changed, before those are woken who were granted something by it: who
    /// looks at an item that somebody else has been handed sees it.
    #[inline(always)]
    pub(super) fn tell_those_who_look(&mut self) {
        if self.has_lookers() {
            self.tell_lookers();
        }
    }

    #[inline(always)]
    fn has_lookers(&self) -> bool {
        self.watchers.len() | self.peekers.len() != 0
    }

    #[cold]
    fn tell_lookers(&mut self) {
        if !self.watchers.is_empty() && self.is_ready() {
            self.watchers.drain(..).for_each(|bell| bell.ring());
        }
        if !self.peekers.is_empty() && self.has_any() {
            self.peekers.drain(..).for_each(|bell| bell.ring());
        }
    }

    /// Whether one who would see an item does not have to wait for it.
    pub(super) fn has_any(&self) -> bool {
        !matches!(self.any(), Err(GetError::Empty))
    }
}

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
use crate::hub::waiter::Waker;
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

/// An item that was taken, and who can put theirs by that.
type Taken<T> = (T, Option<Granted>);

/// How it went with one who would put an item.
pub(super) enum Put<T> {
    /// It is in, and someone may have it by that.
    Done(Option<Granted>),
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
    pub(super) fn take(&mut self) -> Option<Taken<S::Item>> {
        if self.free() > 0 {
            let item = self.store.pop();
            let putter = self.fill();
            return taken(item, putter);
        }
        // Only where there is no room at all do others wait to put now.
        if !self.has_offer(None) {
            return None;
        }
        let putter = self.let_in(None);
        taken(self.store.pop(), putter)
    }

    /// Takes what was handed over, or promised.
    #[inline]
    pub(super) fn fetch(&mut self) -> Option<Taken<S::Item>> {
        self.return_right();
        let putter = if self.store.len() == 0 { self.let_in(None) } else { None };
        taken(self.store.pop(), putter)
    }

    /// One who was handed or promised an item does not want it any more.
    fn return_right(&mut self) {
        debug_assert!(self.handed > 0, "who has a right to an item has been counted");
        self.handed = self.handed.saturating_sub(1);
    }

    /// Lets someone put, if there is room.
    #[inline]
    pub(super) fn fill(&mut self) -> Option<Granted> {
        if self.free() < self.capacity { self.let_in(None) } else { None }
    }

    /// Takes the item of the first who waits to put. When the queue is shut down nobody is let in,
    /// also if they have not run since, and so still stand in the line.
    #[inline]
    fn let_in(&mut self, me: Option<&Bell>) -> Option<Granted> {
        if !self.is_open {
            return None;
        }
        let (putter, item) = self.putters.pop_beside(me)?;
        self.store(item);
        Some(putter)
    }

    /// Hands a free item, or that of one who waits to put, to a getter who has asked; with it, who can
    /// put theirs by that. When the queue is shut down, what is handed may be nothing.
    fn hand(&mut self, me: Option<&Bell>) -> Option<Option<Granted>> {
        if self.free() > 0 {
            self.handed += 1;
            return Some(self.fill());
        }
        let putter = if self.has_offer(me) { self.let_in(me) } else { None };
        if putter.is_some() || !self.is_open {
            self.handed += 1;
            return Some(putter);
        }
        None
    }

    /// Hands an item to one who would wait for it; else it joins the line, and the answer is whether
    /// more threads than one have to do with that.
    pub(super) fn hand_or_join(&mut self, waker: Waker) -> Result<Option<Granted>, bool> {
        self.hand(None).ok_or_else(|| self.getters.join(waker, ()))
    }

    /// As [`hand_or_join`](Self::hand_or_join), for one who may get something else first. If something
    /// can be had, it is had only if the bell is still heard; and if that fails in the last moment,
    /// the bell tells to look again.
    pub(super) fn hand_or_choose(&mut self, bell: &Bell) -> Option<Granted> {
        let may_be_had = self.free() > 0 || !self.is_open || self.has_offer(Some(bell));
        if may_be_had {
            if !bell.claim() {
                return None;
            }
            if let Some(putter) = self.hand(Some(bell)) {
                return putter;
            }
        }
        self.getters.push(Who::Chooses(bell.clone()), ());
        None
    }

    /// Passes on what was handed or promised to one that is gone.
    pub(super) fn give_back(&mut self) -> Option<Granted> {
        self.return_right();
        if self.free() == 0 && !self.has_offer(None) {
            return None;
        }
        let (next, ()) = self.getters.pop()?;
        self.handed += 1;
        Some(next)
    }

    // ---- putting --------------------------------------------------------------------------

    /// Puts an item in, if there is room or a getter for it; it is that getter's then.
    #[inline]
    pub(super) fn put(&mut self, item: S::Item, me: Option<&Bell>) -> Put<S::Item> {
        if !self.is_open {
            return Put::ShutDown(item);
        }
        if let Some((getter, ())) = self.getters.pop_beside(me) {
            self.handed += 1;
            self.store(item);
            return Put::Done(Some(getter));
        }
        if self.free() >= self.capacity {
            return Put::Full(item);
        }
        self.store(item);
        Put::Done(None)
    }

    /// Puts an item in for one who would wait; else it joins the line with it. The answer is whether
    /// it waits, and if so whether more threads than one have to do with that; and who may get an
    /// item by that.
    pub(super) fn put_or_join(
        &mut self,
        waker: Waker,
        item: S::Item,
    ) -> Result<(Option<bool>, Option<Granted>), S::Item> {
        if self.capacity == 0 && self.is_open {
            let getter = self.getters.pop().map(|(getter, ())| getter);
            self.handed += usize::from(getter.is_some());
            return Ok((Some(self.putters.join(waker, item)), getter));
        }
        match self.put(item, None) {
            Put::Done(getter) => Ok((None, getter)),
            Put::Full(item) => Ok((Some(self.putters.join(waker, item)), None)),
            Put::ShutDown(item) => Err(item),
        }
    }

    /// As [`put_or_join`](Self::put_or_join), for one who may do something else first. The item comes
    /// back if that is done, or the queue shut down.
    pub(super) fn put_or_choose(
        &mut self,
        bell: &Bell,
        item: S::Item,
    ) -> Result<Option<Granted>, S::Item> {
        let may_be_put =
            self.free() < self.capacity || !self.is_open || self.getters.has_more(0, Some(bell));
        if may_be_put && !bell.claim() {
            return Err(item);
        }
        let item = match self.put(item, Some(bell)) {
            Put::Done(getter) => return Ok(getter),
            Put::ShutDown(item) => return Err(item),
            Put::Full(item) => item,
        };
        self.putters.push(Who::Chooses(bell.clone()), item);
        Ok(None)
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

    /// Called when something has changed, before those are woken who were granted something by it.
    #[inline]
    pub(super) fn tell_those_who_look(&mut self) {
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

#[inline]
fn taken<T>(item: Option<T>, putter: Option<Granted>) -> Option<Taken<T>> {
    match item {
        Some(item) => Some((item, putter)),
        None => {
            // Nothing was there after all, or a comparison panicked; the putter is in all the same.
            wake(putter);
            None
        }
    }
}

pub(super) fn wake(granted: Option<Granted>) {
    if let Some(granted) = granted {
        granted.wake();
    }
}

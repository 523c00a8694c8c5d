//! What a queue holds, and how items pass through it. All of it is called under the queue's lock.
//!
//! An item that comes while someone waits for one is *handed* to the first who waits: it stays in
//! the store until that one runs and fetches it, and is nobody else's meanwhile. Should that one be
//! killed first, it goes to the next who waits, or is free again. So an item is always in the
//! queue, or in the hands of one who runs.
//!
//! Who waits to put has its item in the line, where who makes room finds it. In a queue without room
//! that is where items stay: who waits to get is *promised* one, and takes it from the line.

use super::GetError;
use super::store::Store;
use crate::hub::bell::Bell;
use crate::hub::waiters::{All, Granted, Waiters, Who};

/// The inside of a queue.
pub(super) struct State<S: Store> {
    pub(super) store: S,
    /// How many items may be free before who puts one waits.
    pub(super) capacity: usize,
    /// Getters who have been handed or promised an item and have not fetched it.
    pub(super) handed: usize,
    pub(super) getters: Waiters,
    pub(super) putters: Waiters<S::Item>,
    /// Items that have come in and have not been declared done.
    pub(super) unfinished: usize,
    pub(super) joiners: Waiters,
    pub(super) is_open: bool,
}

impl<S: Store> State<S> {
    /// Items that are nobody's yet.
    #[inline]
    pub(super) fn free(&self) -> usize {
        self.store.len().saturating_sub(self.handed)
    }

    /// Whether someone waits to put an item that is promised to nobody.
    #[inline]
    pub(super) fn has_offer(&self) -> bool {
        self.is_open && self.putters.len() > self.promised()
    }

    /// How many of those who wait to put have their items promised to someone.
    #[inline]
    pub(super) fn promised(&self) -> usize {
        self.handed.saturating_sub(self.store.len())
    }

    #[inline]
    pub(super) fn store(&mut self, item: S::Item) {
        self.store.push(item);
        self.unfinished += 1;
    }

    /// Takes a free item; with it, who can put theirs by that.
    #[inline]
    pub(super) fn take(&mut self) -> Option<(S::Item, Option<Granted>)> {
        if self.free() > 0 {
            let item = self.store.pop()?;
            return Some((item, self.fill()));
        }
        // Only where there is no room at all do others wait to put now.
        if !self.has_offer() {
            return None;
        }
        let putter = self.let_in(None)?;
        Some((self.store.pop()?, Some(putter)))
    }

    /// Puts an item in for someone who has been granted; that one is woken also if the comparison of
    /// items panics, and looks for itself then.
    #[inline]
    pub(super) fn store_for(&mut self, who: Granted, item: S::Item) -> Granted {
        let who = Sure(Some(who));
        self.store(item);
        who.keep()
    }

    /// Lets someone put, if there is room.
    #[inline]
    pub(super) fn fill(&mut self) -> Option<Granted> {
        if self.free() < self.capacity { self.let_in(None) } else { None }
    }

    /// Takes the item of the first who waits to put. When the queue is shut down nobody is let in,
    /// also if they have not run since, and so still stand in the line.
    #[inline]
    pub(super) fn let_in(&mut self, me: Option<&Bell>) -> Option<Granted> {
        if !self.is_open {
            return None;
        }
        let (putter, item) = self.putters.pop_beside(me)?;
        Some(self.store_for(putter, item))
    }

    /// Hands a free item, or who waits to put one, to a getter who has asked; with it, who can put
    /// theirs by that. When the queue is shut down, what is handed may be nothing.
    pub(super) fn hand(&mut self, me: Option<&Bell>) -> Option<Option<Granted>> {
        if self.free() > 0 {
            self.handed += 1;
            return Some(self.fill());
        }
        let putter = if self.has_offer() { self.let_in(me) } else { None };
        if putter.is_some() || !self.is_open {
            self.handed += 1;
            return Some(putter);
        }
        None
    }

    /// Puts an item in, if there is room or a getter for it; it is that getter's then.
    #[inline]
    pub(super) fn put(
        &mut self,
        item: S::Item,
        me: Option<&Bell>,
    ) -> Result<Option<Granted>, S::Item> {
        if !self.is_open {
            return Err(item);
        }
        if let Some((getter, ())) = self.getters.pop_beside(me) {
            self.handed += 1;
            return Ok(Some(self.store_for(getter, item)));
        }
        if self.free() >= self.capacity {
            return Err(item);
        }
        self.store(item);
        Ok(None)
    }

    /// Why there is nothing to be had.
    pub(super) fn nothing(&self) -> GetError {
        if self.is_open { GetError::Empty } else { GetError::ShutDown }
    }

    /// Takes what was handed over, or promised; with it, who can put theirs by that.
    pub(super) fn fetch(&mut self) -> Option<(S::Item, Option<Granted>)> {
        self.handed -= 1;
        let putter = if self.store.len() == 0 { self.let_in(None) } else { None };
        Some((self.store.pop()?, putter))
    }

    /// Declares so many items done; with it, who waited for the last of them.
    pub(super) fn finish(&mut self, items: usize) -> All {
        self.unfinished -= items;
        if self.unfinished == 0 { self.joiners.take() } else { All::nobody() }
    }

    pub(super) fn enter_to_put(&mut self, who: Who, item: S::Item) -> Entered<S::Item> {
        if self.capacity == 0 && self.is_open {
            let getter = self.getters.pop().map(|(getter, ())| getter);
            self.handed += usize::from(getter.is_some());
            self.putters.push(who, item);
            return Entered::Waits(getter);
        }
        match self.put(item, None) {
            Ok(getter) => Entered::Put(getter),
            Err(item) if self.is_open => {
                self.putters.push(who, item);
                Entered::Waits(None)
            }
            Err(item) => Entered::Refused(item),
        }
    }

    /// From now on nothing comes in, and who waits sees that.
    pub(super) fn close(&mut self) {
        self.is_open = false;
        self.getters.alarm();
        self.putters.alarm();
    }

    pub(super) fn is_ready(&self) -> bool {
        self.free() > 0 || self.has_offer() || !self.is_open
    }
}

/// How it goes with one who would wait to put.
pub(super) enum Entered<T> {
    /// It has put its item, which someone may get by that.
    Put(Option<Granted>),
    /// It waits, and someone may get its item.
    Waits(Option<Granted>),
    /// The queue has been shut down.
    Refused(T),
}

/// One who is woken in any case.
struct Sure(Option<Granted>);

impl Sure {
    #[inline]
    fn keep(mut self) -> Granted {
        self.0.take().expect("it is kept once")
    }
}

impl Drop for Sure {
    #[inline]
    fn drop(&mut self) {
        wake(self.0.take());
    }
}

pub(super) fn wake(granted: Option<Granted>) {
    if let Some(granted) = granted {
        granted.wake();
    }
}

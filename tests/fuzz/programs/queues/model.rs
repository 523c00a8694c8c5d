//! What is in a queue, and where each item is.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::Rc;

use crate::stage::Stage;

/// All items that were ever made.
pub(super) struct Items {
    stage: Rc<Stage>,
    /// Of each whether it is gone: it was got, or came back, or was dropped by one who was unwound.
    gone: RefCell<Vec<bool>>,
    living: Cell<usize>,
}

impl Items {
    pub(super) fn new(stage: &Rc<Stage>) -> Items {
        Items { stage: Rc::clone(stage), gone: RefCell::default(), living: Cell::new(0) }
    }

    pub(super) fn make(self: &Rc<Self>, rank: u8) -> Item {
        let mut gone = self.gone.borrow_mut();
        let number = u32::try_from(gone.len()).expect("few items");
        gone.push(false);
        self.living.set(self.living.get() + 1);
        // Few ranks, so that many are equal.
        Item { number, rank: rank % 4, items: Rc::clone(self), is_copy: false }
    }

    pub(super) fn living(&self) -> usize {
        self.living.get()
    }

    fn is_gone(&self, number: u32) -> bool {
        self.gone.borrow()[number as usize]
    }
}

/// What passes through a queue. Items are compared by their ranks alone.
pub(super) struct Item {
    number: u32,
    rank: u8,
    items: Rc<Items>,
    /// One that a peek has shown.
    is_copy: bool,
}

impl Item {
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// It was not put.
    pub(super) fn come_back(self, number: u32) {
        self.items.stage.same("which item comes back", self.number, number);
    }
}

impl Clone for Item {
    fn clone(&self) -> Item {
        Item { items: Rc::clone(&self.items), is_copy: true, ..*self }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if !self.is_copy {
            self.items.gone.borrow_mut()[self.number as usize] = true;
            self.items.living.set(self.items.living.get() - 1);
        }
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Item) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Item) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// Which item comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    First,
    Last,
    Least,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u32,
    rank: u8,
    /// Offered in such a way that others may go before it, or it before others.
    is_loose: bool,
}

/// What one queue holds.
pub(super) struct Model {
    order: Order,
    capacity: Option<usize>,
    /// What waits to be put, in order.
    offered: RefCell<Vec<Entry>>,
    /// What is in it, in the order in which it came in.
    store: RefCell<Vec<Entry>>,
    got: Cell<usize>,
    done: Cell<usize>,
}

impl Model {
    pub(super) fn new(order: Order, capacity: Option<usize>) -> Model {
        Model {
            order,
            capacity,
            offered: RefCell::default(),
            store: RefCell::default(),
            got: Cell::new(0),
            done: Cell::new(0),
        }
    }

    pub(super) fn offered(&self, number: u32, rank: u8, is_loose: bool) -> u32 {
        self.offered.borrow_mut().push(Entry { number, rank: rank % 4, is_loose });
        number
    }

    /// One who has put an item goes on. Someone may have got it since.
    pub(super) fn entered(&self, number: u32) {
        let mut offered = self.offered.borrow_mut();
        if let Some(place) = offered.iter().position(|entry| entry.number == number) {
            self.store.borrow_mut().push(offered.remove(place));
        }
    }

    /// One who would have put an item does not any more. If it is not gone, it was let in.
    pub(super) fn withdrawn(&self, number: u32, items: &Items) {
        if items.is_gone(number) {
            self.offered.borrow_mut().retain(|entry| entry.number != number);
        } else {
            self.entered(number);
        }
    }

    /// An item was offered, and has come back.
    pub(super) fn refused(&self, number: u32) {
        self.offered.borrow_mut().retain(|entry| entry.number != number);
    }

    /// So many wait to put now: the others have been let in, first come, first served.
    pub(super) fn follow(&self, putters: usize) {
        let mut offered = self.offered.borrow_mut();
        if self.order != Order::First {
            let count = offered.len().saturating_sub(putters);
            self.store.borrow_mut().extend(offered.drain(..count));
        }
    }

    pub(super) fn got(&self, item: Item) {
        let stage = Rc::clone(&item.items.stage);
        let number = item.number;
        stage.check(self.may_be_next(number), || {
            let (store, offered) = (self.store.borrow(), self.offered.borrow());
            format!("{number} comes out of {:?}: {store:?}, and {offered:?} waits", self.order)
        });
        self.taken_out(item);
        self.got.set(self.got.get() + 1);
    }

    fn may_be_next(&self, number: u32) -> bool {
        let (store, offered) = (self.store.borrow(), self.offered.borrow());
        let next = match self.order {
            Order::First => {
                let plain = |it: &&Entry| it.number == number || !it.is_loose;
                let all = store.iter().chain(offered.iter());
                let is_loose = |it: &Entry| it.number == number && it.is_loose;
                if all.clone().any(is_loose) {
                    return true;
                }
                all.filter(plain).min_by_key(|it| it.number)
            }
            Order::Last => store.last(),
            Order::Least => store.iter().min_by_key(|it| it.rank),
        };
        next.is_some_and(|next| next.number == number)
    }

    /// It is in nobody's hands any more.
    pub(super) fn taken_out(&self, item: Item) {
        let number = item.number;
        let is_known = |entry: &Entry| entry.number == number;
        let was_there =
            self.store.borrow().iter().any(is_known) || self.offered.borrow().iter().any(is_known);
        item.items.stage.check(was_there, || format!("{number} comes out, and was not in it"));
        self.store.borrow_mut().retain(|entry| !is_known(entry));
        self.offered.borrow_mut().retain(|entry| !is_known(entry));
    }

    /// It was taken out by a shutdown.
    pub(super) fn shut_out(&self, item: Item) {
        self.got.set(self.got.get() + 1);
        self.taken_out(item);
    }

    /// A peek has shown it; if it `is_free`, it is the next.
    pub(super) fn shown(&self, number: u32, is_free: bool, stage: &Stage) {
        let (store, offered) = (self.store.borrow(), self.offered.borrow());
        let is_there = store.iter().chain(offered.iter()).any(|entry| entry.number == number);
        stage.check(is_there, || format!("{number} is shown, and not in the queue"));
        let is_next = !is_free || self.may_be_next(number);
        stage.check(is_next, || format!("{number} is shown, and not the next"));
    }

    pub(super) fn done(&self, count: usize) {
        self.done.set(self.done.get() + count);
    }

    /// How many are in it, or wait to be.
    pub(super) fn present(&self) -> usize {
        self.store.borrow().len() + self.offered.borrow().len()
    }

    /// How many have come in and were not declared done, if so many are free and none is on its way.
    pub(super) fn unfinished(&self, free: usize) -> usize {
        if self.capacity == Some(0) { 0 } else { self.got.get() + free - self.done.get() }
    }
}

//! What the primitives are, in a few words each.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::gate::{Gate, Next};
use crate::stage::Stage;

/// Who stands in a line.
struct Line {
    stage: Rc<Stage>,
    waiting: RefCell<VecDeque<usize>>,
}

impl Line {
    fn new(stage: &Rc<Stage>) -> Line {
        Line { stage: Rc::clone(stage), waiting: RefCell::default() }
    }

    fn push(&self, who: usize) {
        self.waiting.borrow_mut().push_back(who);
    }

    fn remove(&self, who: usize) {
        let place = self.waiting.borrow().iter().position(|other| *other == who);
        match place {
            Some(place) => drop(self.waiting.borrow_mut().remove(place)),
            None => self.stage.fault(format!("{who} is not in the line that it leaves")),
        }
    }

    fn grant_one(&self) -> bool {
        let first = self.waiting.borrow_mut().pop_front();
        first.inspect(|first| self.stage.grant(*first)).is_some()
    }

    fn grant_all(&self) {
        while self.grant_one() {}
    }

    fn len(&self) -> usize {
        self.waiting.borrow().len()
    }
}

/// An event, or a result: once it is set, nobody waits.
pub(super) struct Flag {
    line: Line,
    is_set: Cell<bool>,
}

impl Flag {
    pub(super) fn new(stage: &Rc<Stage>) -> Flag {
        Flag { line: Line::new(stage), is_set: Cell::new(false) }
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set.get()
    }

    pub(super) fn set(&self) {
        self.is_set.set(true);
        self.line.grant_all();
    }

    pub(super) fn clear(&self) {
        self.is_set.set(false);
    }
}

impl Gate for Flag {
    fn try_now(&self, _: usize) -> bool {
        self.is_set.get()
    }

    fn join(&self, me: usize) {
        self.line.push(me);
    }

    fn leave(&self, me: usize) {
        self.line.remove(me);
    }

    fn give_back(&self, _: usize) {}
}

/// A semaphore; a lock has one permit.
pub(super) struct Permits {
    line: Line,
    free: Cell<usize>,
    /// How many can be free, whoever gives one back: a grant that others have released already is
    /// not there twice.
    most: usize,
}

impl Permits {
    pub(super) fn new(stage: &Rc<Stage>, free: usize) -> Permits {
        Permits { line: Line::new(stage), free: Cell::new(free), most: usize::MAX }
    }

    pub(super) fn of_lock(stage: &Rc<Stage>) -> Permits {
        Permits { most: 1, ..Permits::new(stage, 1) }
    }

    pub(super) fn free(&self) -> usize {
        self.free.get()
    }

    pub(super) fn take(&self) -> bool {
        let free = self.free.get();
        self.free.set(free.saturating_sub(1));
        free > 0
    }

    /// Gives one to the first who waits, unless so many are free.
    pub(super) fn release(&self, limit: usize) -> bool {
        let has_room = self.free.get() < limit;
        if has_room && !self.line.grant_one() {
            self.free.set(self.free.get() + 1);
        }
        has_room
    }
}

impl Gate for Permits {
    fn try_now(&self, _: usize) -> bool {
        self.take()
    }

    fn join(&self, me: usize) {
        self.line.push(me);
    }

    fn leave(&self, me: usize) {
        self.line.remove(me);
    }

    fn give_back(&self, _: usize) {
        self.release(self.most);
    }
}

/// A lock that its owner may enter again.
pub(super) struct Owned {
    permit: Rc<Permits>,
    owner: Cell<Option<usize>>,
    count: Cell<usize>,
}

impl Owned {
    pub(super) fn new(permit: Rc<Permits>) -> Owned {
        Owned { permit, owner: Cell::new(None), count: Cell::new(0) }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.permit.free() == 0
    }

    /// Whether it was the caller's to release.
    pub(super) fn release(&self, me: usize) -> bool {
        if self.owner.get() != Some(me) {
            return false;
        }
        self.count.set(self.count.get() - 1);
        if self.count.get() == 0 {
            self.owner.set(None);
            self.permit.release(1);
        }
        true
    }
}

impl Gate for Owned {
    fn try_now(&self, me: usize) -> bool {
        let may = self.owner.get() == Some(me) || self.permit.take();
        if may {
            self.owner.set(Some(me));
            self.count.set(self.count.get() + 1);
        }
        may
    }

    fn join(&self, me: usize) {
        self.permit.join(me);
    }

    fn leave(&self, me: usize) {
        self.permit.leave(me);
    }

    fn give_back(&self, me: usize) {
        self.permit.give_back(me);
    }

    fn granted(&self, me: usize) -> Next {
        self.owner.set(Some(me));
        self.count.set(1);
        Next::GoesOn { done: true }
    }
}

/// A condition: who waits for it has left a lock, and waits for that lock again after it.
pub(super) struct Changes {
    line: Line,
    lock: Rc<Permits>,
    /// Of each that waits for the lock again: whether it was notified.
    coming_back: RefCell<Vec<(usize, bool)>>,
}

impl Changes {
    pub(super) fn new(stage: &Rc<Stage>, lock: &Rc<Permits>) -> Changes {
        Changes { line: Line::new(stage), lock: Rc::clone(lock), coming_back: RefCell::default() }
    }

    pub(super) fn notify_one(&self) {
        self.line.grant_one();
    }

    pub(super) fn notify_all(&self) {
        self.line.grant_all();
    }

    fn come_back(&self, me: usize, is_notified: bool) -> Next {
        if self.lock.take() {
            return Next::GoesOn { done: is_notified };
        }
        self.coming_back.borrow_mut().push((me, is_notified));
        self.lock.join(me);
        Next::WaitsAgain
    }

    /// Whether it waits for the lock, and was notified before.
    fn comes_back(&self, me: usize) -> Option<bool> {
        let mut all = self.coming_back.borrow_mut();
        let place = all.iter().position(|(who, _)| *who == me)?;
        Some(all.swap_remove(place).1)
    }
}

impl Gate for Changes {
    fn try_now(&self, _: usize) -> bool {
        false
    }

    fn join(&self, me: usize) {
        self.line.push(me);
        self.lock.release(1);
    }

    fn leave(&self, me: usize) {
        match self.comes_back(me) {
            None => self.line.remove(me),
            Some(is_notified) => {
                self.lock.leave(me);
                if is_notified {
                    self.notify_one();
                }
            }
        }
    }

    /// Who does not get back to the lock passes the notification on.
    fn give_back(&self, me: usize) {
        let comes_back = self.comes_back(me);
        if comes_back.is_some() {
            self.lock.give_back(me);
        }
        if comes_back != Some(false) {
            self.notify_one();
        }
    }

    fn granted(&self, me: usize) -> Next {
        match self.comes_back(me) {
            Some(is_notified) => Next::GoesOn { done: is_notified },
            None => self.come_back(me, true),
        }
    }

    fn late(&self, me: usize) -> Next {
        self.line.remove(me);
        self.come_back(me, false)
    }

    fn refused(&self, _: usize) {
        self.lock.release(1);
    }
}

/// A barrier: the last to come lets all of them go on.
pub(super) struct Parties {
    line: Line,
    parties: usize,
}

impl Parties {
    pub(super) fn new(stage: &Rc<Stage>, parties: usize) -> Parties {
        Parties { line: Line::new(stage), parties }
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }
}

impl Gate for Parties {
    fn try_now(&self, _: usize) -> bool {
        let is_last = self.waiting() + 1 == self.parties;
        if is_last {
            self.line.grant_all();
        }
        is_last
    }

    fn join(&self, me: usize) {
        self.line.push(me);
    }

    fn leave(&self, me: usize) {
        self.line.remove(me);
    }

    fn give_back(&self, _: usize) {}
}

//! Greenlets of one type, got back one by one as they end.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use crate::greenlet::{AnyGreenlet, Greenlet};
use crate::sync::{Semaphore, WaitError};

/// Those that run, and those that have ended. One greenlet at a time may wait for the next.
pub(super) struct Ends<T> {
    lists: Rc<Lists<T>>,
}

/// Each greenlet has a number, of its owner's choice.
struct Lists<T> {
    running: RefCell<HashMap<u64, Greenlet<T>>>,
    /// In the order in which they did.
    ended: RefCell<VecDeque<(u64, Greenlet<T>)>>,
    /// A permit for each that has ended, and for each nudge.
    news: Semaphore,
}

impl<T: 'static> Ends<T> {
    pub(super) fn new() -> Self {
        let news = Semaphore::new(0);
        let (running, ended) = Default::default();
        Ends { lists: Rc::new(Lists { running, ended, news }) }
    }

    /// Adds a greenlet, which may have ended.
    pub(super) fn watch(&self, number: u64, greenlet: Greenlet<T>) {
        let any = greenlet.any();
        self.lists.running.borrow_mut().insert(number, greenlet);
        let lists = Rc::downgrade(&self.lists);
        any.at_end(move |_| {
            if let Some(lists) = lists.upgrade() {
                lists.move_over(number);
            }
        });
    }

    /// Has the next [`wait`](Self::wait) return early when `greenlet` ends.
    pub(super) fn nudge_at_end(&self, greenlet: &AnyGreenlet) {
        let lists = Rc::downgrade(&self.lists);
        greenlet.at_end(move |_| {
            if let Some(lists) = lists.upgrade() {
                lists.news.release();
            }
        });
    }

    /// Waits for the next that has ended, and takes it; nothing after a nudge.
    pub(super) fn wait(&self) -> Result<Option<(u64, Greenlet<T>)>, WaitError> {
        self.lists.news.acquire()?;
        Ok(self.lists.ended.borrow_mut().pop_front())
    }

    /// As [`wait`](Self::wait), for at most `limit`.
    pub(super) fn wait_for(
        &self,
        limit: Duration,
    ) -> Result<Option<(u64, Greenlet<T>)>, WaitError> {
        self.lists.news.acquire_for(limit)?;
        Ok(self.lists.ended.borrow_mut().pop_front())
    }

    /// Takes out one that runs, which nobody will be told of.
    pub(super) fn forget_one(&self) {
        let number = self.lists.running.borrow().keys().min().copied();
        let forgotten = number.and_then(|number| self.lists.running.borrow_mut().remove(&number));
        drop(forgotten);
    }

    /// How many have not been taken.
    pub(super) fn len(&self) -> usize {
        self.lists.running.borrow().len() + self.lists.ended.borrow().len()
    }

    /// Those that run, by their numbers.
    pub(super) fn running(&self) -> Vec<AnyGreenlet> {
        let running = self.lists.running.borrow();
        let mut list: Vec<_> = running.iter().collect();
        list.sort_unstable_by_key(|(number, _)| **number);
        list.into_iter().map(|(_, greenlet)| greenlet.any()).collect()
    }
}

impl<T> Lists<T> {
    fn move_over(&self, number: u64) {
        let ended = self.running.borrow_mut().remove(&number);
        if let Some(greenlet) = ended {
            self.ended.borrow_mut().push_back((number, greenlet));
            self.news.release();
        }
    }
}

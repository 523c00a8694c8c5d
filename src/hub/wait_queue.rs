//! Several that wait, in order, for one thing.

use std::collections::VecDeque;

use super::waiter::Waker;

/// Those who wait, first come first.
///
/// The first needs no allocation, since most things have one waiter; and of wakers it is 24 bytes
/// small, since there is one in every greenlet and two in every source.
#[derive(Debug)]
pub(crate) struct WaitQueue<T = Waker> {
    first: Option<T>,
    /// Only where there has been more than one. Boxed, for its size here.
    #[allow(clippy::box_collection)]
    others: Option<Box<VecDeque<T>>>,
}

impl<T> WaitQueue<T> {
    pub(crate) const fn new() -> Self {
        WaitQueue { first: None, others: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.as_ref().map_or(0, |others| others.len())
    }

    #[inline]
    pub(crate) fn push(&mut self, waiter: T) {
        self.push_with(|| waiter);
    }

    /// As [`push`](Self::push); `waiter` makes it where it is to lie.
    #[inline(always)]
    pub(crate) fn push_with(&mut self, waiter: impl FnOnce() -> T) {
        if self.first.is_none() {
            // There are no others either: the first place is filled from them.
            self.first = Some(waiter());
        } else {
            self.others.get_or_insert_default().push_back(waiter());
        }
    }

    /// Who has waited longest.
    pub(crate) fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// Takes out who has waited longest.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let first = self.first.take()?;
        self.first = self.others.as_mut().and_then(|others| others.pop_front());
        Some(first)
    }

    /// Drops one in which nobody waits; inlined where the compiler would not inline a drop.
    #[inline(always)]
    pub(crate) fn forget_empty(mut self) {
        drop(self.others.take());
        std::mem::forget(self);
    }

    /// Takes out the first that `is_it` knows.
    pub(crate) fn remove_first(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        if is_it(self.first.as_ref()?) {
            return self.pop();
        }
        let others = self.others.as_mut()?;
        let place = others.iter().position(is_it)?;
        others.remove(place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter().flat_map(|others| others.iter()))
    }
}

impl WaitQueue {
    /// Takes out the waker of a wait that has ended in another way, if it is still here.
    pub(crate) fn remove(&mut self, waker: Waker) -> bool {
        self.remove_first(|other| *other == waker).is_some()
    }

    /// Wakes everyone, in order.
    pub(crate) fn wake_all(&mut self) {
        while let Some(waker) = self.pop() {
            waker.wake();
        }
    }
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        WaitQueue::new()
    }
}

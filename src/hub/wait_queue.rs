//! Several greenlets that wait, in order, for one thing.

use std::collections::VecDeque;

use super::waiter::Waker;

/// Wakers, first come first.
///
/// The first needs no allocation, since most things have one waiter; and it is 24 bytes
/// small, since there is one in every greenlet and two in every source.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    first: Option<Waker>,
    /// Only where there has been more than one. Boxed, for its size here.
    #[allow(clippy::box_collection)]
    others: Option<Box<VecDeque<Waker>>>,
}

impl WaitQueue {
    pub(crate) const fn new() -> Self {
        WaitQueue { first: None, others: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            // There are no others either: the first place is filled from them.
            self.first = Some(waker);
        } else {
            self.others.get_or_insert_default().push_back(waker);
        }
    }

    /// Takes out the waker that has waited longest.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Waker> {
        let first = self.first.take()?;
        self.first = self.others.as_mut().and_then(|others| others.pop_front());
        Some(first)
    }

    /// Takes out the waker of a wait that has ended in another way, if it is still here.
    pub(crate) fn remove(&mut self, waker: Waker) -> bool {
        if self.first == Some(waker) {
            self.pop();
            return true;
        }
        let Some(others) = &mut self.others else { return false };
        let place = others.iter().position(|other| *other == waker);
        place.is_some_and(|place| others.remove(place).is_some())
    }

    /// Wakes everyone, in order.
    pub(crate) fn wake_all(&mut self) {
        while let Some(waker) = self.pop() {
            waker.wake();
        }
    }
}

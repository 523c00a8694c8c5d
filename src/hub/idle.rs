//! Waiting until the hub has nothing else to do.

use std::cell::Cell;

use super::core::{self, Core};
use super::waiter::{self, Waker};
use crate::clock::Moment;
use crate::raw::fiber::{Reach, WaitKind};

static IDLE: WaitKind =
    WaitKind { text: "for the others to rest", numbered: false, reach: Reach::Inside };

/// Waits until this hub has nothing else to do at the moment.
///
/// It returns when no other greenlet is ready, no callback is pending, no deadline has passed
/// and the kernel reports nothing for those who wait: they come first, also those of whom that
/// is known only now. All who are in `idle` go on then, in the order in which they came. Beside a
/// greenlet that yields without end it never returns. A greenlet that unwinds does not wait.
/// Mirrors `gevent.idle`.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
///
/// let order = Rc::new(RefCell::new(Vec::new()));
/// for n in 1..=3 {
///     let order = Rc::clone(&order);
///     greenhub::spawn(move || {
///         greenhub::yield_now();
///         order.borrow_mut().push(n);
///     });
/// }
/// greenhub::idle();
/// assert_eq!(*order.borrow(), [1, 2, 3]);
/// ```
pub fn idle() {
    core::with(|core| {
        let place = Place { core, waker: Cell::new(None) };
        // Refused while the caller unwinds; then it must go on unwinding.
        let _ = waiter::park(&IDLE, 0, Moment::NEVER, |waker| {
            core.idlers.borrow_mut().push(waker);
            place.waker.set(Some(waker));
        });
    });
}

/// A place among those who are idle, given up when its greenlet stops waiting in another way.
struct Place<'a> {
    core: &'a Core,
    waker: Cell<Option<Waker>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.get() {
            self.core.idlers.borrow_mut().remove(waker);
        }
    }
}

impl Core {
    pub(super) fn has_idlers(&self) -> bool {
        !self.idlers.borrow().is_empty()
    }
}

//! Waiting for the first of several things, or for some of them, whatever they are.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::links::{Call, LinkId, On};
use super::{AnyGreenlet, Greenlet, joining};
use crate::clock::Moment;
use crate::hub::waiter::{self, Waker, Woken};
use crate::raw::fiber::{Reach, WaitKind};

/// What [`wait()`] and [`iwait`] can wait for.
///
/// Greenlets are, whatever their type, and references to what is. Others may be: what
/// becomes ready keeps the bells that it is given, and rings them when it does.
pub trait Waitable {
    /// Whether a wait for it would be over at once.
    fn is_ready(&self) -> bool;

    /// Has `bell` rung when it becomes ready, or at once if it is; returns what takes that back.
    fn watch(&self, bell: Bell) -> WatchId;

    /// Takes a [`watch`](Self::watch) back, which may have ended.
    fn unwatch(&self, id: WatchId);
}

/// Names one watch of one thing; its number is chosen by whoever keeps the bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchId(pub u64);

/// Tells one who waits that one thing is ready.
pub struct Bell {
    waiting: Rc<Waiting>,
    place: usize,
}

/// One greenlet that waits for several things.
#[derive(Default)]
struct Waiting {
    /// The places of those that are ready, in that order.
    ready: RefCell<VecDeque<usize>>,
    waker: Cell<Option<Waker>>,
}

impl Bell {
    /// Tells it. Waits for nothing, and may be called from anywhere in its thread.
    pub fn ring(self) {
        self.waiting.ready.borrow_mut().push_back(self.place);
        if let Some(waker) = self.waiting.waker.take() {
            waker.wake();
        }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Waitable for AnyGreenlet {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    /// # Panics
    ///
    /// If it is main or a raw greenlet.
    fn watch(&self, bell: Bell) -> WatchId {
        WatchId(self.add_link(On::End, Call::Ring(bell)).number())
    }

    fn unwatch(&self, id: WatchId) {
        self.unlink(LinkId::numbered(id.0));
    }
}

impl<T: 'static> Waitable for Greenlet<T> {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    fn watch(&self, bell: Bell) -> WatchId {
        self.any().watch(bell)
    }

    fn unwatch(&self, id: WatchId) {
        self.any().unwatch(id);
    }
}

impl<W: Waitable + ?Sized> Waitable for &W {
    fn is_ready(&self) -> bool {
        (**self).is_ready()
    }

    fn watch(&self, bell: Bell) -> WatchId {
        (**self).watch(bell)
    }

    fn unwatch(&self, id: WatchId) {
        (**self).unwatch(id);
    }
}

/// Waits until `count` of `objects` are ready, or all, for at most `limit`.
///
/// Returns those that are, in the order in which they became ready: fewer than `count` if
/// `limit` was over before. Those that are ready already come first, and with enough of
/// them it returns at once. Mirrors `gevent.wait`.
///
/// # Panics
///
/// If main or a raw greenlet is among them; and in main, with a report, if everything waits
/// for ever.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let slow = greenhub::spawn(|| greenhub::sleep(Duration::from_secs(60)));
/// let fast = greenhub::spawn(|| ());
/// let first = greenhub::wait([&slow, &fast], None, Some(1));
/// assert_eq!(first[0].id(), fast.id());
/// ```
pub fn wait<W: Waitable>(
    objects: impl IntoIterator<Item = W>,
    limit: Option<Duration>,
    count: Option<usize>,
) -> Vec<W> {
    let all = iwait(objects);
    let all = match limit {
        Some(limit) => all.limit(limit),
        None => all,
    };
    all.take(count.unwrap_or(usize::MAX)).collect()
}

/// Gives `objects` one by one, as they become ready.
///
/// Each step waits for the next; the caller may wait for other things between steps.
/// Dropping the iterator forgets the rest. Mirrors `gevent.iwait`.
///
/// # Panics
///
/// If main or a raw greenlet is among them. A step panics in main, with a report, if everything
/// waits for ever.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let naps = [20, 1].map(|n| {
///     greenhub::spawn(move || {
///         greenhub::sleep(Duration::from_millis(n));
///         n
///     })
/// });
/// let order: Vec<_> = greenhub::iwait(&naps).filter_map(|nap| nap.value()).collect();
/// assert_eq!(order, [1, 20]);
/// ```
pub fn iwait<W: Waitable>(objects: impl IntoIterator<Item = W>) -> IWait<W> {
    let waiting = Rc::new(Waiting::default());
    let mut all = IWait { waiting, places: Vec::new(), left: 0, deadline: Moment::NEVER };
    for object in objects {
        let place = all.places.len();
        let watch = if object.is_ready() {
            all.waiting.ready.borrow_mut().push_back(place);
            None
        } else {
            Some(object.watch(Bell { waiting: Rc::clone(&all.waiting), place }))
        };
        all.places.push(Some(Place { object, watch }));
        all.left += 1;
    }
    all
}

/// The iterator that [`iwait`] makes.
#[must_use = "an iterator waits only when it is asked for the next"]
pub struct IWait<W: Waitable> {
    waiting: Rc<Waiting>,
    /// Those that have not been given out.
    places: Vec<Option<Place<W>>>,
    left: usize,
    deadline: Moment,
}

struct Place<W> {
    object: W,
    watch: Option<WatchId>,
}

impl<W: Waitable> IWait<W> {
    /// Has the iterator end `limit` from now, whatever is still not ready then.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.deadline = joining::deadline(limit);
        self
    }
}

static WAIT: WaitKind =
    WaitKind { text: "for one of several", numbered: false, reach: Reach::Inside };

impl<W: Waitable> Iterator for IWait<W> {
    type Item = W;

    /// The next that is ready; `None` after the last, when the limit is over, and while the caller
    /// unwinds and so cannot wait.
    fn next(&mut self) -> Option<W> {
        loop {
            let ready = self.waiting.ready.borrow_mut().pop_front();
            if let Some(place) = ready.and_then(|place| self.places[place].take()) {
                self.left -= 1;
                return Some(place.object);
            }
            if self.left == 0 || self.deadline == Moment::ZERO {
                return None;
            }
            let waiting = &self.waiting;
            let woken =
                waiter::park(&WAIT, 0, self.deadline, |waker| waiting.waker.set(Some(waker)));
            waiting.waker.set(None);
            match woken {
                Ok(Woken::ByWaker) => {}
                // What became ready in the same turn is still given.
                Ok(Woken::ByDeadline) => self.deadline = Moment::ZERO,
                Err(waiter::Unwinding) => return None,
            }
        }
    }
}

impl<W: Waitable> Drop for IWait<W> {
    fn drop(&mut self) {
        for place in self.places.drain(..).flatten() {
            if let Some(watch) = place.watch {
                place.object.unwatch(watch);
            }
        }
    }
}

impl<W: Waitable> fmt::Debug for IWait<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IWait").field("left", &self.left).finish_non_exhaustive()
    }
}

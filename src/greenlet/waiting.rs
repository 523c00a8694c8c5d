//! Waiting for the first of several things, or for some of them, whatever they are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::links::{Call, On};
use super::{AnyGreenlet, Greenlet, joining};
use crate::clock::Moment;
use crate::hub::bell::{Bell, Listener, Waitable};
use crate::hub::waiter::Woken;
use crate::raw::fiber::{Reach, WaitKind};

impl Waitable for AnyGreenlet {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    /// # Panics
    ///
    /// If it is main or a raw greenlet.
    fn watch(&self, bell: Bell) {
        self.add_link(On::End, Call::Ring(bell));
    }

    fn unwatch(&self, bell: &Bell) {
        self.unlink_bell(bell);
    }
}

impl<T: 'static> Waitable for Greenlet<T> {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    fn watch(&self, bell: Bell) {
        self.any().watch(bell);
    }

    fn unwatch(&self, bell: &Bell) {
        self.any().unwatch(bell);
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
    let listener = Listener::of_all();
    let mut places = Vec::new();
    for (place, object) in objects.into_iter().enumerate() {
        let bell = listener.bell(place);
        if object.is_ready() {
            bell.ring();
            places.push(Some(Place { object, bell: None }));
        } else {
            object.watch(bell.clone());
            places.push(Some(Place { object, bell: Some(bell) }));
        }
    }
    IWait { listener, left: places.len(), places, deadline: Moment::NEVER }
}

/// The iterator that [`iwait`] makes.
#[must_use = "an iterator waits only when it is asked for the next"]
pub struct IWait<W: Waitable> {
    listener: Arc<Listener>,
    /// Those that have not been given out.
    places: Vec<Option<Place<W>>>,
    left: usize,
    deadline: Moment,
}

/// Something that is waited for, and the bell that it was given.
struct Place<W: Waitable> {
    object: W,
    bell: Option<Bell>,
}

impl<W: Waitable> Place<W> {
    fn into_object(self) -> W {
        if let Some(bell) = &self.bell {
            self.object.unwatch(bell);
        }
        self.object
    }
}

impl<W: Waitable> IWait<W> {
    /// Has the iterator end `limit` from now, whatever is still not ready then.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.deadline = joining::deadline(limit);
        self
    }
}

static WAIT: WaitKind =
    WaitKind { text: "for one of several", numbered: false, reach: Reach::Shared };

impl<W: Waitable> Iterator for IWait<W> {
    type Item = W;

    /// The next that is ready; `None` after the last, when the limit is over, and while the caller
    /// unwinds and so cannot wait.
    fn next(&mut self) -> Option<W> {
        loop {
            if let Some(rung) = self.listener.next() {
                // One that rings twice is given once.
                let Some(place) = self.places[rung].take() else { continue };
                self.left -= 1;
                return Some(place.into_object());
            }
            if self.left == 0 || self.deadline == Moment::ZERO {
                return None;
            }
            match self.listener.park(&WAIT, self.deadline) {
                Ok(Woken::ByWaker) => {}
                // What became ready in the same turn is still given.
                Ok(Woken::ByDeadline) => self.deadline = Moment::ZERO,
                Err(_) => return None,
            }
        }
    }
}

impl<W: Waitable> Drop for IWait<W> {
    fn drop(&mut self) {
        for place in self.places.drain(..).flatten() {
            place.into_object();
        }
    }
}

impl<W: Waitable> fmt::Debug for IWait<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IWait").field("left", &self.left).finish_non_exhaustive()
    }
}

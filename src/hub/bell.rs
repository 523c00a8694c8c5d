//! Waiting for several things at once: each gets a bell, and who waits hears which was rung.
//!
//! A bell may be rung by any thread, at any time, also before its greenlet has parked: what was
//! rung is written down under a lock, and who parks looks there once more.
//!
//! There are two kinds of listener. One hears everything, in order, for as long as it listens
//! (`iwait`). The other hears only the first bell, and whoever rings another one is told that it
//! was not heard: so what it would have handed over stays where it is (`Select`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::turn::WaitError;
use super::waiter::{self, Unwinding, Waker, Woken};
use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::raw::fiber::WaitKind;

/// What [`wait()`](crate::wait()) and [`iwait`](crate::iwait) can wait for, and
/// [`Select`](crate::Select) too.
///
/// Greenlets are, whatever their type, and events, results, semaphores, queues, futures and
/// child processes; and references to what is, `Rc`s and `Arc`s. Others may be: what becomes ready keeps the bells that
/// it is given, and rings them when it does. gevent's objects have `rawlink` and `unlink` for this.
pub trait Waitable {
    /// Whether a wait for it would be over at once.
    fn is_ready(&self) -> bool;

    /// Has `bell` rung when it becomes ready, or at once if it is.
    fn watch(&self, bell: Bell);

    /// Takes a [`watch`](Self::watch) with an equal bell back, which may have ended.
    fn unwatch(&self, bell: &Bell);
}

macro_rules! waitable_through {
    ($($reference:ty),*) => {$(
        impl<W: Waitable + ?Sized> Waitable for $reference {
            fn is_ready(&self) -> bool {
                (**self).is_ready()
            }

            fn watch(&self, bell: Bell) {
                (**self).watch(bell);
            }

            fn unwatch(&self, bell: &Bell) {
                (**self).unwatch(bell);
            }
        }
    )*};
}

waitable_through!(&W, Box<W>, std::rc::Rc<W>, Arc<W>);

/// Tells one who waits, in whatever thread, that one thing is ready.
///
/// Clones are the same bell, and are equal.
#[derive(Clone)]
pub struct Bell {
    listener: Arc<Listener>,
    place: usize,
}

impl Bell {
    /// Tells it. Returns at once; to ring it again does no harm.
    pub fn ring(&self) {
        if self.claim() {
            self.wake();
        }
    }

    /// Writes down that it was rung; `false` if nobody is going to hear it. Who is told by it is to
    /// be [woken](Self::wake).
    pub(crate) fn claim(&self) -> bool {
        self.listener.heard.with(|heard| {
            let is_heard = heard.is_open();
            if is_heard {
                heard.any = true;
                heard.places.push_back(self.place);
            }
            is_heard
        })
    }

    /// Whether a [`claim`](Self::claim) would succeed now, and its greenlet would ever run again.
    pub(crate) fn can_be_claimed(&self) -> bool {
        self.listener.heard.with(|heard| heard.is_open() && !heard.is_orphaned())
    }

    /// Whether the thread of who listens has ended.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.listener.heard.with(|heard| heard.is_orphaned())
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.listener.heard.with(|heard| heard.waker.take()) {
            waker.wake();
        }
    }

    /// Whether both are for the same wait, if not for the same thing.
    pub(crate) fn is_beside(&self, other: &Bell) -> bool {
        Arc::ptr_eq(&self.listener, &other.listener)
    }
}

impl PartialEq for Bell {
    fn eq(&self, other: &Bell) -> bool {
        self.place == other.place && self.is_beside(other)
    }
}

impl Eq for Bell {}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Waits until one thing is ready, and takes nothing of it.
pub(crate) fn wait_until_ready(
    object: &impl Waitable,
    kind: &'static WaitKind,
    deadline: Moment,
) -> Result<(), WaitError> {
    if object.is_ready() {
        return Ok(());
    }
    if deadline == Moment::ZERO {
        return Err(WaitError::TimedOut);
    }
    let watch = Watch::begin(object);
    loop {
        match watch.listener.park(kind, deadline)? {
            Woken::ByDeadline if watch.listener.next().is_none() => {
                if deadline <= Moment::now() {
                    return Err(WaitError::TimedOut);
                }
                // A limit around this was over, and was lifted before it took effect.
            }
            _ => return Ok(()),
        }
    }
}

/// A bell that is taken back when this is dropped.
struct Watch<'a, W: Waitable> {
    object: &'a W,
    listener: Arc<Listener>,
}

impl<'a, W: Waitable> Watch<'a, W> {
    fn begin(object: &'a W) -> Self {
        let listener = Listener::of_all();
        object.watch(listener.bell(0));
        Watch { object, listener }
    }
}

impl<W: Waitable> Drop for Watch<'_, W> {
    fn drop(&mut self) {
        self.object.unwatch(&self.listener.bell(0));
    }
}

/// One who waits for several things, each of which has a place: a number of its own.
pub(crate) struct Listener {
    heard: Guarded<Heard>,
}

struct Heard {
    /// What was rung and has not been looked at, in that order.
    places: VecDeque<usize>,
    any: bool,
    only_first: bool,
    waker: Option<Waker>,
    /// That of the last wait, which tells whether its thread has ended.
    owner: Option<Waker>,
}

impl Heard {
    fn is_open(&self) -> bool {
        !self.only_first || !self.any
    }

    fn is_orphaned(&self) -> bool {
        self.owner.is_some_and(Waker::is_orphaned)
    }
}

impl Listener {
    /// One who hears every bell.
    pub(crate) fn of_all() -> Arc<Listener> {
        Listener::new(false)
    }

    /// One who hears the first bell and no other.
    pub(crate) fn of_first() -> Arc<Listener> {
        Listener::new(true)
    }

    fn new(only_first: bool) -> Arc<Listener> {
        let heard =
            Heard { places: VecDeque::new(), any: false, only_first, waker: None, owner: None };
        Arc::new(Listener { heard: Guarded::new(heard) })
    }

    pub(crate) fn bell(self: &Arc<Self>, place: usize) -> Bell {
        Bell { listener: Arc::clone(self), place }
    }

    /// The next that was rung.
    pub(crate) fn next(&self) -> Option<usize> {
        self.heard.with(|heard| heard.places.pop_front())
    }

    /// Parks until a bell is rung, unless one has been, or `deadline` has passed.
    pub(crate) fn park(
        &self,
        kind: &'static WaitKind,
        deadline: Moment,
    ) -> Result<Woken, Unwinding> {
        waiter::park(kind, 0, deadline, |waker| {
            let was_rung = self.heard.with(|heard| {
                heard.waker = Some(waker);
                heard.owner = Some(waker);
                !heard.places.is_empty()
            });
            if was_rung {
                waker.wake();
            }
        })
    }
}

//! The kinds of queues. They differ in the order of their items, and have the same methods.

use std::fmt;
use std::time::Duration;

use super::shared::Shared;
use super::store::{Fifo, LeastFirst, Lifo, Store};
use super::{GetError, PutError, TooManyDone};
use crate::clock::Moment;
use crate::hub::bell::{Bell, Waitable};
use crate::hub::line;
use crate::hub::turn::{self, WaitError};

/// Any kind of queue, for [`Select`](crate::Select).
///
/// It is implemented here only. Of a queue in an `Rc` or an `Arc`, give a reference to what is
/// inside: `&*queue`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a queue",
    note = "if it is a queue in an `Rc` or an `Arc`, write `&*queue`"
)]
pub trait AnyQueue: sealed::Inside<Store: Store<Item = Self::Item>> {
    /// What it gives and takes.
    type Item;
}

mod sealed {
    use super::{Shared, Store};

    pub trait Inside {
        type Store: Store;

        fn shared(&self) -> &Shared<Self::Store>;
    }
}

/// Items are given in the order in which they came. Mirrors `gevent.queue.Queue`.
///
/// # Examples
///
/// ```
/// use greenhub::queue::Queue;
///
/// static JOBS: Queue<u32> = Queue::bounded(2);
///
/// let worker = greenhub::spawn(|| JOBS.iter().sum::<u32>());
/// for job in 1..=10 {
///     JOBS.put(job)?;
/// }
/// JOBS.shutdown();
/// assert_eq!(worker.join()?, 55);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue<T> {
    shared: Shared<Fifo<T>>,
}

/// The queue that counts the items that have not been declared done: every [`Queue`] does.
pub type JoinableQueue<T> = Queue<T>;

/// The item that came last is given first. Mirrors `gevent.queue.LifoQueue`.
///
/// # Examples
///
/// ```
/// let stack = greenhub::queue::LifoQueue::new();
/// stack.put(1)?;
/// stack.put(2)?;
/// assert_eq!(stack.get()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LifoQueue<T> {
    shared: Shared<Lifo<T>>,
}

/// The least item is given first; of equals, the one that came first. Mirrors
/// `gevent.queue.PriorityQueue`.
///
/// # Examples
///
/// ```
/// let queue = greenhub::queue::PriorityQueue::new();
/// for (urgency, task) in [(2, "tidy up"), (1, "put out the fire"), (2, "cook")] {
///     queue.put((urgency, task))?;
/// }
/// assert_eq!(queue.get()?, (1, "put out the fire"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PriorityQueue<T: Ord> {
    shared: Shared<LeastFirst<T>>,
}

/// A queue without room: who puts waits until someone takes the item. Mirrors
/// `gevent.queue.Channel`.
///
/// [`try_put`](Self::try_put), and a [`Select`](crate::Select), put an item for which someone waits
/// already without waiting until that one runs.
///
/// # Examples
///
/// ```
/// use greenhub::queue::Channel;
///
/// static ORDERS: Channel<&str> = Channel::new();
///
/// let cook = greenhub::spawn(|| ORDERS.get());
/// ORDERS.put("soup")?;
/// assert_eq!(cook.join()??, "soup");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Channel<T> {
    shared: Shared<Fifo<T>>,
}

impl<T> Queue<T> {
    /// A queue with room for any number of items.
    #[must_use]
    pub const fn new() -> Self {
        Self { shared: Shared::new(Fifo::new(), usize::MAX) }
    }

    /// A queue with room for so many items; who puts one more waits. Without any room it is a
    /// [`Channel`].
    #[must_use]
    pub const fn bounded(capacity: usize) -> Self {
        Self { shared: Shared::new(Fifo::new(), capacity) }
    }
}

impl<T> LifoQueue<T> {
    /// A queue with room for any number of items.
    #[must_use]
    pub const fn new() -> Self {
        Self { shared: Shared::new(Lifo::new(), usize::MAX) }
    }

    /// A queue with room for so many items; who puts one more waits.
    #[must_use]
    pub const fn bounded(capacity: usize) -> Self {
        Self { shared: Shared::new(Lifo::new(), capacity) }
    }
}

impl<T: Ord> PriorityQueue<T> {
    /// A queue with room for any number of items.
    #[must_use]
    pub const fn new() -> Self {
        Self { shared: Shared::new(LeastFirst::new(), usize::MAX) }
    }

    /// A queue with room for so many items; who puts one more waits.
    #[must_use]
    pub const fn bounded(capacity: usize) -> Self {
        Self { shared: Shared::new(LeastFirst::new(), capacity) }
    }
}

impl<T> Channel<T> {
    /// A channel for which nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { shared: Shared::new(Fifo::new(), 0) }
    }

    /// How many more wait to put than to get; negative if more wait to get. Mirrors
    /// `Channel.balance`.
    #[must_use]
    pub fn balance(&self) -> isize {
        self.putters().cast_signed() - self.getters().cast_signed()
    }
}

/// What every kind does.
macro_rules! methods_of_all {
    ($kind:ident, [$($bound:tt)*], $store:ident) => {
        impl<T: $($bound)*> $kind<T> {
            /// Puts an item in; waits while there is no room. Mirrors `put`.
            ///
            /// Now and then it lets others run even if there is room.
            ///
            /// # Errors
            ///
            /// [`PutError::ShutDown`] if the queue is shut down, and [`PutError::Unwinding`] if there is
            /// no room and the caller unwinds; with the item.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless there is room; and in main, with a report, if
            /// everything waits for ever.
            #[inline]
            pub fn put(&self, item: T) -> Result<(), PutError<T>> {
                self.shared.put(item, Moment::NEVER)
            }

            /// As [`put`](Self::put), for at most `limit`. A limit of zero only looks.
            ///
            /// # Errors
            ///
            /// [`PutError::Full`] if there was no room in time; else as `put`.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless there is room or `limit` is zero.
            pub fn put_for(&self, item: T, limit: Duration) -> Result<(), PutError<T>> {
                self.shared.put(item, turn::deadline(limit))
            }

            /// Puts an item in if there is room; never waits. Mirrors `put_nowait`.
            ///
            /// To call it again and again holds up nobody: when it fails, now and then it lets others
            /// run.
            ///
            /// # Errors
            ///
            /// [`PutError::Full`] or [`PutError::ShutDown`], with the item.
            #[inline]
            pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
                let put = self.shared.try_put(item);
                if put.is_err() {
                    line::spend_attempt();
                }
                put
            }

            /// Takes the next item; waits until there is one. Mirrors `get`.
            ///
            /// Now and then it lets others run even if there is one.
            ///
            /// # Errors
            ///
            /// [`GetError::ShutDown`] if there is none and the queue is shut down, and
            /// [`GetError::Unwinding`] if there is none and the caller unwinds.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless there is one; and in main, with a report, if everything
            /// waits for ever.
            #[inline]
            pub fn get(&self) -> Result<T, GetError> {
                self.shared.get(Moment::NEVER)
            }

            /// As [`get`](Self::get), for at most `limit`. A limit of zero only looks.
            ///
            /// # Errors
            ///
            /// [`GetError::Empty`] if none had come in time; else as `get`.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless there is one or `limit` is zero.
            pub fn get_for(&self, limit: Duration) -> Result<T, GetError> {
                self.shared.get(turn::deadline(limit))
            }

            /// Takes the next item if there is one; never waits. Mirrors `get_nowait`.
            ///
            /// To call it again and again holds up nobody: when it fails, now and then it lets others
            /// run.
            ///
            /// # Errors
            ///
            /// [`GetError::Empty`] or [`GetError::ShutDown`].
            #[inline]
            pub fn try_get(&self) -> Result<T, GetError> {
                let got = self.shared.try_get();
                if got.is_err() {
                    line::spend_attempt();
                }
                got
            }

            /// Lets nothing in from now on. Returns at once; to call it again does no harm.
            ///
            /// Who waits to put, and who puts later, gets the item back. Who gets is served while
            /// there are items. Mirrors `shutdown`.
            pub fn shutdown(&self) {
                self.shared.shut_down();
            }

            /// As [`shutdown`](Self::shutdown), and takes the items out: who gets is told at
            /// once. Mirrors `shutdown(immediate=True)`.
            ///
            /// They count as done for those who wait for that.
            pub fn shutdown_now(&self) -> Vec<T> {
                self.shared.shut_down_now()
            }

            /// Whether it has been shut down.
            #[must_use]
            pub fn is_shut_down(&self) -> bool {
                !self.shared.is_open()
            }

            /// The items, as they come: each step waits for the next. It ends when the queue is shut
            /// down and has no more, and while the caller unwinds.
            pub fn iter(&self) -> Iter<'_, Self> {
                Iter { queue: self }
            }

            /// How many wait to get. Mirrors `getters`.
            #[must_use]
            pub fn getters(&self) -> usize {
                self.shared.getters()
            }

            /// How many wait to put. Mirrors `putters`.
            #[must_use]
            pub fn putters(&self) -> usize {
                self.shared.putters()
            }
        }

        impl<T: $($bound)*> sealed::Inside for $kind<T> {
            type Store = $store<T>;

            fn shared(&self) -> &Shared<Self::Store> {
                &self.shared
            }
        }

        impl<T: $($bound)*> AnyQueue for $kind<T> {
            type Item = T;
        }

        /// Ready when there is something to get, or never will be.
        impl<T: $($bound)*> Waitable for $kind<T> {
            fn is_ready(&self) -> bool {
                self.shared.is_ready()
            }

            fn watch(&self, bell: Bell) {
                self.shared.watch(bell);
            }

            fn unwatch(&self, bell: &Bell) {
                self.shared.unwatch(bell);
            }
        }

        impl<'a, T: $($bound)*> IntoIterator for &'a $kind<T> {
            type Item = T;
            type IntoIter = Iter<'a, $kind<T>>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }

        impl<T: $($bound)*> Default for $kind<T> {
            fn default() -> Self {
                $kind::new()
            }
        }
    };
}

/// What those with room do besides.
macro_rules! methods_of_those_with_room {
    ($kind:ident, [$($bound:tt)*]) => {
        impl<T: $($bound)*> $kind<T> {
            /// A clone of the item that the next [`get`](Self::get) would take; waits until there is
            /// one. Mirrors `peek`.
            ///
            /// If it has to wait, it sees the next item that comes, even if that is another's who came
            /// before.
            ///
            /// # Errors
            ///
            /// As `get`.
            ///
            /// # Panics
            ///
            /// As `get`, and if the clone of the item waits or uses this queue.
            pub fn peek(&self) -> Result<T, GetError>
            where
                T: Clone,
            {
                self.shared.peek(Moment::NEVER)
            }

            /// As [`peek`](Self::peek), for at most `limit`. A limit of zero only looks.
            ///
            /// # Errors
            ///
            /// [`GetError::Empty`] if none had come in time; else as `peek`.
            ///
            /// # Panics
            ///
            /// As `peek`.
            pub fn peek_for(&self, limit: Duration) -> Result<T, GetError>
            where
                T: Clone,
            {
                self.shared.peek(turn::deadline(limit))
            }

            /// How many items there are, without those that have been handed to someone who is about
            /// to run. Mirrors `qsize`.
            #[must_use]
            pub fn len(&self) -> usize {
                self.shared.len()
            }

            /// Whether there is no item. Mirrors `empty`.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no room. Mirrors `full`.
            #[must_use]
            pub fn is_full(&self) -> bool {
                self.shared.is_full()
            }

            /// How many items there is room for; `None` if for any number. Mirrors `maxsize`.
            #[must_use]
            pub fn capacity(&self) -> Option<usize> {
                Some(self.shared.capacity()).filter(|capacity| *capacity != usize::MAX)
            }

            /// Changes how many items there is room for. Who waits to put and has room now is let in; if
            /// there are more items already, they stay. Mirrors setting `maxsize`.
            pub fn set_capacity(&self, capacity: Option<usize>) {
                self.shared.set_capacity(capacity.unwrap_or(usize::MAX));
            }

            /// Declares one item done that was got from here. Mirrors `task_done`.
            ///
            /// # Errors
            ///
            /// [`TooManyDone`] if every item that was put has been declared done.
            pub fn task_done(&self) -> Result<(), TooManyDone> {
                if self.shared.task_done() { Ok(()) } else { Err(TooManyDone) }
            }

            /// How many items have been put and not declared done. Mirrors `unfinished_tasks`.
            #[must_use]
            pub fn unfinished(&self) -> usize {
                self.shared.unfinished()
            }

            /// Waits until every item that was put has been declared done; returns at once if all are.
            /// Mirrors `join`.
            ///
            /// # Errors
            ///
            /// [`WaitError::Unwinding`] if there are some left and the caller unwinds.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless all are done; and in main, with a report, if
            /// everything waits for ever.
            pub fn join(&self) -> Result<(), WaitError> {
                self.shared.join(Moment::NEVER)
            }

            /// As [`join`](Self::join), for at most `limit`. A limit of zero only looks.
            ///
            /// # Errors
            ///
            /// [`WaitError::TimedOut`] if some were left; else as `join`.
            ///
            /// # Panics
            ///
            /// In a callback of the hub, unless all are done or `limit` is zero.
            pub fn join_for(&self, limit: Duration) -> Result<(), WaitError> {
                self.shared.join(turn::deadline(limit))
            }
        }

        impl<T: $($bound)*> FromIterator<T> for $kind<T> {
            /// A queue with room for any number of items, and these in it.
            fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
                let queue = $kind::new();
                for item in items {
                    // There is room, and nobody can have shut it down.
                    let _ = queue.try_put(item);
                }
                queue
            }
        }

        impl<T: $($bound)*> fmt::Debug for $kind<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut debug = f.debug_struct(stringify!($kind));
                debug.field("len", &self.len()).field("capacity", &self.capacity());
                debug.field("is_shut_down", &self.is_shut_down()).finish_non_exhaustive()
            }
        }
    };
}

methods_of_all!(Queue, [], Fifo);
methods_of_all!(LifoQueue, [], Lifo);
methods_of_all!(PriorityQueue, [Ord], LeastFirst);
methods_of_all!(Channel, [], Fifo);
methods_of_those_with_room!(Queue, []);
methods_of_those_with_room!(LifoQueue, []);
methods_of_those_with_room!(PriorityQueue, [Ord]);

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Channel");
        debug.field("balance", &self.balance()).finish_non_exhaustive()
    }
}

/// The iterator over what comes; made by [`Queue::iter`].
#[derive(Debug)]
#[must_use = "an iterator waits only when it is asked for the next"]
pub struct Iter<'a, Q> {
    queue: &'a Q,
}

impl<Q: AnyQueue> Iterator for Iter<'_, Q> {
    type Item = <Q as AnyQueue>::Item;

    fn next(&mut self) -> Option<Self::Item> {
        self.queue.shared().get(Moment::NEVER).ok()
    }
}

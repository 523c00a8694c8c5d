//! What the workers of both hubs share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use greenhub::queue::{Channel, LifoQueue, PriorityQueue, Queue};
use greenhub::sync::{BoundedSemaphore, Condition, Event, Lock, RLock};

use crate::counted::{Count, Item};

pub(crate) const PERMITS: usize = 5;

pub(crate) struct World {
    pub(crate) items: Arc<Count>,
    pub(crate) guards: Arc<Count>,
    pub(crate) fifo: Queue<Item>,
    pub(crate) lifo: LifoQueue<Item>,
    pub(crate) heap: PriorityQueue<Item>,
    pub(crate) channel: Channel<Item>,
    pub(crate) semaphore: BoundedSemaphore,
    pub(crate) lock: Lock,
    pub(crate) rlock: RLock,
    pub(crate) condition: Condition,
    pub(crate) event: Event,
    pub(crate) inside: AtomicU64,
    pub(crate) operations: AtomicU64,
}

impl World {
    pub(crate) fn new() -> World {
        World {
            items: Arc::default(),
            guards: Arc::default(),
            fifo: Queue::bounded(3),
            lifo: LifoQueue::bounded(2),
            heap: PriorityQueue::bounded(1),
            channel: Channel::new(),
            semaphore: BoundedSemaphore::new(PERMITS),
            lock: Lock::new(),
            rlock: RLock::new(),
            condition: Condition::new(),
            event: Event::new(),
            inside: AtomicU64::new(0),
            operations: AtomicU64::new(0),
        }
    }

    /// Takes what is still in the queues.
    pub(crate) fn drain(&self) {
        let queued = [self.fifo.shutdown_now(), self.lifo.shutdown_now(), self.heap.shutdown_now()];
        let left = queued.into_iter().flatten().chain(self.channel.shutdown_now());
        left.for_each(Item::take);
    }

    /// Nobody holds or waits for anything, and everything was dropped once.
    pub(crate) fn is_as_it_was(&self) {
        assert!(self.items.check("items") > 0 && self.guards.check("guards") > 0);
        assert_eq!(self.semaphore.free(), PERMITS, "permits");
        assert!(!self.lock.is_locked() && !self.rlock.is_locked(), "locks");
        assert_eq!(self.inside.load(Ordering::SeqCst), 0, "one in the locked part");
        let waiting = [
            (self.fifo.getters(), self.fifo.putters()),
            (self.lifo.getters(), self.lifo.putters()),
            (self.heap.getters(), self.heap.putters()),
            (self.channel.getters(), self.channel.putters()),
        ];
        assert_eq!(waiting, [(0, 0); 4], "lines");
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = |count: &Count| count.made.load(Ordering::SeqCst);
        let operations = self.operations.load(Ordering::SeqCst);
        let (items, guards) = (made(&self.items), made(&self.guards));
        write!(f, "{operations} operations by {guards} greenlets with {items} items")
    }
}

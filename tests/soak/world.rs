//! What all hubs share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use greenhub::hub::Remote;
use greenhub::queue::{Channel, Queue};
use greenhub::sync::{BoundedSemaphore, Event, Lock};

use crate::counted::{Count, Item};

pub(crate) const PERMITS: usize = 5;

pub(crate) struct World {
    pub(crate) items: Arc<Count>,
    pub(crate) guards: Arc<Count>,
    pub(crate) queue: Queue<Item>,
    pub(crate) channel: Channel<Item>,
    pub(crate) semaphore: BoundedSemaphore,
    pub(crate) lock: Lock,
    pub(crate) event: Event,
    pub(crate) remotes: Mutex<Vec<Option<Remote>>>,
    pub(crate) operations: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) answers: AtomicU64,
    pub(crate) guests: AtomicU64,
    pub(crate) made: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) alarms: AtomicU64,
}

impl World {
    pub(crate) fn new(hubs: usize) -> World {
        World {
            items: Arc::default(),
            guards: Arc::default(),
            queue: Queue::bounded(4),
            channel: Channel::new(),
            semaphore: BoundedSemaphore::new(PERMITS),
            lock: Lock::new(),
            event: Event::new(),
            remotes: Mutex::new((0..hubs).map(|_| None).collect()),
            operations: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            guests: AtomicU64::new(0),
            made: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            alarms: AtomicU64::new(0),
        }
    }

    /// Takes what is still in the queues.
    pub(crate) fn drain(&self) {
        let left = self.queue.shutdown_now().into_iter().chain(self.channel.shutdown_now());
        left.for_each(Item::take);
    }

    /// Nobody holds or waits for anything, and everything was dropped once.
    pub(crate) fn is_as_it_was(&self) {
        assert!(self.items.check("items") > 0 && self.guards.check("guards") > 0);
        assert_eq!(self.semaphore.free(), PERMITS, "permits");
        assert!(!self.lock.is_locked(), "the lock");
        let waiting = [self.queue.getters(), self.queue.putters()];
        assert_eq!(waiting, [0, 0], "those who wait for the queue");
        let waiting = [self.channel.getters(), self.channel.putters()];
        assert_eq!(waiting, [0, 0], "those who wait for the channel");
        let sent = self.messages.load(Ordering::SeqCst);
        assert_eq!(self.answers.load(Ordering::SeqCst), sent, "messages that were called");
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        write!(
            f,
            "{} operations, {} greenlets, {} waits, {} items, {} bytes through sockets, {} messages \
             between hubs, {} times a sleeping hub was woken, {} hubs that came and went",
            count(&self.operations),
            count(&self.made),
            count(&self.waits),
            count(&self.items.made),
            count(&self.bytes),
            count(&self.messages),
            count(&self.alarms),
            count(&self.guests),
        )
    }
}

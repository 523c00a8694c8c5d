//! What is counted when it is made and when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

#[derive(Default)]
pub(crate) struct Count {
    pub(crate) made: AtomicU64,
    pub(crate) dropped: AtomicU64,
    /// Dropped by nobody who had it.
    pub(crate) lost: AtomicU64,
}

impl Count {
    /// So many were made; all have been dropped, and none was lost.
    pub(crate) fn check(&self, what: &str) -> u64 {
        let made = self.made.load(Ordering::SeqCst);
        assert_eq!(self.dropped.load(Ordering::SeqCst), made, "{what}: made, and dropped once");
        assert_eq!(self.lost.load(Ordering::SeqCst), 0, "{what}: lost");
        made
    }
}

/// An item, which is in someone's hands or in a queue.
pub(crate) struct Item {
    count: Arc<Count>,
    is_in_hand: bool,
}

impl Item {
    pub(crate) fn new(count: &Arc<Count>) -> Item {
        count.made.fetch_add(1, Ordering::SeqCst);
        Item { count: Arc::clone(count), is_in_hand: false }
    }

    /// It has arrived, or has come back.
    pub(crate) fn take(mut self) {
        self.is_in_hand = true;
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.count.dropped.fetch_add(1, Ordering::SeqCst);
        // One that is killed drops what it has in hand, or waits to put.
        if !self.is_in_hand && !thread::panicking() {
            self.count.lost.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl PartialEq for Item {
    fn eq(&self, _: &Item) -> bool {
        true
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, _: &Item) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// What is in a greenlet's frame: its destructor runs once.
pub(crate) struct Guard(Arc<Count>);

impl Guard {
    pub(crate) fn new(count: &Arc<Count>) -> Guard {
        count.made.fetch_add(1, Ordering::SeqCst);
        Guard(Arc::clone(count))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

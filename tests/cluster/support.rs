//! What these tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenhub::Cluster;

pub(crate) use self::alone::{alone, child};
pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn cluster(hubs: usize) -> Cluster {
    Cluster::new(hubs).expect("a cluster")
}

/// Waits until `holds`, for as long as the test's bound allows.
pub(crate) fn until(holds: impl Fn() -> bool) {
    while !holds() {
        greenhub::sleep(millis(1));
    }
}

/// Counts what is dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A value that counts itself when it is dropped.
    pub(crate) fn value(&self) -> Counted {
        Counted(Arc::clone(&self.0))
    }
}

pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("the list of descriptors").count()
}

pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the list of threads").count()
}

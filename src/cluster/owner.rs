//! Having a cluster, and ending it.

use std::fmt;
use std::io;
use std::mem;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::builder::Builder;
use super::handle::ClusterHandle;
use super::member;
use crate::clock::Moment;
use crate::config;
use crate::greenlet::StillRunning;
use crate::hub::{core, turn};
use crate::raw::thread;

/// Hubs on OS threads of their own, which run what they are given; see [the module](super).
///
/// It dereferences to a [`ClusterHandle`], which has the methods that give it something, and of which
/// there may be more. The `Cluster` itself ends it.
///
/// **To drop it** is to [shut it down](Self::shutdown) with a limit of zero: what has not started never
/// does, what runs is killed, and a second later the drop has returned even if something has caught the
/// kill or computes. Where it cannot wait, while the dropping greenlet unwinds or is one of the cluster's own, the
/// same is begun, and the threads end by themselves.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let cluster = greenhub::Cluster::new(2)?;
/// let answer = cluster.spawn(|| 6 * 7)?;
/// cluster.shutdown(Duration::from_secs(5))?;
/// assert_eq!(answer.join()?, 42);
/// assert!(cluster.spawn(|| 7).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cluster {
    pub(super) handle: ClusterHandle,
    /// Those that have not been joined, by their hubs.
    pub(super) threads: Mutex<Vec<(usize, JoinHandle<()>)>>,
}

impl Cluster {
    /// A cluster of so many hubs; returns when each of them is there.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new(hubs: usize) -> io::Result<Cluster> {
        Builder::new(hubs).build()
    }

    /// A handle to it that can be given away.
    #[must_use]
    pub fn handle(&self) -> ClusterHandle {
        self.handle.clone()
    }

    /// Ends it, within `limit` and a second.
    ///
    /// From now on it takes nothing more. What it has taken may go on until `limit` is over, and
    /// so may what its greenlets have spawned, as long as its hub has not [run dry](crate::Hub::join). Then what has not
    /// started never starts, and whatever runs is killed once. It returns as soon as nothing is left and the
    /// threads have ended.
    ///
    /// Greenlets that catch what ends them and wait again are left as they are after half a second, and their
    /// joins tell [`JoinError::Lost`](crate::JoinError::Lost). One that computes cannot be ended; its
    /// thread ends when it waits. The destructors of a thread's thread-locals are waited for without a limit,
    /// and hold up the calling thread. A second shutdown waits for what the first has left, with the earlier of both
    /// ends; when nothing is left it returns at once. If it is killed while it waits, the threads end all the
    /// same.
    ///
    /// # Errors
    ///
    /// [`StillRunning`] if some had not ended: those that were left, and those of threads that compute,
    /// each of which counts as one at least. Also if the caller unwinds and so cannot wait.
    ///
    /// # Panics
    ///
    /// In a greenlet of the cluster, which would wait for itself; and in a callback of the hub.
    pub fn shutdown(&self, limit: Duration) -> Result<(), StillRunning> {
        assert!(
            !self.is_current(),
            "a greenlet cannot shut down its own cluster: it would wait for itself"
        );
        if self.handle.shared.is_elsewhere() {
            return Ok(());
        }
        self.end(turn::deadline(limit))
    }

    fn end(&self, deadline: Moment) -> Result<(), StillRunning> {
        let shared = &self.handle.shared;
        let deadline = shared.close(deadline);
        if !shared.wait_until_left(deadline) {
            shared.drop_unstarted();
            shared.wait_until_left(deadline.max(Moment::now()).plus(config::THREAD_GRACE));
        }
        self.join_threads();
        match shared.count_left() {
            0 => Ok(()),
            count => Err(StillRunning { count }),
        }
    }

    /// Joins the threads that have nothing left to do, so that they are gone.
    fn join_threads(&self) {
        let seats = &self.handle.shared.seats;
        let has_left = |(hub, _): &mut (usize, _)| seats[*hub].ended.is_set();
        let left: Vec<_> = self.lock().extract_if(.., has_left).collect();
        for (_, thread) in left {
            // What a destructor of a thread-local panics with ends the process.
            let _ = thread.join();
        }
    }

    /// Whether the current thread is one of its own.
    fn is_current(&self) -> bool {
        member::here().is_some_and(|here| Arc::ptr_eq(&here.shared, &self.handle.shared))
    }

    /// Nothing panics while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Vec<(usize, JoinHandle<()>)>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a wait would not be refused with a panic.
fn can_wait() -> bool {
    core::is_available() && !thread::current_head(thread::is_called_by_loop)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let shared = &self.handle.shared;
        if shared.is_elsewhere() {
            // The threads are the parent's, and so is what they have not started.
            mem::forget(mem::take(&mut self.threads));
            mem::forget(Arc::clone(shared));
        } else if self.is_current() || !can_wait() {
            shared.close(Moment::ZERO);
            shared.drop_unstarted();
        } else {
            // Who wants to know what is left shuts it down.
            let _ = self.end(Moment::ZERO);
        }
    }
}

impl Deref for Cluster {
    type Target = ClusterHandle;

    fn deref(&self) -> &ClusterHandle {
        &self.handle
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("handle", &self.handle).finish_non_exhaustive()
    }
}

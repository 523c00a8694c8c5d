//! The result of what was given to a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::member;
use super::task::{End, Task};
use crate::clock::Moment;
use crate::greenlet::JoinError;
use crate::hub::bell::{Bell, Waitable};
use crate::hub::turn::{self, WaitError};

/// A handle to a greenlet of a [`Cluster`](super::Cluster), which returns a `T`.
///
/// It may be sent to and used in any thread, also one without a hub. Clones name the same greenlet. To
/// drop them does not end it: it runs on unseen, and should it panic, the error hook of the thread is told
/// that has the last handle, or of its own hub
/// ([`Hub::set_error_hook`](crate::Hub::set_error_hook)).
///
/// It is what a [`Greenlet`](crate::Greenlet) is for greenlets of one's own hub, and
/// [`std::thread::JoinHandle`] for threads. It can be waited for by [`wait()`](crate::wait()),
/// [`iwait`](crate::iwait) and [`Select`](crate::Select), beside others.
///
/// # Examples
///
/// ```
/// use greenhub::Cluster;
///
/// let cluster = Cluster::new(2)?;
/// let sum = cluster.spawn(|| (1..=100).sum::<u32>())?;
/// assert_eq!(sum.join()?, 5050);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClusterJoin<T> {
    task: Arc<Task<T>>,
}

impl<T> ClusterJoin<T> {
    pub(super) fn of(task: Arc<Task<T>>) -> Self {
        ClusterJoin { task }
    }

    /// Waits until the greenlet has ended, and takes its result.
    ///
    /// The caller alone waits: other greenlets of its thread run. The result is there once. Mirrors
    /// [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// [`JoinError::Panicked`] with the payload; `Killed`; `Lost` if its hub ended before it, or is
    /// that of a process from which this one was forked;
    /// `Taken` if the result has been taken; `Unwinding` if the caller unwinds and so cannot
    /// wait.
    ///
    /// # Panics
    ///
    /// If a greenlet joins itself; and in a callback of the hub, unless it has ended.
    pub fn join(&self) -> Result<T, JoinError> {
        self.join_until(Moment::NEVER)
    }

    /// As [`join`](Self::join), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`JoinError::TimedOut`] if it had not ended in time: it runs on, and can be joined again. Else as
    /// `join`.
    ///
    /// # Panics
    ///
    /// As `join`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{Cluster, JoinError};
    /// use std::time::Duration;
    ///
    /// let cluster = Cluster::new(1)?;
    /// let slow = cluster.spawn(|| greenhub::sleep(Duration::from_millis(50)))?;
    /// assert!(matches!(slow.join_for(Duration::from_millis(1)), Err(JoinError::TimedOut)));
    /// slow.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_for(&self, limit: Duration) -> Result<T, JoinError> {
        self.join_until(turn::deadline(limit))
    }

    fn join_until(&self, deadline: Moment) -> Result<T, JoinError> {
        self.wait_until(deadline).map_err(|error| match error {
            WaitError::TimedOut => JoinError::TimedOut,
            WaitError::Unwinding => JoinError::Unwinding,
        })?;
        match self.task.take() {
            Some(End::Returned(value)) => Ok(value),
            Some(End::Panicked(payload)) => Err(JoinError::Panicked(payload)),
            Some(End::Killed) => Err(JoinError::Killed),
            Some(End::Lost) => Err(JoinError::Lost),
            Some(End::Taken) => Err(JoinError::Taken),
            None => unreachable!("it was waited for"),
        }
    }

    /// Waits until the greenlet has ended, and leaves its result.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it has not ended and the caller unwinds.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    pub fn wait(&self) -> Result<(), WaitError> {
        self.wait_until(Moment::NEVER)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it had not ended in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    pub fn wait_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.wait_until(turn::deadline(limit))
    }

    fn wait_until(&self, deadline: Moment) -> Result<(), WaitError> {
        if self.is_finished() {
            return Ok(());
        }
        let would_hang = member::is_current(self.task.number) && !std::thread::panicking();
        assert!(!would_hang, "a greenlet cannot join itself: it would wait for ever");
        self.task.wait(deadline)
    }

    /// Whether it has ended, in whatever way. Mirrors [`std::thread::JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.lose_if_elsewhere();
        self.task.is_ready()
    }

    /// Ends the greenlet, and waits until it has ended.
    ///
    /// One that has not started never runs, and its closure is dropped here. One that runs is killed by
    /// its own hub, as by [`Greenlet::kill`](crate::Greenlet::kill): it unwinds from where it waits. While its
    /// hub computes that has to wait. A greenlet that kills itself unwinds at once.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it has not ended and the caller unwinds. It is ended all the same.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{Cluster, JoinError};
    /// use std::time::Duration;
    ///
    /// let cluster = Cluster::new(1)?;
    /// let sleeper = cluster.spawn(|| greenhub::sleep(Duration::MAX))?;
    /// sleeper.kill()?;
    /// assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill(&self) -> Result<(), WaitError> {
        self.start_kill();
        self.wait()
    }

    /// As [`kill`](Self::kill), but waits for at most `limit`.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it had not ended in time; else as `kill`.
    ///
    /// # Panics
    ///
    /// As `kill`.
    pub fn kill_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.start_kill();
        self.wait_for(limit)
    }

    /// As [`kill`](Self::kill), without waiting.
    pub fn start_kill(&self) {
        self.task.lose_if_elsewhere();
        self.task.start_kill();
    }
}

impl<T> Waitable for ClusterJoin<T> {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    fn watch(&self, bell: Bell) {
        self.task.lose_if_elsewhere();
        self.task.watch(bell);
    }

    fn unwatch(&self, bell: &Bell) {
        self.task.unwatch(bell);
    }
}

impl<T> Clone for ClusterJoin<T> {
    fn clone(&self) -> Self {
        ClusterJoin { task: Arc::clone(&self.task) }
    }
}

impl<T> fmt::Debug for ClusterJoin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterJoin")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

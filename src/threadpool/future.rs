//! The result of a task, wherever it is done.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::task::{End, Task};
use crate::clock::Moment;
use crate::hub::bell::{Bell, Waitable};
use crate::hub::turn::{self, WaitError};

/// The result of a task that an OS thread does: it is there, or is yet to come.
///
/// Who waits for it, waits alone: its thread's other greenlets run. Plain threads can wait as
/// well. Clones name the same task. To drop all of them does not end the task; then its
/// result is dropped, and a panic is told to the error hook of the hub that gave the task
/// away ([`Hub::set_error_hook`](crate::Hub::set_error_hook)), or to standard error.
///
/// Mirrors `concurrent.futures.Future`, and what `gevent.threadpool.ThreadPool.spawn` returns.
///
/// # Examples
///
/// ```
/// let pool = greenhub::ThreadPool::new(2);
/// let sum = pool.spawn(|| (1..=100).sum::<u32>());
/// assert_eq!(sum.result()?, 5050);
/// # Ok::<(), greenhub::FutureError>(())
/// ```
pub struct Future<T> {
    task: Arc<Task<T>>,
}

/// Why there is no result.
#[non_exhaustive]
pub enum FutureError {
    /// The task panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// The task was cancelled before it began.
    Cancelled,
    /// The task had not ended in time.
    TimedOut,
    /// Someone else has taken the result.
    Taken,
    /// The caller is unwinding, and so cannot wait.
    Unwinding,
}

impl fmt::Display for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => {
                let text = payload.downcast_ref::<&'static str>().copied();
                match text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)) {
                    Some(message) => write!(f, "the task panicked: {message}"),
                    None => f.write_str("the task panicked"),
                }
            }
            Self::Cancelled => f.write_str("the task was cancelled before it began"),
            Self::TimedOut => f.write_str("the task had not ended in time"),
            Self::Taken => f.write_str("the task's result has been taken already"),
            Self::Unwinding => f.write_str("a greenlet cannot wait while it unwinds"),
        }
    }
}

impl fmt::Debug for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FutureError({self})")
    }
}

impl std::error::Error for FutureError {}

impl From<WaitError> for FutureError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::TimedOut => Self::TimedOut,
            WaitError::Unwinding => Self::Unwinding,
        }
    }
}

impl<T> Future<T> {
    pub(super) fn of(task: Arc<Task<T>>) -> Future<T> {
        Future { task }
    }

    /// Waits for the result, and takes it.
    ///
    /// Returns at once if the task has ended. A task that waits for another one of its own pool
    /// holds its thread meanwhile: if all threads do so, they wait for ever. Mirrors
    /// `Future.result`.
    ///
    /// # Errors
    ///
    /// [`FutureError::Panicked`] if the task panicked, which is then no one else's to hear;
    /// `Cancelled` if it was cancelled; `Taken` if the result has been taken; `Unwinding` if the
    /// task has not ended and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless the task has ended; and in main, with a report, if
    /// everything waits for ever.
    pub fn result(&self) -> Result<T, FutureError> {
        self.result_until(Moment::NEVER)
    }

    /// As [`result`](Self::result), for at most `limit`. A limit of zero only looks.
    ///
    /// The task goes on when the limit is over, and can be asked again. Mirrors
    /// `Future.result(timeout)`.
    ///
    /// # Errors
    ///
    /// [`FutureError::TimedOut`] if the task had not ended in time; else as `result`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless the task has ended or `limit` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{FutureError, ThreadPool};
    /// use std::time::Duration;
    ///
    /// let pool = ThreadPool::new(1);
    /// let slow = pool.spawn(|| std::thread::sleep(Duration::from_millis(50)));
    /// let early = slow.result_for(Duration::from_millis(1));
    /// assert!(matches!(early, Err(FutureError::TimedOut)));
    /// slow.result()?;
    /// # Ok::<(), FutureError>(())
    /// ```
    pub fn result_for(&self, limit: Duration) -> Result<T, FutureError> {
        self.result_until(turn::deadline(limit))
    }

    pub(super) fn result_until(&self, deadline: Moment) -> Result<T, FutureError> {
        self.task.wait(deadline)?;
        match self.task.take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(payload)) => Err(FutureError::Panicked(payload)),
            None if self.cancelled() => Err(FutureError::Cancelled),
            None => Err(FutureError::Taken),
        }
    }

    /// Waits until the task has ended, and leaves its result.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it has not ended and the caller unwinds.
    ///
    /// # Panics
    ///
    /// As [`result`](Self::result).
    pub fn wait(&self) -> Result<(), WaitError> {
        self.task.wait(Moment::NEVER)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it had not ended in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// As [`result_for`](Self::result_for).
    pub fn wait_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.task.wait(turn::deadline(limit))
    }

    /// Whether the task has ended, in whatever way. Mirrors `Future.done`.
    #[must_use]
    pub fn done(&self) -> bool {
        self.task.end().is_some()
    }

    /// Whether the task is being done now. Mirrors `Future.running`.
    #[must_use]
    pub fn running(&self) -> bool {
        self.task.is_running()
    }

    /// Whether the task was cancelled. Mirrors `Future.cancelled`.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.task.end(), Some(End::Cancelled))
    }

    /// Whether the task has returned a value. Mirrors `AsyncResult.successful`.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        matches!(self.task.end(), Some(End::Returned))
    }

    /// The message of the task's panic, if it has panicked; `(not a text)` if it is none.
    ///
    /// It waits for nothing, and leaves the payload to be taken. Mirrors `Future.exception`, as
    /// far as a look goes.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::ThreadPool::new(1);
    /// let fails = pool.spawn(|| -> () { panic!("no such key") });
    /// fails.wait()?;
    /// assert_eq!(fails.panic_message().as_deref(), Some("no such key"));
    /// assert!(fails.result().is_err());
    /// # Ok::<(), greenhub::sync::WaitError>(())
    /// ```
    #[must_use]
    pub fn panic_message(&self) -> Option<String> {
        match self.task.end() {
            Some(End::Panicked(message)) => Some(String::from(&*message)),
            _ => None,
        }
    }
}

impl<T: Send + 'static> Future<T> {
    /// Cancels the task, if it has not begun; returns whether it is cancelled.
    ///
    /// Its closure is dropped here, and those who wait for it get
    /// [`FutureError::Cancelled`]. A task that runs is not stopped. Mirrors `Future.cancel`.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::ThreadPool::new(0);
    /// let queued = pool.spawn(|| 7);
    /// assert!(queued.cancel() && queued.cancelled());
    /// ```
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Has `callback` called with the future, once, when the task has ended.
    ///
    /// Callbacks run in the order added, on the thread of the pool that has done the task, before
    /// that counts as done; on the thread that cancels it; or right here, if it has ended. They
    /// should not wait: they hold up whoever runs them, and a kill or a timeout that meets one is
    /// lost. The panic of one goes where that of a task goes that nobody asks for, and the others
    /// run. Mirrors `Future.add_done_callback`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{ThreadPool, sync::Event};
    /// use std::sync::Arc;
    ///
    /// let pool = ThreadPool::new(1);
    /// let told = Arc::new(Event::new());
    /// let tell = Arc::clone(&told);
    /// pool.spawn(|| 7).add_done_callback(move |future| {
    ///     assert_eq!(future.result().unwrap(), 7);
    ///     tell.set();
    /// });
    /// told.wait()?;
    /// # Ok::<(), greenhub::sync::WaitError>(())
    /// ```
    pub fn add_done_callback(&self, callback: impl FnOnce(&Future<T>) + Send + 'static) {
        self.task.add_callback(Box::new(callback));
    }
}

impl<T> Waitable for Future<T> {
    fn is_ready(&self) -> bool {
        self.task.is_ready()
    }

    fn watch(&self, bell: Bell) {
        self.task.watch(bell);
    }

    fn unwatch(&self, bell: &Bell) {
        self.task.unwatch(bell);
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Future { task: Arc::clone(&self.task) }
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.task.end() {
            Some(End::Returned) => "returned",
            Some(End::Panicked(_)) => "panicked",
            Some(End::Cancelled) => "cancelled",
            None if self.task.is_running() => "running",
            None => "queued",
        };
        f.debug_struct("Future").field("state", &state).finish_non_exhaustive()
    }
}

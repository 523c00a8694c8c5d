//! The pool of Python's `concurrent.futures`.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::future::Future;
use super::mapping::Results;
use super::pool::{self, ThreadPool};
use super::untold::Origin;
use crate::clock::Moment;
use crate::hub::turn::WaitError;

/// OS threads that do tasks, any number of which can be given at once.
///
/// It is a [`ThreadPool`] whose queue has no bound, and which can be shut down. It is shared by
/// reference, and used from any thread. To drop it is to shut it down without waiting: what it
/// has taken is still done. Mirrors `concurrent.futures.ThreadPoolExecutor`, and that of
/// `gevent.threadpool`.
///
/// # Examples
///
/// ```
/// use greenhub::ThreadPoolExecutor;
///
/// let executor = ThreadPoolExecutor::new(4);
/// let answer = executor.submit(|| 6 * 7)?;
/// assert_eq!(answer.result()?, 42);
/// executor.shutdown(true)?;
/// assert!(executor.submit(|| 7).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ThreadPoolExecutor {
    pool: ThreadPool,
    is_shut: Mutex<bool>,
}

/// The executor was shut down; this is what it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SubmitError<F>(pub F);

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the executor takes no tasks: it was shut down")
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitError").finish_non_exhaustive()
    }
}

impl<F> std::error::Error for SubmitError<F> {}

impl ThreadPoolExecutor {
    /// An executor of at most `max_workers` threads, none of which is made yet.
    ///
    /// # Panics
    ///
    /// If `max_workers` is zero.
    #[must_use]
    pub fn new(max_workers: usize) -> ThreadPoolExecutor {
        assert!(max_workers > 0, "an executor needs at least one thread");
        ThreadPoolExecutor {
            pool: ThreadPool::with_room(max_workers, usize::MAX),
            is_shut: Mutex::new(false),
        }
    }

    /// Has a thread call `f`; the answer is its result, which is yet to come.
    ///
    /// Returns at once. If there is no thread and the system gives none, `f` is called here.
    /// Mirrors `Executor.submit`.
    ///
    /// # Errors
    ///
    /// `f`, if the executor was shut down.
    #[track_caller]
    pub fn submit<R, F>(&self, f: F) -> Result<Future<R>, SubmitError<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        self.submit_from(f, Origin::here())
    }

    fn submit_from<R, F>(&self, f: F, origin: Origin) -> Result<Future<R>, SubmitError<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let (future, refused) = {
            // Held, so that nothing comes into the queue once it is shut down.
            let is_shut = self.lock();
            if *is_shut {
                return Err(SubmitError(f));
            }
            self.pool.give(f, origin)
        };
        refused.into_iter().for_each(|job| job());
        Ok(future)
    }

    /// Has threads call `f` with each of `items`, all given at once; the answer gives the
    /// results in the order of `items`, waiting for each.
    ///
    /// To drop it before its end cancels what has not begun. Items for which the executor is shut
    /// down too early are cancelled as well. Mirrors `Executor.map`.
    ///
    /// # Errors
    ///
    /// `f` and `items`, if the executor was shut down before.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = greenhub::ThreadPoolExecutor::new(2);
    /// let lengths: Result<Vec<_>, _> = executor.map(str::len, ["a", "bcd"])?.collect();
    /// assert_eq!(lengths?, [1, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn map<R, F, S>(&self, f: F, items: S) -> Result<Results<R>, SubmitError<(F, S)>>
    where
        R: Send + 'static,
        F: Fn(S::Item) -> R + Send + Sync + 'static,
        S: IntoIterator<Item: Send + 'static>,
    {
        if *self.lock() {
            return Err(SubmitError((f, items)));
        }
        let origin = Origin::here();
        let f = Arc::new(f);
        let mut futures = Results::new();
        for item in items {
            let f = Arc::clone(&f);
            futures.push(match self.submit_from(move || f(item), origin) {
                Ok(future) => future,
                Err(SubmitError(call)) => pool::cancelled(call, origin),
            });
        }
        Ok(futures)
    }

    /// Takes no more tasks; what it has taken is still done.
    ///
    /// With `wait`, it returns when all is done and the threads have ended; else at once. It may be
    /// called again, to wait. Mirrors `Executor.shutdown`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it has to wait and the caller unwinds. It is shut down all the
    /// same.
    ///
    /// # Panics
    ///
    /// With `wait`: in a task of the executor, which would wait for itself; in a callback of the
    /// hub, if it has to wait; and in main, with a report, if everything waits for ever.
    pub fn shutdown(&self, wait: bool) -> Result<(), WaitError> {
        self.close(wait, || ())
    }

    /// As [`shutdown`](Self::shutdown), and cancels what has not begun. Mirrors
    /// `Executor.shutdown(cancel_futures=True)`.
    ///
    /// # Errors
    ///
    /// As `shutdown`.
    ///
    /// # Panics
    ///
    /// As `shutdown`.
    pub fn shutdown_and_cancel(&self, wait: bool) -> Result<(), WaitError> {
        self.close(wait, || self.pool.cancel_queued())
    }

    fn close(&self, wait: bool, cancel: impl FnOnce()) -> Result<(), WaitError> {
        assert!(
            !(wait && self.pool.is_called_by_task()),
            "a task cannot wait for the end of its own executor: it would wait for itself"
        );
        *self.lock() = true;
        cancel();
        self.pool.retire();
        if wait {
            self.pool.wait_until_empty(Moment::NEVER)?;
            self.pool.kill()?;
        }
        Ok(())
    }

    /// Nothing of the program's runs while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_shut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ThreadPoolExecutor {
    /// As many threads as there are processors, and four more, at most 32.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        ThreadPoolExecutor::new((processors + 4).min(32))
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor").field("pool", &self.pool).finish_non_exhaustive()
    }
}

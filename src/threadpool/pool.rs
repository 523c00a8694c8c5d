//! A pool of OS threads, of the program's own.

use std::fmt;
use std::io;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use super::count::Count;
use super::future::{Future, FutureError};
use super::mapping::IMap;
use super::room::{Room, Ticket};
use super::task::{Queued, Task};
use super::threads::{Job, Threads};
use super::untold::Origin;
use crate::clock::Moment;
use crate::hub::threads::Undone;
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiter;

static THREADS: Kinds = Kinds::new("for the threads of a pool to end");

/// OS threads that do tasks for greenlets, which wait alone.
///
/// For what would hold up all greenlets of a thread: long computing, C libraries that block.
/// Threads are made when a task finds none idle, at most `maxsize`, and end after five idle
/// seconds. It is shared by reference, and used from any thread. Mirrors
/// `gevent.threadpool.ThreadPool`.
///
/// - **A full pool makes [`spawn`](Self::spawn) wait.** It takes one task more than it has
///   threads, as gevent's does. A [`ThreadPoolExecutor`](super::ThreadPoolExecutor) takes any
///   number.
/// - **A task may use greenlets.** Its thread has a hub of its own, at the first use. Greenlets
///   that it leaves behind go on only while a later task of the same thread waits, so it
///   should join them.
/// - **A task is not stopped** by a kill or a timeout of who waits for it: it goes on, and its
///   result is dropped.
/// - **To drop the pool** does not wait: what it has taken is still done, and then the threads
///   end. Only with a `maxsize` of zero, when nothing would do it, is it cancelled.
/// - **The end of the process** does not wait for tasks: [`join`](Self::join) does.
///
/// # Examples
///
/// ```
/// let pool = greenhub::ThreadPool::new(4);
/// let squares = pool.map(|n: u64| n * n, 1..=4);
/// assert_eq!(squares, [1, 4, 9, 16]);
/// ```
pub struct ThreadPool {
    threads: Arc<Threads>,
    room: Arc<Room>,
}

impl ThreadPool {
    /// A pool of at most `maxsize` threads, none of which is made yet.
    ///
    /// With a `maxsize` of zero, tasks lie in the queue until it is [raised](Self::set_maxsize).
    #[must_use]
    pub fn new(maxsize: usize) -> ThreadPool {
        ThreadPool::with_room(maxsize, room_for(maxsize))
    }

    pub(super) fn with_room(maxsize: usize, room: usize) -> ThreadPool {
        ThreadPool {
            threads: Arc::new(Threads::new("greenhub-pool", maxsize)),
            room: Room::new(room),
        }
    }

    /// Has a thread of the pool call `f`; the answer is its result, which is yet to come.
    ///
    /// Waits while `maxsize + 1` tasks are not done. It takes the task at once in a task of the
    /// pool itself, which would wait for its own end, and while the caller unwinds. Mirrors
    /// `ThreadPool.spawn`.
    ///
    /// If there is no thread and the system gives none, `f` is called here.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if it has to wait; and in main, with a report, if everything waits
    /// for ever.
    #[track_caller]
    pub fn spawn<R: Send + 'static>(&self, f: impl FnOnce() -> R + Send + 'static) -> Future<R> {
        self.spawn_from(f, Origin::here())
    }

    pub(super) fn spawn_from<R: Send + 'static>(
        &self,
        f: impl FnOnce() -> R + Send + 'static,
        origin: Origin,
    ) -> Future<R> {
        let ticket =
            if self.is_called_by_task() { self.room.squeeze_in() } else { self.room.enter() };
        let (future, refused) = self.submit(Task::new(f, ticket, origin));
        refused.into_iter().for_each(|job| job());
        future
    }

    /// Takes a task at once, however many there are. The job comes back, to be done by the caller,
    /// if there is no thread and the system gives none.
    pub(super) fn give<R: Send + 'static>(
        &self,
        f: impl FnOnce() -> R + Send + 'static,
        origin: Origin,
    ) -> (Future<R>, Option<Job>) {
        self.submit(Task::new(f, self.room.squeeze_in(), origin))
    }

    fn submit<R: Send + 'static>(&self, task: Arc<Task<R>>) -> (Future<R>, Option<Job>) {
        let future = Future::of(Arc::clone(&task));
        let queued = Queued::new(task);
        let refused = Threads::submit(&self.threads, Box::new(move || queued.run())).err();
        (future, refused)
    }

    /// Has a thread of the pool call `f`, and waits for what it returns.
    ///
    /// In a task of this pool, and while the caller unwinds, it calls `f` right here: so it never
    /// waits for itself. A kill ends the wait, not the call. Mirrors `ThreadPool.apply`.
    ///
    /// # Panics
    ///
    /// With the panic of `f`; else as [`spawn`](Self::spawn), and as
    /// [`Future::result`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::ThreadPool::new(1);
    /// let length = pool.apply(|| "computed elsewhere".len());
    /// assert_eq!(length, 18);
    /// ```
    #[track_caller]
    pub fn apply<R: Send + 'static>(&self, f: impl FnOnce() -> R + Send + 'static) -> R {
        if self.is_called_by_task() || !waiter::can_wait() {
            return f();
        }
        value_of(self.spawn(f).result())
    }

    /// Calls `f` with each of `items`, on the threads of the pool; returns what it returns, in
    /// the order of `items`.
    ///
    /// In a task of this pool it calls `f` right here. Mirrors `ThreadPool.map`.
    ///
    /// # Panics
    ///
    /// With the first panic of `f`, in the order of `items`; the others are told to the error
    /// hook, and what was begun goes on. Else as [`spawn`](Self::spawn).
    #[track_caller]
    pub fn map<I, R, F>(&self, f: F, items: impl IntoIterator<Item = I>) -> Vec<R>
    where
        I: Send + 'static,
        R: Send + 'static,
        F: Fn(I) -> R + Send + Sync + 'static,
    {
        if self.is_called_by_task() || !waiter::can_wait() {
            return items.into_iter().map(f).collect();
        }
        let (f, origin) = (Arc::new(f), Origin::here());
        let mut futures = Vec::new();
        for item in items {
            let f = Arc::clone(&f);
            futures.push(self.spawn_from(move || f(item), origin));
        }
        futures.iter().map(|future| value_of(future.result())).collect()
    }

    /// As [`map`](Self::map), one by one: each step waits for the next result.
    ///
    /// It takes from `items` only as it is asked, and is ahead by as many as the pool takes at
    /// once. The panic of one item is that item's, and the others go on. Mirrors
    /// `ThreadPool.imap`.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::ThreadPool::new(2);
    /// let endless = pool.imap(|n: u64| n * 2, 0..);
    /// let doubles: Result<Vec<_>, _> = endless.take(4).collect();
    /// assert_eq!(doubles?, [0, 2, 4, 6]);
    /// # Ok::<(), greenhub::FutureError>(())
    /// ```
    #[track_caller]
    pub fn imap<I, R, F, S>(&self, f: F, items: S) -> IMap<'_, S::IntoIter, R, F>
    where
        I: Send + 'static,
        R: Send + 'static,
        F: Fn(I) -> R + Send + Sync + 'static,
        S: IntoIterator<Item = I>,
    {
        IMap::new(self, items.into_iter().fuse(), f)
    }

    /// Waits until all tasks are done, their callbacks called.
    ///
    /// It is over when there is no task for a moment. Mirrors `ThreadPool.join`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if there are tasks and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a task of the pool, which would wait for itself. In a callback of the hub, if it has to
    /// wait; and in main, with a report, if everything waits for ever.
    pub fn join(&self) -> Result<(), WaitError> {
        self.join_until(Moment::NEVER)
    }

    /// As [`join`](Self::join), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if not all were done in time; else as `join`.
    ///
    /// # Panics
    ///
    /// As `join`.
    pub fn join_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.join_until(turn::deadline(limit))
    }

    fn join_until(&self, deadline: Moment) -> Result<(), WaitError> {
        assert!(
            !self.is_called_by_task(),
            "a task cannot join its own pool: it would wait for itself"
        );
        self.room.wait_until_empty(deadline)
    }

    /// Ends the threads, and waits until they have ended; tasks in the queue are done before.
    ///
    /// The pool can be used again, and then makes new threads. Mirrors `ThreadPool.kill`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if there are threads and the caller unwinds; they end all the same.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    pub fn kill(&self) -> Result<(), WaitError> {
        assert!(
            !self.is_called_by_task(),
            "a task cannot kill its own pool: it would wait for itself"
        );
        let Some(threads) = self.retire() else { return Ok(()) };
        // Idle threads count for nothing, but these will wake the caller.
        let _undone = Undone::begin();
        threads.wait(&THREADS, Moment::NEVER)
    }

    pub(super) fn wait_until_empty(&self, deadline: Moment) -> Result<(), WaitError> {
        self.room.wait_until_empty(deadline)
    }

    /// Has the threads that there are end when there is no more work.
    pub(super) fn retire(&self) -> Option<Arc<Count>> {
        self.threads.retire()
    }

    /// Cancels the tasks that nobody has begun.
    pub(super) fn cancel_queued(&self) {
        drop(self.threads.take_jobs());
    }

    /// How many threads there are now. Mirrors `ThreadPool.size`.
    #[must_use]
    pub fn size(&self) -> usize {
        self.threads.len()
    }

    /// How many threads there may be. Mirrors `ThreadPool.maxsize`.
    #[must_use]
    pub fn maxsize(&self) -> usize {
        self.threads.limit()
    }

    /// Changes how many threads there may be.
    ///
    /// Returns at once. If there are more now, those that are idle end, and the others when their
    /// present task is done. Those who wait in [`spawn`](Self::spawn) go on as there is
    /// room. With zero, tasks lie in the queue until it is raised. Mirrors `ThreadPool.maxsize`.
    ///
    /// # Errors
    ///
    /// If tasks lie in the queue, and there is no thread and the system gives none. The bound is
    /// changed all the same, and the next task that is given tries again.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::ThreadPool::new(0);
    /// let task = pool.spawn(|| 7);
    /// pool.set_maxsize(1)?;
    /// assert_eq!(task.result()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_maxsize(&self, maxsize: usize) -> io::Result<()> {
        self.room.set_limit(room_for(maxsize));
        Threads::set_limit(&self.threads, maxsize)
    }

    /// Changes how long a thread stays without work; `None` is for ever.
    ///
    /// It counts anew for those that are idle. Until it is changed it is five seconds. Mirrors
    /// `idle_task_timeout`.
    pub fn set_idle_timeout(&self, limit: Option<Duration>) {
        self.threads.set_idle_limit(limit);
    }

    /// How many tasks are not done: those that run, and those in the queue. Mirrors
    /// `len(ThreadPool)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.room.len()
    }

    /// Whether all tasks are done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the current thread is one of the pool's.
    pub(super) fn is_called_by_task(&self) -> bool {
        self.threads.is_current()
    }
}

/// How many tasks a pool takes. gevent's takes one more than it has threads.
fn room_for(maxsize: usize) -> usize {
    maxsize.saturating_add(1)
}

fn value_of<R>(result: Result<R, FutureError>) -> R {
    match result {
        Ok(value) => value,
        Err(FutureError::Panicked(payload)) => panic::resume_unwind(payload),
        Err(error) => unreachable!("nobody else has the task: {error}"),
    }
}

/// A task that nobody will do.
pub(super) fn cancelled<R: Send + 'static>(
    f: impl FnOnce() -> R + Send + 'static,
    origin: Origin,
) -> Future<R> {
    let future = Future::of(Task::new(f, Ticket::none(), origin));
    future.cancel();
    future
}

/// A task that is done here, by the caller.
pub(super) fn done_here<R: Send + 'static>(
    f: impl FnOnce() -> R + Send + 'static,
    origin: Origin,
) -> Future<R> {
    let task = Task::new(f, Ticket::none(), origin);
    let future = Future::of(Arc::clone(&task));
    Queued::new(task).run();
    future
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.retire();
        if self.maxsize() == 0 {
            self.cancel_queued();
        }
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("len", &self.len())
            .field("size", &self.size())
            .field("maxsize", &self.maxsize())
            .finish()
    }
}

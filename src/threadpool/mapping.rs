//! One function for many items, whose results come in the order of the items.

use std::collections::VecDeque;
use std::fmt;
use std::iter::Fuse;
use std::sync::Arc;

use super::future::{Future, FutureError};
use super::pool::{ThreadPool, done_here};
use super::untold::Origin;

/// The iterator that [`ThreadPool::imap`] makes.
///
/// A step gives an error if its item's call panicked; and `Unwinding` while the caller unwinds, and
/// the item then stays. To drop it leaves what was begun, unasked.
#[must_use = "an iterator works only when it is asked for the next"]
pub struct IMap<'a, I, R, F> {
    pool: &'a ThreadPool,
    items: Fuse<I>,
    f: Arc<F>,
    ahead: VecDeque<Future<R>>,
    origin: Origin,
}

impl<'a, I, R, F> IMap<'a, I, R, F> {
    #[track_caller]
    pub(super) fn new(pool: &'a ThreadPool, items: Fuse<I>, f: F) -> Self {
        IMap { pool, items, f: Arc::new(f), ahead: VecDeque::new(), origin: Origin::here() }
    }
}

impl<I, R, F> IMap<'_, I, R, F>
where
    I: Iterator<Item: Send + 'static>,
    R: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
{
    fn begin_next(&mut self) -> Option<Future<R>> {
        let item = self.items.next()?;
        let f = Arc::clone(&self.f);
        let call = move || f(item);
        Some(if self.pool.is_called_by_task() {
            done_here(call, self.origin)
        } else {
            self.pool.spawn_from(call, self.origin)
        })
    }
}

impl<I, R, F> Iterator for IMap<'_, I, R, F>
where
    I: Iterator<Item: Send + 'static>,
    R: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
{
    type Item = Result<R, FutureError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ahead.len() <= self.pool.maxsize()
            && let Some(future) = self.begin_next()
        {
            self.ahead.push_back(future);
        }
        next_of(&mut self.ahead)
    }
}

impl<I, R, F> fmt::Debug for IMap<'_, I, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IMap").field("ahead", &self.ahead.len()).finish_non_exhaustive()
    }
}

/// The result of the first, which stays if the caller cannot wait for it.
fn next_of<R>(futures: &mut VecDeque<Future<R>>) -> Option<Result<R, FutureError>> {
    let result = futures.front()?.result();
    if !matches!(result, Err(FutureError::Unwinding)) {
        futures.pop_front();
    }
    Some(result)
}

/// The iterator that [`ThreadPoolExecutor::map`](super::ThreadPoolExecutor::map) makes.
///
/// A step gives an error if its item's call panicked or was cancelled; and `Unwinding` while the
/// caller unwinds, and the item then stays. To drop it cancels what has not begun.
#[must_use = "to drop it cancels what has not begun"]
pub struct Results<R: Send + 'static> {
    futures: VecDeque<Future<R>>,
}

impl<R: Send + 'static> Results<R> {
    pub(super) fn new() -> Self {
        Results { futures: VecDeque::new() }
    }

    pub(super) fn push(&mut self, future: Future<R>) {
        self.futures.push_back(future);
    }
}

impl<R: Send + 'static> Iterator for Results<R> {
    type Item = Result<R, FutureError>;

    fn next(&mut self) -> Option<Self::Item> {
        next_of(&mut self.futures)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.futures.len(), Some(self.futures.len()))
    }
}

impl<R: Send + 'static> ExactSizeIterator for Results<R> {}

impl<R: Send + 'static> Drop for Results<R> {
    fn drop(&mut self) {
        // The last first: else the next would begin meanwhile.
        for future in self.futures.iter().rev() {
            future.cancel();
        }
    }
}

impl<R: Send + 'static> fmt::Debug for Results<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("left", &self.futures.len()).finish_non_exhaustive()
    }
}

//! A value, or an error, that is yet to come.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

static RESULT: Kinds = Kinds::new("for a result");

/// A value or an error that someone sets and everyone gets. Mirrors `gevent.event.AsyncResult`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::AsyncResult;
///
/// static ANSWER: AsyncResult<u32> = AsyncResult::new();
///
/// let asker = greenhub::spawn(|| ANSWER.get());
/// ANSWER.set(42);
/// assert_eq!(asker.join()??, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AsyncResult<T, E = Arc<dyn Error + Send + Sync>> {
    line: Line<Slot<T, E>>,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError<E> {
    /// This error was set.
    Failed(E),
    /// Nothing had been set in time.
    TimedOut,
    /// The caller is unwinding, and so cannot wait.
    Unwinding,
}

impl<E: fmt::Display> fmt::Display for GetError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => WaitError::TimedOut.fmt(f),
            Self::Unwinding => WaitError::Unwinding.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for GetError<E> {}

impl<E> From<WaitError> for GetError<E> {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::TimedOut => Self::TimedOut,
            WaitError::Unwinding => Self::Unwinding,
        }
    }
}

/// Counted, so that values are cloned and dropped outside of the lock.
struct Slot<T, E>(Option<Arc<Result<T, E>>>);

impl<T, E> Rules for Slot<T, E> {
    fn is_ready(&self) -> bool {
        self.0.is_some()
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.is_ready().then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }
}

impl<T, E> AsyncResult<T, E> {
    /// A result that has not come.
    #[must_use]
    pub const fn new() -> Self {
        AsyncResult { line: Line::new(Slot(None)) }
    }

    /// Sets the value: everyone who waits gets it. The last set wins. Mirrors `AsyncResult.set`.
    pub fn set(&self, value: T) {
        self.put(Ok(value));
    }

    /// Sets an error, which [`get`](Self::get) returns. The last set wins.
    ///
    /// Mirrors `AsyncResult.set_exception`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::sync::{AsyncResult, GetError};
    ///
    /// let result = AsyncResult::<u32, &str>::new();
    /// result.set_error("no answer");
    /// assert_eq!(result.get(), Err(GetError::Failed("no answer")));
    /// ```
    pub fn set_error(&self, error: E) {
        self.put(Err(error));
    }

    fn put(&self, result: Result<T, E>) {
        let result = Arc::new(result);
        let (old, waiters) =
            self.line.with(|slot, waiters| (slot.0.replace(result), waiters.take()));
        waiters.wake();
        drop(old);
    }

    /// Whether a value or an error has been set. Mirrors `AsyncResult.ready`.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.line.with(|slot, _| slot.0.is_some())
    }

    /// Whether a value has been set. Mirrors `AsyncResult.successful`.
    #[must_use]
    pub fn successful(&self) -> bool {
        self.line.with(|slot, _| slot.0.as_ref().is_some_and(|result| result.is_ok()))
    }

    /// Waits until a value or an error has been set; returns at once if it has been.
    ///
    /// Mirrors `AsyncResult.wait`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if nothing is set and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is set; and in main, with a report, if everything waits
    /// for ever.
    pub fn wait(&self) -> Result<(), WaitError> {
        self.line.wait(&RESULT, Moment::NEVER).map(drop)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if nothing was set in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is set or `limit` is zero.
    pub fn wait_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.line.wait(&RESULT, turn::deadline(limit)).map(drop)
    }
}

impl<T: Clone, E: Clone> AsyncResult<T, E> {
    /// Waits for the value, and returns a clone of it. Mirrors `AsyncResult.get`.
    ///
    /// # Errors
    ///
    /// [`GetError::Failed`] with a clone of the error that was set; else as [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn get(&self) -> Result<T, GetError<E>> {
        self.wait()?;
        self.get_nowait()
    }

    /// As [`get`](Self::get), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`GetError::TimedOut`] if nothing was set in time; else as `get`.
    ///
    /// # Panics
    ///
    /// As [`wait_for`](Self::wait_for).
    pub fn get_for(&self, limit: Duration) -> Result<T, GetError<E>> {
        self.wait_for(limit)?;
        self.get_nowait()
    }

    /// A clone of the value, without waiting for it. Mirrors `AsyncResult.get_nowait`.
    ///
    /// # Errors
    ///
    /// [`GetError::TimedOut`] if nothing is set yet; `Failed` with the error that was set.
    pub fn get_nowait(&self) -> Result<T, GetError<E>> {
        let result = self.line.with(|slot, _| slot.0.clone()).ok_or(GetError::TimedOut)?;
        match &*result {
            Ok(value) => Ok(value.clone()),
            Err(error) => Err(GetError::Failed(error.clone())),
        }
    }
}

waitable_by_its_line!([T, E] AsyncResult<T, E>);

impl<T, E> Default for AsyncResult<T, E> {
    fn default() -> Self {
        AsyncResult::new()
    }
}

impl<T, E> fmt::Debug for AsyncResult<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

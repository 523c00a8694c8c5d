//! Sets that keep the result of every greenlet.

use std::fmt;
use std::time::Duration;

use super::ends::Ends;
use crate::greenlet::{self, AnyGreenlet, Greenlet, JoinError, killall};
use crate::sync::WaitError;

/// Greenlets of one type, whose results are taken in the order in which they end.
///
/// Each that was put in gives one result, whether it ended long before or is still to end: a
/// value, what it panicked with, or that it was killed. Nothing is lost, and so it
/// grows until results are taken. When it is dropped its greenlets run on, and panics that
/// nobody has taken go to the hub's error hook. gevent has nothing like it; it is what
/// `Group.join(raise_error=True)` would have to be to see every error.
///
/// # Examples
///
/// So many at a time, and nothing lost:
///
/// ```
/// use greenhub::{JoinSet, Pool};
///
/// let (pool, mut set) = (Pool::new(2), JoinSet::new());
/// for n in [3, 0, 2] {
///     set.add(pool.spawn(move || 6u32.checked_div(n)));
/// }
/// let mut results = Vec::new();
/// while let Some(result) = set.join_next() {
///     results.push(result?);
/// }
/// assert_eq!(results, [Some(2), None, Some(3)]);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
pub struct JoinSet<T> {
    ends: Ends<T>,
    added: u64,
}

impl<T: 'static> JoinSet<T> {
    /// A set without greenlets.
    #[must_use]
    pub fn new() -> Self {
        JoinSet { ends: Ends::new(), added: 0 }
    }

    /// Runs `f` as a greenlet of this set. Returns at once, what can be used to kill it.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    #[track_caller]
    pub fn spawn(&mut self, f: impl FnOnce() -> T + 'static) -> AnyGreenlet {
        let greenlet = greenlet::spawn(f);
        let any = greenlet.any();
        self.add(greenlet);
        any
    }

    /// Puts a greenlet in, wherever it was spawned. It may have ended.
    ///
    /// If someone else takes its result, the set gives [`JoinError::Taken`].
    pub fn add(&mut self, greenlet: Greenlet<T>) {
        self.ends.watch(self.added, greenlet);
        self.added += 1;
    }

    /// How many have not been joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether all have been joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for the next that ends, and takes its result; `None` when all have been joined.
    ///
    /// The result may be [`JoinError::Panicked`], `Killed` or `Taken`. If the caller unwinds, and so
    /// cannot wait, one that has not ended is taken out, with [`JoinError::Unwinding`].
    ///
    /// # Panics
    ///
    /// In main, with a report, if everything waits for ever.
    pub fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        while !self.is_empty() {
            match self.ends.wait() {
                Ok(Some((_, greenlet))) => return Some(greenlet.join()),
                Ok(None) => {}
                Err(_) => {
                    self.ends.forget_one();
                    return Some(Err(JoinError::Unwinding));
                }
            }
        }
        None
    }

    /// As [`join_next`](Self::join_next), for at most `limit`: then the result is
    /// [`JoinError::TimedOut`], and the set is as it was. A limit of zero only looks.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one has ended or `limit` is zero.
    pub fn join_next_for(&mut self, limit: Duration) -> Option<Result<T, JoinError>> {
        if self.is_empty() {
            return None;
        }
        match self.ends.wait_for(limit) {
            Ok(Some((_, greenlet))) => Some(greenlet.join()),
            Ok(None) | Err(WaitError::TimedOut) => Some(Err(JoinError::TimedOut)),
            Err(_) => {
                self.ends.forget_one();
                Some(Err(JoinError::Unwinding))
            }
        }
    }

    /// Waits until all have ended; returns their results in the order in which they did.
    ///
    /// # Panics
    ///
    /// As [`join_next`](Self::join_next).
    ///
    /// # Examples
    ///
    /// ```
    /// let mut set = greenhub::JoinSet::new();
    /// for n in [30, 1] {
    ///     set.spawn(move || {
    ///         greenhub::sleep(std::time::Duration::from_millis(n));
    ///         n
    ///     });
    /// }
    /// let results: Result<Vec<_>, _> = set.join_all().into_iter().collect();
    /// assert_eq!(results?, [1, 30]);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[must_use = "the errors are among the results"]
    pub fn join_all(mut self) -> Vec<Result<T, JoinError>> {
        std::iter::from_fn(|| self.join_next()).collect()
    }

    /// Ends all of them, and waits until they have ended. Their results can be taken as before.
    ///
    /// # Panics
    ///
    /// As [`killall`].
    pub fn kill(&self) {
        killall(&self.ends.running());
    }
}

impl<T: 'static> Default for JoinSet<T> {
    fn default() -> Self {
        JoinSet::new()
    }
}

impl<T: 'static> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

//! Several futures, as they come.

use std::time::Duration;

use super::future::Future;
use crate::greenlet::{IWait, iwait};

/// Gives `futures` one by one, as their tasks end, for at most `limit`.
///
/// Each step waits for the next. Those that have ended already come first, cancelled ones too; when
/// `limit` is over there are no more. To drop it leaves the tasks as they are. It is
/// [`iwait`], for futures: what mixes them with greenlets, events and queues can use
/// that. Mirrors `concurrent.futures.as_completed`.
///
/// # Panics
///
/// A step panics in main, with a report, if everything waits for ever.
///
/// # Examples
///
/// ```
/// use greenhub::{ThreadPoolExecutor, threadpool::as_completed};
/// use std::{thread, time::Duration};
///
/// let executor = ThreadPoolExecutor::new(2);
/// let mut futures = Vec::new();
/// for n in [50, 1] {
///     futures.push(executor.submit(move || {
///         thread::sleep(Duration::from_millis(n));
///         n
///     })?);
/// }
/// let order: Result<Vec<_>, _> =
///     as_completed(futures, None).map(|future| future.result()).collect();
/// assert_eq!(order?, [1, 50]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed<T>(
    futures: impl IntoIterator<Item = Future<T>>,
    limit: Option<Duration>,
) -> IWait<Future<T>> {
    let all = iwait(futures);
    match limit {
        Some(limit) => all.limit(limit),
        None => all,
    }
}

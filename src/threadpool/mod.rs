//! OS threads that work for greenlets.
//!
//! What the kernel offers no readiness for (files, the resolver) and what computes for long is done
//! by OS threads, while only the greenlet waits.
//!
//! | to | use | as |
//! | --- | --- | --- |
//! | have one call done elsewhere, which may borrow | [`offload`] | `gevent.get_hub().threadpool.apply` |
//! | have threads of one's own, so many at once | [`ThreadPool`] | `gevent.threadpool.ThreadPool` |
//! | queue any number of tasks, and shut down | [`ThreadPoolExecutor`] | `concurrent.futures` |
//! | wait for one task, cancel it, hear of its end | [`Future`] | `concurrent.futures.Future` |
//! | take results as they come | [`as_completed`] | `concurrent.futures.as_completed` |
//! | wait for some or all of several | [`greenhub::wait`](crate::wait()) | `concurrent.futures.wait` |
//!
//! Closures and results go to other threads, so they are `Send`; greenlets and their handles stay
//! where they are.

mod completed;
mod count;
mod executor;
mod future;
pub(crate) mod lend;
mod mapping;
mod pool;
mod room;
mod task;
pub(crate) mod threads;
mod untold;

pub use self::completed::as_completed;
pub use self::executor::{SubmitError, ThreadPoolExecutor};
pub use self::future::{Future, FutureError};
pub use self::mapping::{IMap, Results};
pub use self::pool::ThreadPool;
use self::threads::{Frozen, Threads};
use crate::{config, hub};

/// For files.
pub(crate) static FILES: Threads = Threads::new("greenhub-file", config::FILE_THREADS);

/// For names.
pub(crate) static RESOLVER: Threads = Threads::new("greenhub-resolver", config::RESOLVER_THREADS);

/// All pools, locked for the time of a fork.
pub(crate) fn freeze() -> [Frozen; 2] {
    [FILES.freeze(), RESOLVER.freeze()]
}

/// In the forked child: the pools have no threads and no jobs.
pub(crate) fn renew(pools: [Frozen; 2]) {
    pools.into_iter().for_each(Frozen::renew);
    hub::threads::count_anew();
}

/// Runs `work` on another OS thread, while only this greenlet waits.
///
/// For calls that block and that nothing else can make cooperative: a C library, long
/// computing. At most 16 such calls and calls on files run at once; further ones queue, so work that
/// waits for other such work (on a pipe that only another one fills, say) can wait for ever; but
/// work that offloads in turn does that itself. For more at once see [`ThreadPool`]. A kill does
/// not cut it short, since `work` may borrow from the greenlet's frame: it takes effect at
/// the greenlet's next wait. Mirrors gevent's `hub.threadpool.apply`.
///
/// # Panics
///
/// With the panic of `work`, if it panicked; and in a callback of the hub's loop, which cannot
/// wait.
///
/// # Examples
///
/// ```
/// let numbers = vec![3, 1, 2];
/// let sorted = greenhub::offload(|| {
///     let mut sorted = numbers.clone();
///     sorted.sort();
///     sorted
/// });
/// assert_eq!(sorted, [1, 2, 3]);
/// ```
pub fn offload<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    lend::offload(&FILES, work)
}

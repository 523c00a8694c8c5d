//! OS threads that work for greenlets.
//!
//! What the kernel offers no readiness for (files, the resolver) is done by OS threads, while
//! only the greenlet waits: see [`offload`].

pub(crate) mod lend;
pub(crate) mod threads;

use self::threads::Threads;
use crate::config;

/// For files.
pub(crate) static FILES: Threads = Threads::new("greenhub-file", config::FILE_THREADS);

/// For names.
pub(crate) static RESOLVER: Threads = Threads::new("greenhub-resolver", config::RESOLVER_THREADS);

/// Runs `work` on another OS thread, while only this greenlet waits.
///
/// For calls that block and that nothing else can make cooperative: a C library, long
/// computing. At most 16 such calls and calls on files run at once; further ones queue, so work that waits for
/// other such work (by offloading in turn, or on a pipe that only another one fills) can wait for ever. A kill does
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

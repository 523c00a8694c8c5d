//! Greenlets that are made, but not started.

use std::fmt;
use std::time::Duration;

use super::packet::{Start, end_extra};
use super::{Greenlet, builder};
use crate::raw::Exit;

/// A greenlet that is made but not started; see [`Builder::create`](super::Builder::create).
///
/// It can be linked and killed before it starts, through [`greenlet`](Self::greenlet). Dropped
/// without a start, it ends as killed, and what its body captured is dropped at once. It starts
/// once: a restart cannot be written. Mirrors `gevent.Greenlet`, as it is made.
///
/// # Examples
///
/// ```
/// let unstarted = greenhub::Builder::new().create(|| 7)?;
/// assert!(!unstarted.greenlet().is_started());
/// let greenlet = unstarted.start();
/// assert_eq!(greenlet.join().unwrap(), 7);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "it never runs unless it is started"]
pub struct Unstarted<T: 'static> {
    pub(super) greenlet: Greenlet<T>,
    pub(super) delay: Option<Duration>,
}

impl<T: 'static> Unstarted<T> {
    /// Makes it ready to run, after its [builder's delay](super::Builder::delay) if that has one.
    ///
    /// Returns at once. One that was killed stays as it is. Mirrors gevent's `Greenlet.start`.
    pub fn start(self) -> Greenlet<T> {
        builder::begin(&self.greenlet, self.delay);
        self.greenlet.clone()
    }

    /// As [`start`](Self::start), but it becomes ready only after `delay`.
    ///
    /// Mirrors gevent's `Greenlet.start_later`.
    pub fn start_later(self, delay: Duration) -> Greenlet<T> {
        builder::begin(&self.greenlet, Some(delay));
        self.greenlet.clone()
    }

    /// As [`start`](Self::start), without a delay, and before others that are ready.
    pub(crate) fn start_next(self) {
        builder::begin_next(&self.greenlet);
    }

    /// The greenlet that it will be: to link it, name it, or kill it.
    #[must_use]
    pub fn greenlet(&self) -> &Greenlet<T> {
        &self.greenlet
    }
}

impl<T: 'static> Drop for Unstarted<T> {
    fn drop(&mut self) {
        let fiber = &self.greenlet.fiber;
        let ended = &fiber.data.ended;
        if !ended.is_start_asked() {
            ended.start.set(Start::Asked);
            fiber.discard();
            if let Some(extra) = fiber.head.extra() {
                end_extra(&fiber.head, extra);
            }
            fiber.finish(Err(Box::new(Exit)));
        }
    }
}

impl<T: 'static> fmt::Debug for Unstarted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unstarted").field(&self.greenlet).finish()
    }
}

//! All or none.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::sync;

/// Where so many wait for each other, again and again. Mirrors [`std::sync::Barrier`].
///
/// One that is killed is counted out, and the others wait for another to come.
///
/// # Examples
///
/// ```
/// use greenhub::monkey as std;
/// use std::sync::Barrier;
/// use std::thread;
///
/// static START: Barrier = Barrier::new(2);
///
/// let other = thread::spawn(|| START.wait().is_leader());
/// assert_ne!(START.wait().is_leader(), other.join().unwrap(), "one of them leads");
/// ```
pub struct Barrier {
    barrier: sync::Barrier,
}

impl UnwindSafe for Barrier {}
impl RefUnwindSafe for Barrier {}

/// Who came last. Mirrors [`std::sync::BarrierWaitResult`].
pub struct BarrierWaitResult(bool);

impl Barrier {
    /// A barrier for `n`; zero is as good as one. Mirrors [`std::sync::Barrier::new`].
    #[must_use]
    #[inline]
    pub const fn new(n: usize) -> Barrier {
        Barrier { barrier: sync::Barrier::new(n) }
    }

    /// Waits until all have come. Mirrors [`std::sync::Barrier::wait`].
    ///
    /// # Panics
    ///
    /// If the caller is not the last and cannot wait: it unwinds, or is a callback of the hub; and in
    /// main, with a report, if everything waits for ever.
    pub fn wait(&self) -> BarrierWaitResult {
        match self.barrier.wait() {
            Ok(is_last) => BarrierWaitResult(is_last),
            Err(error) => panic!("a barrier: {error}"),
        }
    }
}

impl BarrierWaitResult {
    /// Whether the caller came last: one in each round did. Mirrors
    /// [`std::sync::BarrierWaitResult::is_leader`].
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult").field("is_leader", &self.is_leader()).finish()
    }
}

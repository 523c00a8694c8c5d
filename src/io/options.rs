//! What clones of a descriptor share: their limits, and whether they wait at all.
//!
//! std keeps these with the open file, so that a clone has them too.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::hub::reactor::Direction;

/// Made when something is first set: most descriptors never need one.
#[derive(Clone, Default)]
pub(super) struct Options(OnceLock<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    /// Nanoseconds; zero for no limit.
    read_limit: AtomicU64,
    write_limit: AtomicU64,
    nonblocking: AtomicBool,
}

impl Options {
    /// The same options for a clone: what is set on one holds for the other.
    pub(super) fn share(&self) -> Options {
        self.shared();
        self.clone()
    }

    pub(super) fn limit(&self, direction: Direction) -> Option<Duration> {
        let nanos = self.0.get()?.limit(direction).load(Ordering::Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    pub(super) fn set_limit(
        &self,
        direction: Direction,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        if limit == Some(Duration::ZERO) {
            let message = "cannot set a 0 duration timeout";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let nanos = limit.map_or(0, |limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        self.shared().limit(direction).store(nanos, Ordering::Relaxed);
        Ok(())
    }

    #[inline]
    pub(super) fn is_nonblocking(&self) -> bool {
        self.0.get().is_some_and(|shared| shared.nonblocking.load(Ordering::Relaxed))
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.shared().nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    fn shared(&self) -> &Shared {
        self.0.get_or_init(Arc::default)
    }
}

impl Shared {
    fn limit(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.read_limit,
            Direction::Write => &self.write_limit,
        }
    }
}

//! The slots of a pool: how many may run at a time.

use std::rc::Rc;
use std::time::Duration;

use crate::sync::{Semaphore, WaitError};

/// What a group has to give to its members.
pub(super) enum Slots {
    /// Slots without end.
    Unlimited,
    Limited {
        free: Rc<Semaphore>,
        size: usize,
    },
}

/// The right of one greenlet to run in a pool. It is free again when this is dropped, however
/// that comes: that is why none is lost.
pub(super) struct Slot {
    /// Where it goes back to, if it was taken from somewhere.
    from: Option<Rc<Semaphore>>,
}

impl Slots {
    pub(super) fn limited(size: usize) -> Slots {
        Slots::Limited { free: Rc::new(Semaphore::new(size)), size }
    }

    /// Waits for a slot, behind those who came before.
    pub(super) fn take(&self) -> Result<Slot, WaitError> {
        self.take_by(|free| free.acquire())
    }

    /// As [`take`](Self::take), for at most `limit`. A limit of zero only looks.
    pub(super) fn take_for(&self, limit: Duration) -> Result<Slot, WaitError> {
        self.take_by(|free| free.acquire_for(limit))
    }

    /// For those who try again and again: now and then it lets others run.
    pub(super) fn try_take(&self) -> Option<Slot> {
        let tried = |free: &Semaphore| free.try_acquire().then_some(()).ok_or(WaitError::TimedOut);
        self.take_by(tried).ok()
    }

    fn take_by(
        &self,
        take: impl FnOnce(&Semaphore) -> Result<(), WaitError>,
    ) -> Result<Slot, WaitError> {
        match self {
            Slots::Unlimited => Ok(Slot { from: None }),
            Slots::Limited { free, .. } => {
                take(free)?;
                Ok(Slot { from: Some(Rc::clone(free)) })
            }
        }
    }

    /// How many are free; `None` if there is no end of them.
    pub(super) fn free(&self) -> Option<usize> {
        match self {
            Slots::Unlimited => None,
            Slots::Limited { free, .. } => Some(free.free()),
        }
    }

    /// How many there are; `None` if there is no end of them.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            Slots::Unlimited => None,
            Slots::Limited { size, .. } => Some(*size),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(free) = &self.from {
            free.release();
        }
    }
}

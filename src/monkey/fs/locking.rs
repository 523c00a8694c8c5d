//! Locks on whole files.

use std::fs::TryLockError;
use std::io;
use std::time::Duration;

use super::file::File;
use crate::greenlet;
use crate::threadpool::offload;

impl File {
    /// Waits for the lock by asking again and again, at longer and longer intervals up to
    /// 50 ms: a thread of the pool that waited for it would be missing for the write that is to
    /// release it.
    ///
    /// Mirrors [`std::fs::File::lock`].
    pub fn lock(&self) -> io::Result<()> {
        ask_until_locked(|| self.try_lock())
    }

    /// Waits as [`lock`](Self::lock) does. Mirrors [`std::fs::File::lock_shared`].
    pub fn lock_shared(&self) -> io::Result<()> {
        ask_until_locked(|| self.try_lock_shared())
    }

    /// Mirrors [`std::fs::File::try_lock`].
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        offload(|| self.0.try_lock())
    }

    /// Mirrors [`std::fs::File::try_lock_shared`].
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        offload(|| self.0.try_lock_shared())
    }

    /// Mirrors [`std::fs::File::unlock`].
    pub fn unlock(&self) -> io::Result<()> {
        offload(|| self.0.unlock())
    }
}

fn ask_until_locked(mut ask: impl FnMut() -> Result<(), TryLockError>) -> io::Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        match ask() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => greenlet::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

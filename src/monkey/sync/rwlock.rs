//! Many that read, or one that writes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockError, TryLockResult};

use super::mutex::or_poisoned;
use crate::hub::line;
use crate::sync::locked::{Locked, Reading, Writing};

/// A value that many see at a time, or one changes. Mirrors [`std::sync::RwLock`].
///
/// First come, first served: who reads does not overtake one that waits to write. Only one that
/// writes poisons it; [the module](super) tells when, and what a greenlet does that unwinds.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::sync::RwLock;
///
/// static LIMIT: RwLock<u32> = RwLock::new(10);
///
/// let (one, another) = (LIMIT.read()?, LIMIT.read()?);
/// assert_eq!(*one + *another, 20);
/// drop((one, another));
/// *LIMIT.write()? += 1;
/// assert_eq!(*LIMIT.read()?, 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RwLock<T: ?Sized> {
    value: Locked<T>,
}

/// Holds an [`RwLock`] to read. Mirrors [`std::sync::RwLockReadGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized + 'a> {
    reading: Reading<'a, T>,
}

/// Holds an [`RwLock`] to write. Mirrors [`std::sync::RwLockWriteGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized + 'a> {
    writing: Writing<'a, T>,
}

impl<T> RwLock<T> {
    /// A lock that nobody holds. Mirrors [`std::sync::RwLock::new`].
    #[inline]
    pub const fn new(t: T) -> RwLock<T> {
        RwLock { value: Locked::new(t) }
    }

    /// The value. Mirrors [`std::sync::RwLock::into_inner`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        let is_poisoned = self.value.is_poisoned();
        or_poisoned(self.value.into_inner(), is_poisoned)
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks it to read; waits while another one writes, or waits to write. Mirrors
    /// [`std::sync::RwLock::read`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: it is locked all the same, and the guard is in the error.
    ///
    /// # Panics
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[inline]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let reading = self.value.read();
        or_poisoned(RwLockReadGuard { reading }, self.is_poisoned())
    }

    /// Locks it to read, if that needs no wait. Mirrors [`std::sync::RwLock::try_read`].
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] if it would have to wait; if the lock is poisoned, the guard is in
    /// the error.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        match self.value.try_read() {
            Some(reading) => Ok(or_poisoned(RwLockReadGuard { reading }, self.is_poisoned())?),
            None => would_block(),
        }
    }

    /// Locks it to write; waits while others hold it. Mirrors [`std::sync::RwLock::write`].
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Panics
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[inline]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let writing = self.value.write();
        or_poisoned(RwLockWriteGuard { writing }, self.is_poisoned())
    }

    /// Locks it to write, if that needs no wait. Mirrors [`std::sync::RwLock::try_write`].
    ///
    /// # Errors
    ///
    /// As [`try_read`](Self::try_read).
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        match self.value.try_write() {
            Some(writing) => Ok(or_poisoned(RwLockWriteGuard { writing }, self.is_poisoned())?),
            None => would_block(),
        }
    }

    /// Whether someone unwound while writing. Mirrors [`std::sync::RwLock::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.value.is_poisoned()
    }

    /// Forgets that. Mirrors [`std::sync::RwLock::clear_poison`].
    #[inline]
    pub fn clear_poison(&self) {
        self.value.clear_poison();
    }

    /// The value, which nobody else can see now. Mirrors [`std::sync::RwLock::get_mut`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let is_poisoned = self.value.is_poisoned();
        or_poisoned(self.value.get_mut(), is_poisoned)
    }
}

/// An attempt that failed lets others run, now and then.
fn would_block<G>() -> TryLockResult<G> {
    line::spend_success();
    Err(TryLockError::WouldBlock)
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on to read, with nobody writing in between, and lets in those who are next to read.
    ///
    /// Returns at once. Mirrors [`std::sync::RwLockWriteGuard::downgrade`].
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard { reading: s.writing.downgrade() }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.reading
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.writing
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.writing
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(t: T) -> Self {
        RwLock::new(t)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        match self.value.try_read() {
            Some(value) => debug.field("data", &&*value),
            None => debug.field("data", &format_args!("<locked>")),
        };
        debug.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

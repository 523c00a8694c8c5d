//! One at a time.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::hub::line;
use crate::sync::locked::{Exclusive, Writing};

/// A value that one greenlet at a time sees. Mirrors [`std::sync::Mutex`].
///
/// It goes to whoever has waited longest. [The module](super) tells when it is poisoned, and what
/// a greenlet does that unwinds.
///
/// # Examples
///
/// ```
/// use greenhub::monkey as std;
/// use std::sync::Mutex;
/// use std::thread;
///
/// static TICKETS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
///
/// let seller = thread::spawn(|| {
///     let mut tickets = TICKETS.lock().unwrap();
///     thread::yield_now();
///     tickets.push(1);
/// });
/// thread::yield_now();
/// TICKETS.lock().unwrap().push(2);
/// seller.join().unwrap();
/// assert_eq!(*TICKETS.lock().unwrap(), [1, 2]);
/// ```
pub struct Mutex<T: ?Sized> {
    value: Exclusive<T>,
}

/// Holds a [`Mutex`], and unlocks it when it is dropped. Mirrors [`std::sync::MutexGuard`].
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    writing: Writing<'a, T>,
}

impl<T> Mutex<T> {
    /// A mutex that nobody holds. Mirrors [`std::sync::Mutex::new`].
    #[inline]
    pub const fn new(t: T) -> Mutex<T> {
        Mutex { value: Exclusive::new(t) }
    }

    /// The value. Mirrors [`std::sync::Mutex::into_inner`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        let is_poisoned = self.value.is_poisoned();
        or_poisoned(self.value.into_inner(), is_poisoned)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks it; waits while another one holds it. Mirrors [`std::sync::Mutex::lock`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: it is locked all the same, and the guard is in the error.
    ///
    /// # Panics
    ///
    /// If it is held, in a callback of the hub, or if the caller unwinds and a greenlet of its own
    /// thread holds it; and in main, with a report, if everything waits for ever.
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        MutexGuard::of(self.value.lock())
    }

    /// Locks it if nobody holds it. Mirrors [`std::sync::Mutex::try_lock`].
    ///
    /// To call it again and again holds up nobody: now and then it lets others run.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] if it is held; if it is poisoned, the guard is in the error.
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Some(writing) => Ok(MutexGuard::of(writing)?),
            None => {
                line::spend_success();
                Err(TryLockError::WouldBlock)
            }
        }
    }

    /// Whether someone unwound while holding it. Mirrors [`std::sync::Mutex::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.value.is_poisoned()
    }

    /// Forgets that. Mirrors [`std::sync::Mutex::clear_poison`].
    #[inline]
    pub fn clear_poison(&self) {
        self.value.clear_poison();
    }

    /// The value, which nobody else can see now. Mirrors [`std::sync::Mutex::get_mut`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let is_poisoned = self.value.is_poisoned();
        or_poisoned(self.value.get_mut(), is_poisoned)
    }
}

/// What was got, as an error if it is poisoned.
pub(super) fn or_poisoned<G>(got: G, is_poisoned: bool) -> LockResult<G> {
    if is_poisoned { Err(PoisonError::new(got)) } else { Ok(got) }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn of(writing: Writing<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let is_poisoned = writing.is_poisoned();
        or_poisoned(MutexGuard { writing }, is_poisoned)
    }

    pub(super) fn into_writing(self) -> Writing<'a, T> {
        self.writing
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.writing
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.writing
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.value.try_lock() {
            Some(value) => debug.field("data", &&*value),
            None => debug.field("data", &"<locked>"),
        };
        debug.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

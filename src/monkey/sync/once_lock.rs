//! A value that is set once.

use std::fmt;
use std::sync;

use crate::sync::once::Once;

/// A value that is set once, and seen by all. Mirrors [`std::sync::OnceLock`].
///
/// Who comes while another one makes the value waits for it. If that one unwinds, also by a
/// kill, the next makes it.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::sync::OnceLock;
///
/// static NAME: OnceLock<String> = OnceLock::new();
///
/// assert_eq!(NAME.get(), None);
/// assert_eq!(NAME.get_or_init(|| "hub".to_owned()), "hub");
/// assert_eq!(NAME.set("other".to_owned()), Err("other".to_owned()));
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// Set by who does it, and so never waited for.
    value: sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    /// No value. Mirrors [`std::sync::OnceLock::new`].
    #[must_use]
    #[inline]
    pub const fn new() -> OnceLock<T> {
        OnceLock { once: Once::new(), value: sync::OnceLock::new() }
    }

    /// The value, if it has been set. Mirrors [`std::sync::OnceLock::get`].
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if it has been set, to change it. Mirrors [`std::sync::OnceLock::get_mut`].
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Waits until it has been set. Mirrors [`std::sync::OnceLock::wait`].
    ///
    /// # Panics
    ///
    /// If it has to wait and cannot, as in [`Mutex::lock`](super::Mutex::lock); and in main, with a
    /// report, if everything waits for ever.
    pub fn wait(&self) -> &T {
        loop {
            if let Some(value) = self.get() {
                return value;
            }
            // Forced, it has no error.
            let _ = self.once.wait(true);
        }
    }

    /// Sets it; waits while another one does. Mirrors [`std::sync::OnceLock::set`].
    ///
    /// # Errors
    ///
    /// The value, if there is one already.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[inline]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.call(|| value.take().expect("it is set once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `f` if there is none; waits while another one makes it. Mirrors
    /// [`std::sync::OnceLock::get_or_init`].
    ///
    /// # Panics
    ///
    /// If `f` does; if `f` comes back here; else as [`wait`](Self::wait).
    #[inline]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        match self.get() {
            Some(value) => value,
            None => {
                self.call(f);
                self.get().expect("it has been set")
            }
        }
    }

    fn call(&self, f: impl FnOnce() -> T) {
        // Forced, it has no error; and only who does it sets the value.
        let _ = self.once.call(true, |_| drop(self.value.set(f())));
    }

    /// The value. Mirrors [`std::sync::OnceLock::into_inner`].
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, so that it can be set again. Mirrors [`std::sync::OnceLock::take`].
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        let lock = OnceLock::new();
        lock.call(|| value);
        lock
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

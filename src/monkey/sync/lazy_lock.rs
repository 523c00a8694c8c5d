//! A value that is made when it is first looked at.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::OnceLock;

use crate::guarded::Guarded;
use crate::sync::once::Once;

/// A value that is made when it is first looked at. Mirrors [`std::sync::LazyLock`].
///
/// Who comes while another one makes it waits for it. If that one unwinds, also by a kill, it is
/// poisoned for ever.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::sync::LazyLock;
///
/// static GREETING: LazyLock<String> = LazyLock::new(|| "hello".to_uppercase());
///
/// assert_eq!(*GREETING, "HELLO");
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    once: Once,
    /// Set by who makes it, and so never waited for.
    value: OnceLock<T>,
    make: Guarded<Option<F>>,
}

impl<T, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> where T: RefUnwindSafe + UnwindSafe {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `f` makes. Mirrors [`std::sync::LazyLock::new`].
    #[inline]
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock { once: Once::new(), value: OnceLock::new(), make: Guarded::new(Some(f)) }
    }

    /// The value, made now if it has not been; waits while another one makes it. Mirrors
    /// [`std::sync::LazyLock::force`].
    ///
    /// # Panics
    ///
    /// If making it does, or did; if it comes back here; if it has to wait and cannot, as in
    /// [`Mutex::lock`](super::Mutex::lock); and in main, with a report, if everything waits for ever.
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        match this.value.get() {
            Some(value) => value,
            None => this.make(),
        }
    }

    #[cold]
    #[track_caller]
    fn make(&self) -> &T {
        let made = self.once.call(false, |_| {
            let make = self.make.with(Option::take).expect("it is made once");
            // Only who makes it sets it.
            let _ = self.value.set(make());
        });
        match self.value.get() {
            Some(value) if made.is_ok() => value,
            _ => panic!("LazyLock instance has previously been poisoned"),
        }
    }

    /// As [`force`](Self::force), to change it. Mirrors [`std::sync::LazyLock::force_mut`].
    ///
    /// # Panics
    ///
    /// As `force`.
    #[inline]
    #[track_caller]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        LazyLock::force(this);
        this.value.get_mut().expect("it has been made")
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it has been made. Mirrors [`std::sync::LazyLock::get`].
    #[inline]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.value.get()
    }

    /// The value, if it has been made, to change it. Mirrors [`std::sync::LazyLock::get_mut`].
    #[inline]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.value.get_mut()
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("LazyLock");
        match LazyLock::get(self) {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<uninit>")),
        };
        debug.finish()
    }
}

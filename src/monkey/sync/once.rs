//! What is done once.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use crate::sync::once;

/// Has something done once, by the first who asks, while the others wait. Mirrors
/// [`std::sync::Once`].
///
/// Poisoned by whoever unwinds while doing it, also by a kill.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::sync::Once;
///
/// static SET_UP: Once = Once::new();
///
/// let mut times = 0;
/// SET_UP.call_once(|| times += 1);
/// SET_UP.call_once(|| times += 1);
/// assert_eq!(times, 1);
/// ```
pub struct Once {
    once: once::Once,
}

/// What is told to who does it. Mirrors [`std::sync::OnceState`].
pub struct OnceState {
    is_poisoned: bool,
    /// As std's, it is for one thread.
    bound: PhantomData<Cell<()>>,
}

/// Something that has not been done. Mirrors [`std::sync::ONCE_INIT`].
#[deprecated(note = "the `Once::new()` function is now preferred")]
#[expect(clippy::declare_interior_mutable_const, reason = "std has it too")]
pub const ONCE_INIT: Once = Once::new();

const POISONED: &str = "Once instance has previously been poisoned";

impl Once {
    /// Something that has not been done. Mirrors [`std::sync::Once::new`].
    #[must_use]
    #[inline]
    #[expect(clippy::new_without_default, reason = "std's has no default")]
    pub const fn new() -> Once {
        Once { once: once::Once::new() }
    }

    /// Calls `f` unless someone has; returns when it has been done. Mirrors
    /// [`std::sync::Once::call_once`].
    ///
    /// # Panics
    ///
    /// If it is poisoned; if `f` comes back here; if it has to wait and cannot, as in
    /// [`Mutex::lock`](super::Mutex::lock); and in main, with a report, if everything waits for ever.
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if self.once.call(false, |_| f()).is_err() {
            panic!("{POISONED}");
        }
    }

    /// As [`call_once`](Self::call_once), also if it is poisoned, which `f` is told. Mirrors
    /// [`std::sync::Once::call_once_force`].
    ///
    /// # Panics
    ///
    /// As `call_once`, unless it is poisoned.
    #[inline]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(&OnceState),
    {
        // Forced, it has no error.
        let _ =
            self.once.call(true, |is_poisoned| f(&OnceState { is_poisoned, bound: PhantomData }));
    }

    /// Whether it has been done. Mirrors [`std::sync::Once::is_completed`].
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.once.is_done()
    }

    /// Waits until someone has done it. Mirrors [`std::sync::Once::wait`].
    ///
    /// # Panics
    ///
    /// As [`call_once`](Self::call_once).
    #[track_caller]
    pub fn wait(&self) {
        if !self.is_completed() && self.once.wait(false).is_err() {
            panic!("{POISONED}");
        }
    }

    /// As [`wait`](Self::wait); if it is poisoned, waits for someone who does it all the same.
    /// Mirrors [`std::sync::Once::wait_force`].
    ///
    /// # Panics
    ///
    /// As `call_once`, unless it is poisoned.
    pub fn wait_force(&self) {
        if !self.is_completed() {
            // Forced, it has no error.
            let _ = self.once.wait(true);
        }
    }
}

impl OnceState {
    /// Whether someone unwound while doing it. Mirrors [`std::sync::OnceState::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl fmt::Debug for OnceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceState").field("poisoned", &self.is_poisoned()).finish()
    }
}

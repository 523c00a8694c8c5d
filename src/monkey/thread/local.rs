//! Values of which each greenlet has its own, as std's thread locals.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::AccessError;
use crate::greenlet;

/// Declares values of which each greenlet has its own. Mirrors [`std::thread_local!`].
///
/// The macro's plain name is std's, as it is in the prelude: say `std::thread_local!`, or
/// `use std::thread_local;`, after the line `use greenhub::monkey as std;`.
///
/// # Examples
///
/// ```
/// use greenhub::monkey as std;
///
/// use std::cell::Cell;
///
/// std::thread_local! {
///     static STEPS: Cell<u32> = const { Cell::new(0) };
/// }
///
/// STEPS.set(1);
/// let other = std::thread::spawn(|| STEPS.get());
/// assert_eq!((other.join().unwrap(), STEPS.get()), (0, 1));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __monkey_thread_local {
    () => {};
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = const $init:block $(; $($rest:tt)*)?) => {
        $crate::__monkey_thread_local!($(#[$meta])* $vis static $name: $type = $init $(; $($rest)*)?);
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$meta])*
        $vis static $name: $crate::monkey::thread::LocalKey<$type> =
            $crate::monkey::thread::LocalKey::new(|| $init);
        $($crate::__monkey_thread_local!($($rest)*);)?
    };
}

/// A value of which each greenlet has its own, made at its first use there, and dropped when that
/// greenlet ends. Mirrors [`std::thread::LocalKey`].
pub struct LocalKey<T: 'static> {
    inner: greenlet::LocalKey<T>,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(init: fn() -> T) -> Self {
        LocalKey { inner: greenlet::LocalKey::new(init) }
    }

    /// Calls `f` with the current greenlet's value. Mirrors [`std::thread::LocalKey::with`].
    ///
    /// # Panics
    ///
    /// If the OS thread is ending.
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(answer) => answer,
            Err(_) => panic!(
                "cannot access a Thread Local Storage value during or after destruction: \
                 AccessError"
            ),
        }
    }

    /// As [`with`](Self::with). Mirrors [`std::thread::LocalKey::try_with`].
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the OS thread is ending.
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        self.inner.try_with(f)
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Mirrors `LocalKey<Cell<T>>::set`, and does not make the value only to replace it.
    pub fn set(&'static self, value: T) {
        self.inner.set_or_replace(Cell::new(value), |cell, value| cell.set(value.into_inner()));
    }

    /// Mirrors `LocalKey<Cell<T>>::get`.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Mirrors `LocalKey<Cell<T>>::take`.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Mirrors `LocalKey<Cell<T>>::replace`.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Mirrors `LocalKey<RefCell<T>>::with_borrow`.
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Mirrors `LocalKey<RefCell<T>>::with_borrow_mut`.
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Mirrors `LocalKey<RefCell<T>>::set`, and does not make the value only to replace it.
    ///
    /// # Panics
    ///
    /// If it is borrowed.
    pub fn set(&'static self, value: T) {
        self.inner.set_or_replace(RefCell::new(value), |cell, value| {
            *cell.borrow_mut() = value.into_inner()
        });
    }

    /// Mirrors `LocalKey<RefCell<T>>::take`.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Mirrors `LocalKey<RefCell<T>>::replace`.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

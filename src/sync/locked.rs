//! A value that is reached only by who holds its lock, and that remembers who panicked there.
//!
//! As std's locks do, it is poisoned by whoever unwinds while it holds it alone: by a panic, and
//! also by a kill or a limit that struck in a wait under the lock, since the value may be
//! half changed then. std tells by the panics of the OS thread; that is the same here,
//! because a greenlet that unwinds is not switched away from.
//!
//! # Why this file is unsafe
//!
//! The value is in an `UnsafeCell`: the compiler cannot see that a guard exists only while the lock
//! is held.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::hold::{Hold, Mode};
use crate::hub::turn::Kinds;

static MUTEX: Kinds = Kinds::new("for a mutex");
static WRITE: Kinds = Kinds::new("to write what others read");
static READ: Kinds = Kinds::new("to read what another writes");

/// A value that one changes alone, and several see together.
pub(crate) struct Locked<T: ?Sized> {
    hold: Hold,
    poisoned: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: through a shared `Locked` another thread gets `&T` from `read`, so `T` must be `Sync`, and
// `&mut T` from `write`, by which it could be taken out, so it must be `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for Locked<T> {}

// What a panic has left half changed is told by the poison.
impl<T: ?Sized> UnwindSafe for Locked<T> {}
impl<T: ?Sized> RefUnwindSafe for Locked<T> {}

impl<T> Locked<T> {
    pub(crate) const fn new(value: T) -> Self {
        Locked {
            hold: Hold::new(),
            poisoned: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Locked<T> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Waits until nobody else holds it.
    #[inline]
    pub(crate) fn write(&self) -> Writing<'_, T> {
        self.write_after(&WRITE)
    }

    /// As [`write`](Self::write); `kinds` is what the wait is called.
    #[inline]
    fn write_after(&self, kinds: &'static Kinds) -> Writing<'_, T> {
        self.hold.acquire(Mode::Alone, kinds);
        Writing::of(self)
    }

    #[inline]
    pub(crate) fn try_write(&self) -> Option<Writing<'_, T>> {
        self.hold.try_acquire(Mode::Alone).then(|| Writing::of(self))
    }

    /// Waits until nobody holds it alone, nor waits for that.
    #[inline]
    pub(crate) fn read(&self) -> Reading<'_, T> {
        self.hold.acquire(Mode::Together, &READ);
        Reading { locked: self, bound: PhantomData }
    }

    #[inline]
    pub(crate) fn try_read(&self) -> Option<Reading<'_, T>> {
        let held = self.hold.try_acquire(Mode::Together);
        held.then(|| Reading { locked: self, bound: PhantomData })
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    pub(crate) fn clear_poison(&self) {
        self.poisoned.store(false, Ordering::Relaxed);
    }
}

/// A value that one at a time sees: it can be shared between threads also if the value cannot.
pub(crate) struct Exclusive<T: ?Sized>(Locked<T>);

// SAFETY: only the right to write is given out through a shared one, so one thread at a time has the
// value, and to share it is to send the value to and fro.
unsafe impl<T: ?Sized + Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Exclusive(Locked::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Exclusive<T> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Waits until nobody else holds it.
    #[inline]
    pub(crate) fn lock(&self) -> Writing<'_, T> {
        self.0.write_after(&MUTEX)
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Writing<'_, T>> {
        self.0.try_write()
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    pub(crate) fn clear_poison(&self) {
        self.0.clear_poison();
    }
}

/// The right to the value, alone. It stays in its thread, which the lock knows as the holder's.
#[must_use = "it is released when it is dropped"]
pub(crate) struct Writing<'a, T: ?Sized> {
    locked: &'a Locked<T>,
    /// Whether its greenlet unwound already when it came, so that it has done no harm here.
    was_panicking: bool,
    bound: PhantomData<*const ()>,
}

// SAFETY: a shared `Writing` gives `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for Writing<'_, T> {}

impl<T: ?Sized> UnwindSafe for Writing<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for Writing<'_, T> {}

impl<'a, T: ?Sized> Writing<'a, T> {
    #[inline]
    fn of(locked: &'a Locked<T>) -> Self {
        Writing { locked, was_panicking: thread::panicking(), bound: PhantomData }
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.locked.is_poisoned()
    }

    /// Locks the same mutex once more, when this guard is gone.
    pub(crate) fn again(&self) -> impl FnOnce() -> Writing<'a, T> + use<'a, T> {
        let locked = self.locked;
        move || locked.write_after(&MUTEX)
    }

    pub(crate) fn downgrade(self) -> Reading<'a, T> {
        let locked = self.locked;
        mem::forget(self);
        locked.hold.downgrade();
        Reading { locked, bound: PhantomData }
    }
}

impl<T: ?Sized> Deref for Writing<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held alone while this exists, so the only `&mut T` is one that this
        // has given out, which has ended by now, as it borrowed this.
        unsafe { &*self.locked.value.get() }
    }
}

impl<T: ?Sized> DerefMut for Writing<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; and other references that this has given out have ended too.
        unsafe { &mut *self.locked.value.get() }
    }
}

impl<T: ?Sized> Drop for Writing<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.was_panicking && thread::panicking() {
            self.locked.poisoned.store(true, Ordering::Relaxed);
        }
        self.locked.hold.release();
    }
}

/// The right to see the value, together with others.
#[must_use = "it is released when it is dropped"]
pub(crate) struct Reading<'a, T: ?Sized> {
    locked: &'a Locked<T>,
    bound: PhantomData<*const ()>,
}

// SAFETY: a shared `Reading` gives `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for Reading<'_, T> {}

impl<T: ?Sized + RefUnwindSafe> UnwindSafe for Reading<'_, T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for Reading<'_, T> {}

impl<T: ?Sized> Deref for Reading<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while this exists nobody holds the lock alone, so there is no `&mut T`.
        unsafe { &*self.locked.value.get() }
    }
}

impl<T: ?Sized> Drop for Reading<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.locked.hold.release();
    }
}

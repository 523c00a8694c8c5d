//! Greenlets that borrow, as std's scoped threads.
//!
//! # Why this file is unsafe
//!
//! std's `Scope` has lifetimes that only the scope's own caller can choose, so ours cannot be made
//! inside of it: it is greenhub's under another name, and the reference is cast.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use super::Result;
use super::handle::Thread;
use super::join::{Builder, as_std};
use crate::greenlet::{self, ScopedGreenlet};
use crate::raw::{Exit, Expired};

/// Where greenlets are spawned that may borrow. Mirrors [`std::thread::Scope`].
#[repr(transparent)]
pub struct Scope<'scope, 'env: 'scope>(greenlet::Scope<'scope, 'env>);

/// Calls `f` with a scope whose greenlets may borrow what lives outside of it, and returns when all
/// have ended.
///
/// Mirrors [`std::thread::scope`]. If `f` panics, the greenlets are waited for as well; if the
/// caller is killed in here, they are killed.
///
/// # Panics
///
/// With the panic of `f`; and if a greenlet panicked that nobody has joined.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::thread;
///
/// let mut numbers = vec![1, 2, 3];
/// let sum = thread::scope(|scope| {
///     let sum = scope.spawn(|| numbers.iter().sum::<i32>());
///     sum.join().unwrap()
/// });
/// numbers.push(sum);
/// assert_eq!(numbers, [1, 2, 3, 6]);
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let mut panicked = None;
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        greenlet::scope(|inner| {
            let called = panic::catch_unwind(AssertUnwindSafe(|| f(Scope::of(inner))));
            match called {
                Ok(value) => Some(value),
                // A kill or a timeout is not the program's panic: it ends the greenlets too.
                Err(payload) if payload.is::<Exit>() || payload.is::<Expired>() => {
                    panic::resume_unwind(payload)
                }
                Err(payload) => {
                    panicked = Some(payload);
                    None
                }
            }
        })
    }));
    if let Some(payload) = panicked {
        panic::resume_unwind(payload);
    }
    match ended {
        Ok(value) => value.expect("without a panic there is a value"),
        Err(payload) if payload.is::<Exit>() || payload.is::<Expired>() => {
            panic::resume_unwind(payload)
        }
        Err(_) => panic!("a scoped thread panicked"),
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    fn of(inner: &'scope greenlet::Scope<'scope, 'env>) -> &'scope Scope<'scope, 'env> {
        // SAFETY: `Scope` is transparent, so the pointer, which comes from a reference, is valid,
        // aligned and points to an initialized `Scope`; the lifetimes are the same, and both are
        // shared.
        unsafe { &*ptr::from_ref(inner).cast() }
    }

    /// Runs `f` as a greenlet, which has ended when the scope ends. Mirrors
    /// [`std::thread::Scope::spawn`].
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        Builder::new().spawn_scoped(self, f).expect("failed to spawn thread")
    }

    #[track_caller]
    pub(super) fn spawn_known<F, T>(
        &'scope self,
        builder: greenlet::Builder,
        thread: Thread,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let own = thread.clone();
        let greenlet = self.0.spawn_with(builder, move || {
            own.adopt();
            f()
        })?;
        Ok(ScopedJoinHandle { greenlet, thread })
    }
}

/// The right to join a greenlet of a scope. Mirrors [`std::thread::ScopedJoinHandle`].
pub struct ScopedJoinHandle<'scope, T> {
    greenlet: ScopedGreenlet<'scope, T>,
    thread: Thread,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// The greenlet, to unpark it or to ask for its name. Mirrors
    /// [`std::thread::ScopedJoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Waits until the greenlet has ended, and returns its result, or what it panicked with.
    ///
    /// Mirrors [`std::thread::ScopedJoinHandle::join`].
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join`](super::JoinHandle::join).
    pub fn join(self) -> Result<T> {
        as_std(self.greenlet.join())
    }

    /// Whether the greenlet has ended. Mirrors [`std::thread::ScopedJoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.greenlet.is_finished()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}

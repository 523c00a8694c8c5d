//! The hub of this thread, one load away.
//!
//! Everything that waits, wakes or spawns asks for it, some of them ten times. A thread-local that
//! has to be dropped is a call, and two questions: has it been made, is it gone? So a plain pointer
//! lies beside it, which is null in both cases.
//!
//! # Why this file is unsafe
//!
//! It follows that pointer.
#![allow(unsafe_code)]

use std::cell::{Cell, OnceCell};
use std::io;
use std::ptr;

use super::core::Core;

thread_local! {
    static OWNER: OnceCell<Owner> = const { OnceCell::new() };
    /// The hub in `OWNER`; null before it is made, and from when it is dropped.
    static HERE: Cell<*const Core> = const { Cell::new(ptr::null()) };
}

struct Owner(Core);

impl Drop for Owner {
    fn drop(&mut self) {
        HERE.set(ptr::null());
    }
}

/// Calls `f` with this thread's hub, made at the first use.
///
/// # Panics
///
/// If the kernel gives no descriptor for it, or if the thread is ending.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(&Core) -> R) -> R {
    let mut core = HERE.get();
    if core.is_null() {
        core = first_use();
    }
    // SAFETY: it is not null, so it is the hub that `OWNER` holds. That stays where it is until the
    // thread ends; then its destructor makes `HERE` null, and runs when nothing else does in this
    // thread, so not before `f` has returned. (Greenlets that are left then never go on.)
    f(unsafe { &*core })
}

/// Calls `f` with this thread's hub, if it has one.
#[inline(always)]
pub(crate) fn try_with<R>(f: impl FnOnce(&Core) -> R) -> Option<R> {
    // SAFETY: null, or as in `with`.
    unsafe { HERE.get().as_ref() }.map(f)
}

/// Sees to it that this thread has a hub.
///
/// # Errors
///
/// If the kernel gives no descriptor for it.
///
/// # Panics
///
/// If the thread is ending.
#[inline]
pub(crate) fn make() -> io::Result<()> {
    if HERE.get().is_null() { OWNER.with(fill).map(|_| ()) } else { Ok(()) }
}

/// Whether this thread has a hub, or can be given one.
pub(crate) fn is_available() -> bool {
    !HERE.get().is_null() || OWNER.try_with(|owner| fill(owner).is_ok()) == Ok(true)
}

#[cold]
#[track_caller]
fn first_use() -> *const Core {
    match OWNER.with(fill) {
        Ok(core) => core,
        Err(error) => panic!("this thread's hub could not be made: {error}"),
    }
}

fn fill(owner: &OnceCell<Owner>) -> io::Result<*const Core> {
    if owner.get().is_none() {
        let core = Core::new()?;
        // From now on it stays where it is.
        owner.get_or_init(|| Owner(core)).0.heed_monitor();
    }
    let core = owner.get().map_or(ptr::null(), |owner| &raw const owner.0);
    HERE.set(core);
    Ok(core)
}

//! Where a thread and its hub say, for themselves, who runs and how often that has changed.
//!
//! Both write there anyhow, at every switch, and do so as they would if nobody looked. A hub shows the
//! place to the monitor's thread while it is listed, and takes it back before it ends.
//!
//! # Why this file is unsafe
//!
//! The places are a hub's and its thread's own, and another thread reads them through pointers. Their own
//! thread reads them as if they were not shared.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// A count that its own thread reads and changes as cheaply as an ordinary one.
#[derive(Default)]
pub(crate) struct Counter {
    count: AtomicU64,
    own_thread: OwnThread,
}

/// Who has a reference is the thread that writes: others have a [`Spot`].
type OwnThread = PhantomData<Cell<()>>;

impl Counter {
    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        // SAFETY: it is valid, and no other thread writes there.
        unsafe { self.count.as_ptr().read() }
    }

    #[inline(always)]
    pub(crate) fn set(&self, count: u64) {
        self.count.store(count, Ordering::Relaxed);
    }

    /// As [`get`](Self::get), for another thread.
    pub(crate) fn load(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Who runs on a thread, as the thread itself notes it.
pub(crate) struct Current {
    running: AtomicPtr<()>,
    own_thread: OwnThread,
}

impl Current {
    pub(crate) const fn nobody() -> Current {
        Current { running: AtomicPtr::new(ptr::null_mut()), own_thread: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn get<T>(&self) -> *const T {
        // SAFETY: it is valid, and no other thread writes there.
        unsafe { self.running.as_ptr().read() }.cast_const().cast()
    }

    #[inline(always)]
    pub(crate) fn set<T>(&self, running: *const T) {
        self.running.store(running.cast_mut().cast(), Ordering::Relaxed);
    }
}

/// The places of one hub.
pub(crate) struct Places {
    pub(crate) current: NonNull<Current>,
    /// Main is suspended: what runs in its place is the loop.
    pub(crate) main_is_away: NonNull<AtomicBool>,
    pub(crate) switches: NonNull<Counter>,
    pub(crate) turns: NonNull<Counter>,
}

/// What was found there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Where the one lies that runs.
    pub(super) running: usize,
    pub(super) main_is_away: bool,
    pub(super) switches: u64,
    pub(super) turns: u64,
}

/// What another thread reads them by.
pub(crate) struct Spot(Places);

// SAFETY: what is read there is atomic, and lives while there is the `Spot`, wherever.
unsafe impl Send for Spot {}

impl Spot {
    /// # Safety
    ///
    /// All of them stay where they are until the `Spot` is dropped.
    pub(crate) unsafe fn new(places: Places) -> Spot {
        Spot(places)
    }

    pub(super) fn read(&self) -> Reading {
        let Places { current, main_is_away, switches, turns } = &self.0;
        // SAFETY: who made this has promised that they are there. Only what is atomic is read, and
        // it is written as that.
        unsafe {
            Reading {
                running: current.as_ref().running.load(Ordering::Relaxed).addr(),
                main_is_away: main_is_away.as_ref().load(Ordering::Relaxed),
                switches: switches.as_ref().count.load(Ordering::Relaxed),
                turns: turns.as_ref().count.load(Ordering::Relaxed),
            }
        }
    }
}

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitsFor {
    /// Completes "waits …".
    pub(crate) text: &'static str,
    /// The number of what is waited for, if that is told.
    pub(crate) number: Option<u64>,
    /// The same, if it is one of the same thread.
    pub(crate) listed: Option<u32>,
}

/// What asks one who is listed what it waits for.
pub(crate) type Ask = unsafe fn(NonNull<()>) -> Option<WaitsFor>;

/// One who is listed, to be asked by another thread.
pub(crate) struct Asked {
    whom: NonNull<()>,
    ask: Ask,
}

// SAFETY: who made this has promised that any thread may ask.
unsafe impl Send for Asked {}

impl Asked {
    /// # Safety
    ///
    /// Any thread may call `ask` with `whom`, until this is dropped.
    pub(crate) unsafe fn new(whom: NonNull<()>, ask: Ask) -> Asked {
        Asked { whom, ask }
    }

    /// `None` if it does not wait.
    pub(super) fn waits_for(&self) -> Option<WaitsFor> {
        // SAFETY: this exists.
        unsafe { (self.ask)(self.whom) }
    }

    /// Where it lies.
    pub(super) fn address(&self) -> usize {
        self.whom.addr().get()
    }
}

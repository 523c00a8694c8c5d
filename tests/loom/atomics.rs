//! loom's atomics and locks, where greenhub has std's.

pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use loom::{hint, thread};

use loom::sync::atomic::{self, fence};

/// loom takes an access that is `SeqCst` for one that is `AcqRel`, but fences as they are. So what writes is
/// followed by a fence here, which is what x86 makes of it, and no more than the language promises.
#[derive(Debug)]
pub(crate) struct AtomicBool(atomic::AtomicBool);

impl AtomicBool {
    pub(crate) fn new(value: bool) -> AtomicBool {
        AtomicBool(atomic::AtomicBool::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.0.store(value, order);
        fence_if_sequential(order);
    }

    pub(crate) fn swap(&self, value: bool, order: Ordering) -> bool {
        let before = self.0.swap(value, order);
        fence_if_sequential(order);
        before
    }
}

fn fence_if_sequential(order: Ordering) {
    if order == Ordering::SeqCst {
        fence(Ordering::SeqCst);
    }
}

/// The owner of a lock has no fence but this, as whoever takes the lock away has every thread go through a
/// barrier. That such a barrier and this make a pair is what the kernel promises: as if both were
/// fences. So both are fences here; whether the kernel keeps its word is not tested.
pub(crate) fn compiler_fence(order: Ordering) {
    fence(order);
}

pub(crate) mod barrier {
    pub(crate) fn is_available() -> bool {
        true
    }

    pub(crate) fn in_every_thread() -> bool {
        super::fence(super::Ordering::SeqCst);
        true
    }
}

/// A value that loom watches: two that reach for it, neither of whom has heard of the other, are told of.
pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0.with_mut(|value| value)
    }
}

/// A number of this thread's own. As the address that it is elsewhere, it is a multiple of four.
pub(crate) fn this_thread() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    loom::thread_local! {
        static HERE: usize = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) * 4;
    }
    HERE.with(|here| *here)
}

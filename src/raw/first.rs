//! What a fiber's first resume runs: a closure without its type, kept in the fiber itself.
//!
//! It waits there and not on the fiber's stack, since the fiber has none until it begins; and not
//! in a box, since that is an allocation for each spawn. Only what is larger than the room
//! has one. It is read once, right onto the stack that it runs on: to move it about costs more
//! than the rest of a spawn, because the processor does not forward what was just
//! written in words to a load that is wider.
//!
//! # Why this file is unsafe
//!
//! The closure lies in untyped room, next to the function that knows its type.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

/// Enough for a handle, a stream, and a few words or pointers.
type Room = MaybeUninit<[usize; 6]>;

#[derive(Clone, Copy)]
enum Act {
    Run,
    Drop,
}

/// Takes what lies in the room out of it, and runs or drops it.
type Acts = unsafe fn(*mut Room, Act);

pub(super) struct First {
    room: UnsafeCell<Room>,
    /// `None` while the room is empty.
    acts: Cell<Option<Acts>>,
}

impl First {
    pub(super) const fn empty() -> First {
        First { room: UnsafeCell::new(MaybeUninit::uninit()), acts: Cell::new(None) }
    }

    /// Keeps `body`. Nothing may be there: it would leak.
    #[inline]
    pub(super) fn put(&self, body: impl FnOnce() + 'static) {
        if fits(&body) {
            self.put_in_place(body);
        } else {
            self.put_in_place(Box::new(body));
        }
    }

    #[inline]
    fn put_in_place<F: FnOnce() + 'static>(&self, body: F) {
        const { assert!(size_of::<Box<F>>() <= size_of::<Room>()) };
        debug_assert!(self.acts.get().is_none(), "what was there would leak");
        // SAFETY: the room is large enough for `F` and aligned for it (`fits`; a box fits always).
        // Nothing refers to it, as a `First` is of one thread and lends its room to nobody.
        unsafe { self.room.get().cast::<F>().write(body) };
        self.acts.set(Some(act::<F>));
    }

    /// Runs what was put, if something is there.
    #[inline]
    pub(super) fn run(&self) {
        self.act(Act::Run);
    }

    /// Drops what was put, if something is there.
    pub(super) fn clear(&self) {
        self.act(Act::Drop);
    }

    #[inline]
    fn act(&self, how: Act) {
        if let Some(acts) = self.acts.take() {
            // SAFETY: `acts` was stored together with what lies in the room, whose type it knows,
            // and was taken, so that this happens once.
            unsafe { acts(self.room.get(), how) };
        }
    }
}

#[inline]
const fn fits<F>(_: &F) -> bool {
    size_of::<F>() <= size_of::<Room>() && align_of::<F>() <= align_of::<Room>()
}

/// # Safety
///
/// An `F` lies in `room`, and is not used again.
unsafe fn act<F: FnOnce()>(room: *mut Room, how: Act) {
    // SAFETY: as the caller promises.
    let body = unsafe { room.cast::<F>().read() };
    match how {
        Act::Run => body(),
        Act::Drop => drop(body),
    }
}

impl Drop for First {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn what_is_put_runs_once() {
        let count = Rc::new(Cell::new(0));
        let first = First::empty();
        let seen = Rc::clone(&count);
        first.put(move || seen.set(seen.get() + 1));
        first.run();
        first.run();
        assert_eq!((count.get(), Rc::strong_count(&count)), (1, 1));
    }

    #[test]
    fn what_does_not_run_is_dropped_once() {
        let token = Rc::new(());
        let first = First::empty();
        let captured = Rc::clone(&token);
        first.put(move || drop(captured));
        drop(first);
        assert_eq!(Rc::strong_count(&token), 1);
    }

    #[test]
    fn what_is_large_or_strictly_aligned_runs_as_well() {
        #[repr(align(64))]
        struct Aligned(u8);
        let sum = Rc::new(Cell::new(0));
        let first = First::empty();
        let (large, seen) = ([1u8; 5000], Rc::clone(&sum));
        first.put(move || seen.set(seen.get() + large.iter().map(|n| u32::from(*n)).sum::<u32>()));
        first.run();
        let (aligned, seen) = (Aligned(7), Rc::clone(&sum));
        first.put(move || {
            assert_eq!((&raw const aligned).addr() % 64, 0);
            seen.set(seen.get() + u32::from(aligned.0));
        });
        first.run();
        assert_eq!(sum.get(), 5007);
    }
}

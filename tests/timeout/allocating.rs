//! That setting a limit takes no memory from the allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use greenhub::{with_timeout, yield_now};

use crate::support::in_main_and_in_a_greenlet;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread.
struct Counting;

// SAFETY: it is the system's, whose obligations the caller meets; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_limit_that_is_not_reached_allocates_nothing() {
    in_main_and_in_a_greenlet(|| {
        let block = || with_timeout(Duration::from_secs(60), yield_now).is_ok();
        let nested = || with_timeout(Duration::from_secs(60), block);
        // The first ones make room, here and in the hub, which looks once in a turn.
        (0..200).for_each(|_| assert_eq!(nested(), Ok(true)));
        let before = ALLOCATIONS.get();
        for _ in 0..1000 {
            assert_eq!(nested(), Ok(true));
        }
        assert_eq!(ALLOCATIONS.get(), before);
    });
}

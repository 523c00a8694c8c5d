//! Where a parked greenlet stands: it is woken to write that down itself, and parks again.
//!
//! ```text
//!   asker: errand set, resume it ─▶ …it writes, errand done ─▶ it suspends again ─▶ asker goes on
//! ```
//!
//! It is run on top of whoever asks, beside the ready queue, as one is that nobody can reach any
//! more. Its wait is not touched: the number, the deadline, its place in a line and in the ready
//! queue stay as they are, and no clock is read. A wake cannot come meanwhile from this thread,
//! since only the capture runs, and one from another thread lies in the inbox as ever.
//!
//! What makes it sound: a fiber whose `parked` is set stands in [`waiter`](super::waiter)'s
//! `suspend`, and nowhere else. One that is run as part of a nested run is not parked, although
//! it is not the current one.

use std::backtrace::Backtrace;
use std::cell::Cell;

use super::core::Core;
use crate::config;
use crate::raw::fiber::{Command, Fiber, Head};
use crate::raw::thread;

/// Why there is no trace of a greenlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTrace {
    NotParked,
    NoRoom,
}

thread_local! {
    /// What was written down last, until the asker takes it.
    static WRITTEN: Cell<Option<Backtrace>> = const { Cell::new(None) };
}

/// Has a parked greenlet write down where it stands.
///
/// # Errors
///
/// If it is not parked, or has too little left of its stack for that.
pub(crate) fn of(fiber: &Fiber) -> Result<Backtrace, NoTrace> {
    let head = &fiber.head;
    // Main is no coroutine that could be run. The current one is not parked, unless it is at this
    // already, and its allocator asks.
    if !head.parked.get() || head.is_main() || !head.is_suspended() {
        return Err(NoTrace::NotParked);
    }
    if head.room_left() < config::ROOM_FOR_TRACE {
        return Err(NoTrace::NoRoom);
    }
    head.errand.set(true);
    thread::nested(|| fiber.resume());
    WRITTEN.try_with(Cell::take).ok().flatten().ok_or(NoTrace::NotParked)
}

/// Does what one is to do that comes back from its wait, before it goes on.
#[cold]
#[inline(never)]
pub(super) fn run_errand(core: &Core, head: &Head) {
    if head.is_main() {
        return core.panic_if_stuck();
    }
    while head.errand.replace(false) {
        WRITTEN.set(Some(Backtrace::force_capture()));
        head.parked.set(true);
        head.suspend(Command::Park);
        head.parked.set(false);
    }
}

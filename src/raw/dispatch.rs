//! The loop for threads that only switch: it runs the fiber that was switched to.
//!
//! As soon as a fiber waits there is a hub, and the hub's loop goes on from there.

use super::fiber::{Command, Step};
use super::thread::{self, Thread};
use super::trace;

/// Runs fibers, from the one that main has switched to, until main is switched to.
#[inline]
pub(crate) fn run(thread: &Thread) {
    loop {
        let next = thread.target.borrow_mut().take().expect("a switch names its target");
        if next.head.is_main() {
            return;
        }
        let step =
            if thread.tracing.is_on() { trace::resume(thread, &next) } else { next.resume() };
        if step == Step::Finished {
            thread::set_current(thread.main_head());
            next.retire(thread);
        }
        let has_target = match step {
            Step::Suspended(Command::Switch) => true,
            Step::Suspended(Command::Yield) if thread.scheduler.get().is_none() => {
                // Without a hub there is no one to let run first.
                *thread.target.borrow_mut() = Some(next);
                continue;
            }
            Step::Suspended(_) => false,
            Step::Finished => thread.target.borrow().is_some(),
        };
        if !has_target {
            let scheduler = thread.scheduler.get().expect("only a hub's fibers wait");
            return scheduler(thread, next, step);
        }
    }
}

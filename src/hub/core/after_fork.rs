//! The hub in a forked child: empty, though its parent's was not.
//!
//! Main goes on, and with it what stands on its frames. No other greenlet does: their stacks are
//! left as they are, since what their destructors would undo is the parent's.

use std::os::fd::BorrowedFd;

use super::{Core, Due};
use crate::hub::reactor::Fresh;
use crate::pulse;
use crate::raw::fiber::{Head, Reach, WaitKind, WaitingFor};
use crate::raw::thread;

static LEFT_BEHIND: WaitKind = WaitKind {
    text: "in the process from which this one was forked",
    numbered: false,
    reach: Reach::Inside,
};

impl Core {
    /// Starts anew, with main as the current and only greenlet. `replace` puts a fresh descriptor
    /// in the place of an old one. The first wait that follows has the number that is returned.
    pub(crate) fn renew(
        &self,
        fresh: &Fresh,
        replace: impl Fn(BorrowedFd<'_>, BorrowedFd<'_>),
    ) -> u64 {
        self.reactor.renew(fresh, replace);
        self.ready.leak();
        self.callbacks.leak();
        self.idlers.take();
        self.background.take();
        // The monitor is the parent's.
        self.monitor.set(pulse::State::Off);
        thread::with(|thread| thread.listed.set(None));
        leave_the_others_behind();
        self.timers.borrow_mut().retain(is_of_main);
        for count in [&self.outside, &self.shared] {
            count.set(0);
        }
        // Sockets that were sources are to see that they are none here.
        let unused = self.next_wait.get().max(self.reactor.next_number()) + 1;
        self.next_wait.set(unused);
        self.reactor.number_sources_from(unused);
        self.term.set(unused);
        unused
    }
}

/// Whether it is one that goes on in the parent, and here never.
pub(crate) fn is_left_behind(head: &Head) -> bool {
    std::ptr::eq(head.waiting_for.get().kind, &raw const LEFT_BEHIND)
}

/// No waker and no timer finds them waiting any more.
fn leave_the_others_behind() {
    for fiber in thread::with(thread::Thread::fibers) {
        let head = &fiber.head;
        // One in a raw switch belongs to whoever has it, which may be main.
        if !head.is_main() && head.mailbox.get().is_null() {
            head.wait.set(0);
            head.parked.set(false);
            head.waiting_for.set(WaitingFor::new(&LEFT_BEHIND, 0));
        }
    }
}

/// Main may be in a block that is to expire, also here.
fn is_of_main(due: &Due) -> bool {
    match *due {
        Due::Wake { .. } => false,
        Due::Timeout(scope) => {
            thread::with(|thread| thread.scopes.fiber(scope) == thread.main_head().id.get())
        }
    }
}

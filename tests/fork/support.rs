//! What the tests share.
#![allow(unsafe_code)]

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use greenhub::os::{Fork, fork};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::bounded;

/// A child that has been forked.
pub(crate) struct Child(Pid);

/// Runs `body` in a child, which ends with it.
pub(crate) fn in_child(body: impl FnOnce()) -> Child {
    // SAFETY: the other threads of a test only wait for it to end.
    match unsafe { fork() }.unwrap() {
        Fork::Parent(child) => Child(Pid::from_raw(child.cast_signed()).unwrap()),
        Fork::Child => {
            // What hangs is ended by the kernel.
            // SAFETY: it sets a timer.
            unsafe { libc::alarm(20) };
            let failed = catch_unwind(AssertUnwindSafe(body)).is_err();
            // SAFETY: it ends the child, without the destructors of the test.
            unsafe { libc::_exit(i32::from(failed)) }
        }
    }
}

impl Child {
    /// Waits until it has ended, while greenlets run.
    pub(crate) fn end(self) -> WaitStatus {
        loop {
            if let Some((_, status)) = waitpid(Some(self.0), WaitOptions::NOHANG).unwrap() {
                return status;
            }
            greenhub::sleep(Duration::from_millis(1));
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) {
        let status = self.end();
        assert_eq!(status.exit_status(), Some(0), "{status:?}");
    }

    pub(crate) fn send(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.0, signal).unwrap();
    }
}

pub(crate) fn brief() {
    greenhub::sleep(Duration::from_millis(10));
}

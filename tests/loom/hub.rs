//! The files of the hub that threads share, and stand-ins for what they use.

#[path = "../../src/hub/bell.rs"]
pub(crate) mod bell;
#[path = "../../src/hub/inbox.rs"]
pub(crate) mod inbox;

mod door;

/// Inboxes that no hub owns.
pub(crate) mod inboxes {
    use std::num::NonZeroU32;

    use loom::sync::Mutex;

    use super::inbox::{HubNumber, Inbox};

    loom::lazy_static! {
        static ref UNOWNED: Mutex<Vec<&'static Inbox>> = Mutex::new(Vec::new());
    }

    /// As greenhub's, but that there is one inbox.
    pub(crate) fn unowned() -> &'static Inbox {
        let unowned = UNOWNED.lock().unwrap().pop();
        unowned.unwrap_or_else(|| Box::leak(Box::new(Inbox::new(HubNumber(NonZeroU32::MIN)))))
    }

    pub(crate) fn give_back(inbox: &'static Inbox) {
        UNOWNED.lock().unwrap().push(inbox);
    }
}

/// A descriptor that a hub sleeps at. What is written to it stays until the hub has seen it.
pub(crate) mod reactor {
    use std::io;
    use std::os::fd::BorrowedFd;

    use loom::sync::Notify;

    pub(crate) struct Notifier(Notify);

    impl Notifier {
        pub(crate) fn new() -> Notifier {
            Notifier(Notify::new())
        }

        pub(crate) fn notify(&self) {
            self.0.notify();
        }

        /// Sleeps until something is written, or for less, as one does who has a deadline.
        pub(crate) fn sleep(&self) {
            self.0.wait();
        }

        pub(crate) fn delete(&self, _: BorrowedFd<'_>) -> io::Result<()> {
            Ok(())
        }
    }
}

pub(crate) mod turn {
    #[derive(Debug)]
    pub(crate) enum WaitError {
        TimedOut,
        Unwinding,
    }

    impl From<super::waiter::Unwinding> for WaitError {
        fn from(_: super::waiter::Unwinding) -> Self {
            WaitError::Unwinding
        }
    }
}

/// A greenlet is a thread here, which parks by sleeping.
pub(crate) mod waiter {
    use std::ptr;

    use loom::sync::Notify;

    use crate::clock::Moment;
    use crate::raw::fiber::WaitKind;

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(crate) enum Woken {
        ByWaker,
        ByDeadline,
    }

    #[derive(Debug)]
    pub(crate) struct Unwinding;

    #[derive(Clone, Copy)]
    pub(crate) struct Waker(&'static Notify);

    impl PartialEq for Waker {
        fn eq(&self, other: &Waker) -> bool {
            ptr::eq(self.0, other.0)
        }
    }

    impl Waker {
        pub(crate) fn wake(self) -> bool {
            self.0.notify();
            true
        }

        pub(crate) fn is_orphaned(self) -> bool {
            false
        }
    }

    pub(crate) fn park(
        _: &'static WaitKind,
        _: u64,
        _: Moment,
        announce: impl FnOnce(Waker),
    ) -> Result<Woken, Unwinding> {
        loom::thread_local! {
            // One for all waits of a thread: loom ends one wait without a cause for each that there is.
            static SLEEPER: &'static Notify = Box::leak(Box::new(Notify::new()));
        }
        let sleeper = SLEEPER.with(|sleeper| *sleeper);
        announce(Waker(sleeper));
        sleeper.wait();
        Ok(Woken::ByWaker)
    }
}

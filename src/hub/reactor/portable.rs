//! The reactor on other systems: `polling`, in edge mode where it has that.
//!
//! Each wait makes a few more system calls than on Linux, and a peer's close is not reported
//! with the last bytes, so every read goes on until it would block.

use std::cell::RefCell;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use polling::{Event, Events, PollMode, Poller};
use rustix::event::PollFlags;

use super::Readiness;
use crate::clock::Moment;
use crate::config;

pub(super) struct Backend {
    poller: Arc<Notifier>,
    events: RefCell<Events>,
}

/// What other threads may do: wake the hub, and end its interest in a descriptor.
pub(crate) struct Notifier(Poller);

impl Notifier {
    pub(crate) fn notify(&self) {
        // It fails only where the hub is gone.
        let _ = self.0.notify();
    }

    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.0.delete(fd)
    }
}

/// What a hub would go on with in a forked child: nothing can be had here that would do.
pub(crate) enum Fresh {}

impl Fresh {
    pub(crate) fn new() -> io::Result<Fresh> {
        let message = "a hub cannot be forked on this system";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

/// Descriptors that are watched together, whatever else they are registered for. It is a
/// descriptor itself, which can be read when one of them may be ready.
pub(crate) struct Watch(Poller);

impl Watch {
    pub(crate) fn new() -> io::Result<Watch> {
        Ok(Watch(Poller::new()?))
    }

    /// Watches `fd`, which must not be in here yet.
    #[allow(unsafe_code)]
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, interest: PollFlags) -> io::Result<()> {
        let readable = interest.intersects(PollFlags::IN | PollFlags::PRI);
        let event = Event::new(0, readable, interest.contains(PollFlags::OUT));
        // SAFETY: the poller is dropped, and with it the interest, before the caller's borrow of
        // the descriptor ends: a watch lives within one call that borrows them all.
        let added = unsafe { self.0.add_with_mode(fd.as_raw_fd(), event, PollMode::Level) };
        match added.as_ref().map_err(io::Error::raw_os_error) {
            // It is always ready, or closed: whoever looks at it sees that, and does not wait.
            Err(Some(libc::EPERM | libc::EBADF)) => Ok(()),
            _ => added,
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Backend {
    pub(super) const REPORTS_CLOSE: bool = false;
    pub(super) const CLOSE_DELETES: bool = false;

    pub(super) fn new() -> io::Result<Backend> {
        let poller = Poller::new()?;
        if !poller.supports_edge() {
            let message = "this system's poller does not report edges";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let capacity = NonZeroUsize::new(config::EVENTS_PER_POLL).unwrap_or(NonZeroUsize::MIN);
        Ok(Backend {
            poller: Arc::new(Notifier(poller)),
            events: RefCell::new(Events::with_capacity(capacity)),
        })
    }

    pub(super) fn notifier(&self) -> &Arc<Notifier> {
        &self.poller
    }

    pub(super) fn renew(&self, fresh: &Fresh, _: impl Fn(BorrowedFd<'_>, BorrowedFd<'_>)) {
        match *fresh {}
    }

    #[allow(unsafe_code)]
    pub(super) fn add(
        &self,
        fd: BorrowedFd<'_>,
        key: u64,
        _is_free: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        let key = usize::try_from(key).map_err(|_| io::ErrorKind::OutOfMemory)?;
        // SAFETY: the source must be deleted before it is closed, which its owner does wherever
        // closing alone does not end the kernel's interest (see `io::Registration`).
        unsafe { self.poller.0.add_with_mode(fd.as_raw_fd(), Event::all(key), PollMode::Edge) }
    }

    pub(super) fn wait(
        &self,
        deadline: Option<Moment>,
        mut report: impl FnMut(Readiness),
    ) -> io::Result<()> {
        let timeout = deadline.map(|deadline| deadline.since(Moment::now()));
        let mut events = self.events.borrow_mut();
        events.clear();
        self.poller.0.wait(&mut events, timeout)?;
        for event in events.iter() {
            let broken = event.is_err().unwrap_or(false);
            report(Readiness {
                key: event.key as u64,
                readable: event.readable,
                writable: event.writable,
                ask_reading: broken || event.is_interrupt(),
                ask_writing: broken || event.is_interrupt(),
            });
        }
        Ok(())
    }
}

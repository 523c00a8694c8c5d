//! The reactor on Linux: epoll, on the descriptor of a `polling::Poller`.
//!
//! `Poller::wait` makes three to five system calls, and cannot ask for `EPOLLRDHUP`, without
//! which a short read proves nothing. So the poller owns the epoll descriptor, and
//! sources are added to it and waited for here: one call to register a source for its life,
//! one call for each wait.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use polling::Poller;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::Readiness;
use crate::clock::Moment;
use crate::config;

pub(super) struct Backend {
    notifier: Arc<Notifier>,
    events: RefCell<Vec<MaybeUninit<Event>>>,
}

/// What other threads may do: wake the hub, and end its interest in a descriptor.
pub(crate) struct Notifier {
    poller: Poller,
    counter: OwnedFd,
}

/// The key of the notifier, which is no source's: the poller keeps the one above it.
const NOTIFIED: u64 = u64::MAX - 1;

impl Notifier {
    pub(crate) fn notify(&self) {
        // It fails only when the counter is full, and then the hub has been notified.
        let _ = rustix::io::write(&self.counter, &1u64.to_ne_bytes());
    }

    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(self.poller.as_fd(), fd)?)
    }
}

/// The descriptors that a hub goes on with in a forked child. Made before the fork, so that
/// nothing can fail after it.
pub(crate) struct Fresh {
    epoll: OwnedFd,
    counter: OwnedFd,
}

impl Fresh {
    pub(crate) fn new() -> io::Result<Fresh> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Fresh { counter: counter(&epoll)?, epoll })
    }
}

/// What other threads write to, to have a hub look up from `epoll`.
fn counter(epoll: impl AsFd) -> io::Result<OwnedFd> {
    let counter = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    // Edges again: each write is a change, so nobody ever has to read the counter.
    epoll::add(epoll, &counter, EventData::new_u64(NOTIFIED), EventFlags::IN | EventFlags::ET)?;
    Ok(counter)
}

/// Descriptors that are watched together, whatever else they are registered for. It is a
/// descriptor itself, which can be read when one of them may be ready.
pub(crate) struct Watch(OwnedFd);

impl Watch {
    pub(crate) fn new() -> io::Result<Watch> {
        Ok(Watch(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    /// Watches `fd`, which must not be in here yet.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, interest: PollFlags) -> io::Result<()> {
        // poll's flags and epoll's are the same bits. Without edges, as polling them would be.
        let flags = EventFlags::from_bits_truncate(u32::from(interest.bits()));
        match epoll::add(&self.0, fd, EventData::new_u64(0), flags) {
            // It is always ready, or closed: whoever looks at it sees that, and does not wait.
            Err(Errno::PERM | Errno::BADF) => Ok(()),
            added => Ok(added?),
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Readable while an event lies there that [`Backend::wait`] has not taken.
impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }
}

impl Backend {
    pub(super) const REPORTS_CLOSE: bool = true;
    pub(super) const CLOSE_DELETES: bool = true;

    pub(super) fn new() -> io::Result<Backend> {
        let poller = Poller::new()?;
        let counter = counter(&poller)?;
        Ok(Backend {
            notifier: Arc::new(Notifier { poller, counter }),
            events: RefCell::new(vec![MaybeUninit::uninit(); config::EVENTS_PER_POLL]),
        })
    }

    pub(super) fn notifier(&self) -> &Arc<Notifier> {
        &self.notifier
    }

    /// The poller and the counter keep their numbers, and name other files from now on.
    pub(super) fn renew(&self, fresh: &Fresh, replace: impl Fn(BorrowedFd<'_>, BorrowedFd<'_>)) {
        replace(self.notifier.poller.as_fd(), fresh.epoll.as_fd());
        replace(self.notifier.counter.as_fd(), fresh.counter.as_fd());
    }

    /// Registers a descriptor. `is_free` says whether no source has its number, should the kernel know
    /// it already.
    pub(super) fn add(
        &self,
        fd: BorrowedFd<'_>,
        key: u64,
        is_free: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        // PRI, because a read stops short at urgent data, however much lies behind it.
        let flags =
            EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::PRI | EventFlags::ET;
        let data = EventData::new_u64(key);
        match epoll::add(&self.notifier.poller, fd, data, flags) {
            // A duplicate, made behind our back, kept the interest of a descriptor that was closed,
            // and has its number now. The new key takes the place of the old, which is nobody's.
            Err(Errno::EXIST) if is_free() => {
                Ok(epoll::modify(&self.notifier.poller, fd, data, flags)?)
            }
            added => Ok(added?),
        }
    }

    pub(super) fn wait(
        &self,
        deadline: Option<Moment>,
        mut report: impl FnMut(Readiness),
    ) -> io::Result<()> {
        let timeout = deadline.map(until).transpose()?;
        let mut events = self.events.borrow_mut();
        let answer = epoll::wait(&self.notifier.poller, &mut events[..], timeout.as_ref());
        #[cfg(feature = "sanitizer")]
        let answer = match answer {
            Err(Errno::NOSYS) => crate::sanitizer::wait_by_older_call(
                self.notifier.poller.as_fd(),
                &mut events[..],
                timeout.as_ref(),
            ),
            answer => answer,
        };
        let (events, _) = answer?;
        for event in events {
            if event.data.u64() < NOTIFIED {
                report(readiness(event));
            }
        }
        Ok(())
    }
}

/// How long it is until `deadline`.
fn until(deadline: Moment) -> io::Result<Timespec> {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    if deadline == Moment::ZERO {
        return Ok(zero);
    }
    let span = deadline.since(Moment::now());
    Timespec::try_from(span).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn readiness(event: &Event) -> Readiness {
    let flags = event.flags;
    let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    Readiness {
        key: event.data.u64(),
        readable: flags.contains(EventFlags::IN),
        writable: flags.contains(EventFlags::OUT),
        ask_reading: broken || flags.intersects(EventFlags::RDHUP | EventFlags::PRI),
        ask_writing: broken,
    }
}

//! Several descriptors at once, whoever owns them and whatever else waits for them.
//!
//! The kernel takes a descriptor into a hub's interest once, and there it may be a socket's
//! source, with a state that belongs to that socket. So a call that has to wait makes a [`Watch`]
//! of its own, has the hub wait for that, and asks `poll(2)` after each report. The watch
//! goes with the call, however that is left, and takes all its interest along.

use std::fmt;
use std::io;
use std::ops::BitOr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{self, PollFlags, Timespec};

use super::cooperative::Cooperative;
use crate::clock::Moment;
use crate::hub::core;
use crate::hub::reactor::Watch;
use crate::hub::waiter::{self, Unwinding};
use crate::raw::fiber::{Reach, WaitKind};

/// What a descriptor is asked for. Two are joined by `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(PollFlags);

impl Interest {
    /// Only for what is always told: an error, and the other side's hanging up.
    pub const NONE: Interest = Interest(PollFlags::empty());
    /// Something can be read, the end included.
    pub const READABLE: Interest = Interest(PollFlags::IN);
    /// Something can be written.
    pub const WRITABLE: Interest = Interest(PollFlags::OUT);
    /// Urgent data of a TCP connection.
    pub const URGENT: Interest = Interest(PollFlags::PRI);
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

/// A descriptor, what it is asked for, and what [`poll()`] found. Mirrors C's `struct pollfd`.
#[derive(Clone)]
pub struct PollFd<'fd> {
    fd: BorrowedFd<'fd>,
    asked: PollFlags,
    found: PollFlags,
}

impl<'fd> PollFd<'fd> {
    /// Asks `fd` for `interest`; nothing has been found yet.
    pub fn new(fd: &'fd impl AsFd, interest: Interest) -> PollFd<'fd> {
        PollFd { fd: fd.as_fd(), asked: interest.0, found: PollFlags::empty() }
    }

    /// Whether anything was found.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.found.is_empty()
    }

    /// Whether a read returns at once: data, the end, or an error.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.found.intersects(PollFlags::IN | ENDED)
    }

    /// Whether a write returns at once: there is room, or an error.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.found.intersects(PollFlags::OUT | ENDED)
    }

    /// Whether there is urgent data.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.found.contains(PollFlags::PRI)
    }

    /// Whether the other side has hung up.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.found.contains(PollFlags::HUP)
    }

    /// Whether there is an error to be read off.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.found.contains(PollFlags::ERR)
    }

    /// Whether the descriptor is not open (`POLLNVAL`).
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.found.contains(PollFlags::NVAL)
    }
}

impl fmt::Debug for PollFd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollFd")
            .field("fd", &self.fd.as_raw_fd())
            .field("asked", &self.asked)
            .field("found", &self.found)
            .finish()
    }
}

/// Nothing more is to be waited for, in either direction.
const ENDED: PollFlags = PollFlags::HUP.union(PollFlags::ERR);

static NO_DESCRIPTOR: WaitKind =
    WaitKind { text: "for one of no descriptors", numbered: false, reach: Reach::Inside };

/// Waits until at least one of `fds` is ready, for at most `limit`; returns how many are.
///
/// Only this greenlet waits. A limit of zero only looks, and when the limit is over the answer is
/// zero. A descriptor may be there more than once, other greenlets may wait for it too, and it may
/// be a [`Cooperative`]'s. What the kernel cannot wait for, such as a regular file, is always
/// ready, and so is a descriptor that is not open (see [`PollFd::is_invalid`]). Mirrors
/// `gevent.select.poll` and C's `poll`.
///
/// # Errors
///
/// If there are more `fds` than the process may have open, if there is no descriptor for the
/// wait, or if the greenlet is unwinding and would have to wait.
///
/// # Panics
///
/// In a callback of the hub's loop, if it would have to wait.
///
/// # Examples
///
/// ```
/// use greenhub::io::{Interest, PollFd, poll};
/// use std::io::{Write, pipe};
///
/// let (quiet, _kept) = pipe()?;
/// let (heard, mut voice) = pipe()?;
/// greenhub::spawn(move || voice.write_all(b"hello"));
/// let mut asked =
///     [PollFd::new(&quiet, Interest::READABLE), PollFd::new(&heard, Interest::READABLE)];
/// assert_eq!(poll(&mut asked, None)?, 1);
/// assert!(asked[1].is_readable() && !asked[0].is_ready());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn poll(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<usize> {
    core::spend_operation();
    let mut found = look(fds)?;
    if found == 0 && limit != Some(Duration::ZERO) {
        found = if fds.is_empty() { wait_for_none(limit)? } else { wait_for_any(fds, limit)? };
    }
    Ok(found)
}

/// Asks the kernel, without waiting; returns how many are ready.
fn look(fds: &mut [PollFd<'_>]) -> io::Result<usize> {
    let mut asked: Vec<_> =
        fds.iter().map(|fd| event::PollFd::from_borrowed_fd(fd.fd, fd.asked)).collect();
    let found = rustix::io::retry_on_intr(|| event::poll(&mut asked, Some(&Timespec::default())))?;
    for (fd, asked) in fds.iter_mut().zip(&asked) {
        fd.found = asked.revents();
    }
    Ok(found)
}

fn wait_for_any(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<usize> {
    let watch = Cooperative::from_fresh(watch(fds)?);
    watch.set_read_timeout(limit)?;
    let found = watch.read_with(|_| match look(fds)? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        found => Ok(found),
    });
    match found {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        found => found,
    }
}

/// A watch over all of `fds`, each once.
fn watch(fds: &[PollFd<'_>]) -> io::Result<Watch> {
    let watch = Watch::new()?;
    let mut asked: Vec<_> = fds.iter().map(|fd| (fd.fd, fd.asked)).collect();
    asked.sort_unstable_by_key(|(fd, _)| fd.as_raw_fd());
    for same in asked.chunk_by(|a, b| a.0.as_raw_fd() == b.0.as_raw_fd()) {
        let interest = same.iter().fold(PollFlags::empty(), |all, (_, asked)| all | *asked);
        watch.add(same[0].0, interest)?;
    }
    Ok(watch)
}

/// Nothing will ever be ready, which the hub may report.
fn wait_for_none(limit: Option<Duration>) -> io::Result<usize> {
    let deadline = limit.map_or(Moment::NEVER, Moment::after);
    match waiter::park(&NO_DESCRIPTOR, 0, deadline, |_| ()) {
        Ok(_) => Ok(0),
        Err(Unwinding) => Err(io::Error::other("a greenlet cannot wait while it unwinds")),
    }
}

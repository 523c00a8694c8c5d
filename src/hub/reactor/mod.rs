//! Who waits for which descriptor.
//!
//! A descriptor becomes a *source* when a greenlet first has to wait for it, and stays one until
//! its owner drops it. The kernel reports changes (edges), not states, so each direction of
//! a source remembers whether an operation may succeed:
//!
//! ```text
//!   ready ──an operation would block, or took less than it could──▶ drained
//!   drained ──the kernel reports a change──▶ ready, and all who wait are woken, in order
//! ```
//!
//! An operation on a ready direction is tried; on a drained one it parks without asking the
//! kernel. Once the peer has closed its side no further change will be reported, and a read
//! stops short at urgent data: in such a direction every operation asks the kernel.
//!
//! A source's key holds a number that no other source of this hub has, so an event for
//! a descriptor that was closed reaches nobody, whoever has its descriptor number now.

#[cfg_attr(all(target_os = "linux", not(greenhub_portable)), path = "epoll.rs")]
#[cfg_attr(not(all(target_os = "linux", not(greenhub_portable))), path = "portable.rs")]
mod backend;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

use slab::Slab;

use self::backend::Backend;
pub(crate) use self::backend::{Fresh, Notifier, Watch};
use super::wait_queue::WaitQueue;
use super::waiter::Waker;
use crate::clock::Moment;

/// Whether a read that returns less than there was room for says that a stream is drained.
/// It takes a kernel interface that reports a peer's close together with the last bytes.
pub(crate) const SHORT_READ_DRAINS: bool = Backend::REPORTS_CLOSE;

/// Whether closing the last descriptor of a file ends the kernel's interest in it.
pub(crate) const CLOSE_DELETES: bool = Backend::CLOSE_DELETES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What the kernel says of one source.
#[derive(Clone, Copy, Debug, Default)]
struct Readiness {
    key: u64,
    readable: bool,
    writable: bool,
    /// There may be more to read than a short read shows, and no further report of it.
    ask_reading: bool,
    /// The same for writing.
    ask_writing: bool,
}

pub(crate) struct Reactor {
    backend: Backend,
    sources: RefCell<Slab<Source>>,
    /// Greenlets that wait for a source.
    waiters: Cell<usize>,
    next_number: Cell<u64>,
    /// How often the kernel was asked.
    polls: Cell<u64>,
}

/// One cache line: among a thousand connections, each line is a miss for each request.
#[derive(Default)]
#[repr(align(64))]
struct Source {
    number: u32,
    fd: RawFd,
    reading: State,
    writing: State,
    readers: WaitQueue,
    writers: WaitQueue,
}

/// What is known of one direction.
#[derive(Default)]
struct State {
    ready: bool,
    /// The last report has come: every operation has to ask the kernel.
    always_ask: bool,
}

/// One direction of a source.
struct Side<'a> {
    state: &'a mut State,
    waiters: &'a mut WaitQueue,
}

impl Reactor {
    pub(super) fn new() -> io::Result<Reactor> {
        Ok(Reactor {
            backend: Backend::new()?,
            sources: RefCell::default(),
            waiters: Cell::new(0),
            next_number: Cell::new(1),
            polls: Cell::new(0),
        })
    }

    pub(super) fn number_sources_from(&self, number: u64) {
        self.next_number.set(number);
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next_number.get()
    }

    pub(crate) fn notifier(&self) -> &Arc<Notifier> {
        self.backend.notifier()
    }

    /// Makes `fd` a source; returns its key. It starts drained: whatever is there already
    /// is reported as a change.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where the kernel cannot wait for such a
    /// descriptor (a regular file); [`ResourceBusy`](io::ErrorKind::ResourceBusy) if it is a source
    /// already; or if the kernel has no memory.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>) -> io::Result<u64> {
        let number = self.next_number.get() as u32;
        let source = Source { number, fd: fd.as_raw_fd(), ..Source::default() };
        let slot = self.sources.borrow_mut().insert(source);
        let key = (u64::from(number) << 32) | slot as u64;
        let is_free = || {
            let sources = self.sources.borrow();
            !sources.iter().any(|(other, source)| other != slot && source.fd == fd.as_raw_fd())
        };
        if let Err(error) = self.backend.add(fd, key, is_free) {
            self.sources.borrow_mut().remove(slot);
            return Err(explain(error));
        }
        self.next_number.set(self.next_number.get() + 1);
        Ok(key)
    }

    /// Takes `fd` out of the kernel's interest. For a descriptor whose file stays open elsewhere,
    /// so that closing it would not do that.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.backend.notifier().delete(fd)
    }

    /// Forgets a source, waking who still waits for it. Unknown keys do nothing.
    pub(crate) fn forget(&self, key: u64) {
        let gone = {
            let mut sources = self.sources.borrow_mut();
            let slot = slot_of(key);
            match sources.get(slot) {
                Some(source) if source.number == number_of(key) => Some(sources.remove(slot)),
                _ => None,
            }
        };
        if let Some(mut source) = gone {
            source.readers.wake_all();
            source.writers.wake_all();
        }
    }

    /// Whether an operation in this direction may succeed without waiting.
    #[inline]
    pub(crate) fn may_succeed(&self, key: u64, direction: Direction) -> bool {
        self.side(key, direction, |side| side.state.ready || side.state.always_ask).unwrap_or(true)
    }

    /// Notes that an operation in this direction found nothing more to do.
    #[inline]
    pub(crate) fn drained(&self, key: u64, direction: Direction) {
        self.side(key, direction, |side| side.state.ready = false);
    }

    /// Puts a waiter at the end of the queue; `false` if the source is gone.
    pub(crate) fn enlist(&self, key: u64, direction: Direction, waker: Waker) -> bool {
        self.side(key, direction, |side| side.waiters.push(waker)).is_some()
    }

    /// Takes a waiter out that was not woken by the source.
    pub(crate) fn withdraw(&self, key: u64, direction: Direction, waker: Waker) {
        self.side(key, direction, |side| side.waiters.remove(waker));
    }

    /// Counts a greenlet that waits for a source, until the answer is dropped.
    pub(crate) fn count_waiter(&self) -> impl Drop + '_ {
        self.waiters.set(self.waiters.get() + 1);
        Counted(&self.waiters)
    }

    pub(crate) fn has_waiters(&self) -> bool {
        self.waiters.get() > 0
    }

    /// Takes in what the kernel has to report, without waiting.
    pub(super) fn look(&self) {
        self.wait(Some(Moment::ZERO));
    }

    /// Sleeps until the kernel reports something, someone notifies, or `deadline` has passed.
    pub(super) fn sleep(&self, deadline: Option<Moment>) {
        self.wait(deadline);
    }

    fn wait(&self, deadline: Option<Moment>) {
        self.polls.set(self.polls.get() + 1);
        let answer = self.backend.wait(deadline, |readiness| self.report(readiness));
        if let Err(error) = answer
            && error.kind() != io::ErrorKind::Interrupted
        {
            panic!("the hub can no longer wait for its descriptors: {error}");
        }
    }

    fn report(&self, event: Readiness) {
        let mut sources = self.sources.borrow_mut();
        let Some(source) = sources.get_mut(slot_of(event.key)) else { return };
        if source.number != number_of(event.key) {
            return;
        }
        source.side(Direction::Read).report(event.readable, event.ask_reading);
        source.side(Direction::Write).report(event.writable, event.ask_writing);
    }

    #[inline]
    fn side<R>(&self, key: u64, direction: Direction, f: impl FnOnce(Side<'_>) -> R) -> Option<R> {
        let mut sources = self.sources.borrow_mut();
        let source = sources.get_mut(slot_of(key))?;
        if source.number != number_of(key) {
            return None;
        }
        Some(f(source.side(direction)))
    }

    /// In a forked child: goes on with fresh descriptors, put in place of the old by `replace`,
    /// and without sources. The parent's go on where they are.
    pub(super) fn renew(&self, fresh: &Fresh, replace: impl Fn(BorrowedFd<'_>, BorrowedFd<'_>)) {
        self.backend.renew(fresh, replace);
        self.sources.take();
        self.waiters.set(0);
    }

    pub(super) fn len(&self) -> usize {
        self.sources.borrow().len()
    }

    pub(super) fn polls(&self) -> u64 {
        self.polls.get()
    }
}

impl Source {
    #[inline]
    fn side(&mut self, direction: Direction) -> Side<'_> {
        match direction {
            Direction::Read => Side { state: &mut self.reading, waiters: &mut self.readers },
            Direction::Write => Side { state: &mut self.writing, waiters: &mut self.writers },
        }
    }
}

impl Side<'_> {
    fn report(self, ready: bool, always_ask: bool) {
        self.state.always_ask |= always_ask;
        if ready || always_ask {
            self.state.ready = true;
            self.waiters.wake_all();
        }
    }
}

struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Says in words what the kernel answers for a descriptor that is always ready.
fn explain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            let message = "the kernel cannot wait for such a descriptor: regular files and \
                           directories are for `greenhub::monkey::fs`";
            io::Error::new(io::ErrorKind::Unsupported, message)
        }
        Some(libc::EEXIST) => {
            let message = "another socket or `Cooperative` waits for this descriptor already: \
                           share that one, or ask `greenhub::io::wait_readable` and its kin";
            io::Error::new(io::ErrorKind::ResourceBusy, message)
        }
        _ => error,
    }
}

#[inline]
fn slot_of(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

#[inline]
fn number_of(key: u64) -> u32 {
    (key >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_cache_line() {
        assert_eq!(size_of::<Source>(), 64);
    }
}

//! One descriptor, and how a blocking call on it becomes a wait.
//!
//! 1. If the direction may have something to do, the operation is tried.
//! 2. It would block: the direction is noted as drained.
//! 3. The greenlet parks until the kernel reports a change, its limit is over, or it is killed.
//! 4. From the start again; the limit counts from the start of the whole call.
//!
//! On a stream, a read that returns less than there was room for has drained it. The
//! next read parks at once, which saves the system call that would only say "not yet".

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::options::Options;
use super::registration::Registration;
use super::several::Wish;
use crate::clock::Moment;
use crate::hub::core::{self, Core};
use crate::hub::reactor::{Direction, Reactor, SHORT_READ_DRAINS};
use crate::hub::waiter::{self, Unwinding, Waker, Woken};
use crate::raw::fiber::{Reach, WaitKind};

/// A descriptor whose operations make only the greenlet wait, not the thread.
///
/// `T` is a socket, a pipe, or whatever the kernel can wait for; regular files it cannot. The
/// descriptor is in non-blocking mode while it is in here.
///
/// Several greenlets may use one at once: some read while others write, and many may wait
/// for the same direction, who then try in the order in which they came. It may also be
/// used from several threads. Mirrors gevent's cooperative sockets.
///
/// # Examples
///
/// ```
/// use greenhub::io::Cooperative;
/// use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
/// use std::time::Duration;
///
/// let (reader, writer) = pipe()?;
/// let reader = Cooperative::new(reader)?;
/// let greeting = greenhub::spawn(move || {
///     let mut buffer = [0; 16];
///     reader.read_with(|mut pipe: &PipeReader| pipe.read(&mut buffer)).map(|n| buffer[..n].to_vec())
/// });
/// greenhub::sleep(Duration::from_millis(5));
/// (&writer).write_all(b"hello")?;
/// assert_eq!(greeting.join().unwrap()?, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Cooperative<T: AsFd> {
    /// None only while it is taken apart.
    io: Option<T>,
    registration: Registration,
    options: Options,
}

static READ: WaitKind =
    WaitKind { text: "to read descriptor", numbered: true, reach: Reach::Outside };
static WRITE: WaitKind =
    WaitKind { text: "to write descriptor", numbered: true, reach: Reach::Outside };

impl<T: AsFd> Cooperative<T> {
    /// Takes `io` in and sets its descriptor to non-blocking mode.
    ///
    /// That mode belongs to the open file, so whoever shares it sees it as well.
    ///
    /// # Errors
    ///
    /// If the mode cannot be set.
    pub fn new(io: T) -> io::Result<Self> {
        set_nonblocking(io.as_fd(), true)?;
        Ok(Self::from_nonblocking(io))
    }

    /// Takes in what is in non-blocking mode already.
    pub fn from_nonblocking(io: T) -> Self {
        let taken = Self::from_fresh(io);
        // `io` may only borrow the descriptor, or share the open file with others.
        taken.registration.set_shared();
        taken
    }

    /// As [`from_nonblocking`](Self::from_nonblocking), for a descriptor that `io` owns and that
    /// nobody has duplicated: closing it ends the kernel's interest in it.
    pub(crate) fn from_fresh(io: T) -> Self {
        Self::with_options(io, Options::default())
    }

    fn with_options(io: T, options: Options) -> Self {
        Cooperative { io: Some(io), registration: Registration::default(), options }
    }

    /// What is inside, to ask and to set what never waits.
    #[inline]
    pub fn get_ref(&self) -> &T {
        self.io.as_ref().expect("taken out only by `into_inner`")
    }

    /// Takes out what is inside, in blocking mode again unless it was
    /// [set otherwise](Self::set_nonblocking).
    ///
    /// # Errors
    ///
    /// If the mode cannot be set.
    pub fn into_inner(mut self) -> io::Result<T> {
        self.registration.set_shared();
        self.registration.release(self.get_ref().as_fd());
        let io = self.io.take().expect("taken out only here");
        set_nonblocking(io.as_fd(), self.options.is_nonblocking())?;
        Ok(io)
    }

    /// Makes another one for the same open file, by `duplicate`; the two share their limits.
    ///
    /// # Errors
    ///
    /// That of `duplicate`.
    pub fn try_clone_with(
        &self,
        duplicate: impl FnOnce(&T) -> io::Result<T>,
    ) -> io::Result<Cooperative<T>> {
        let io = duplicate(self.get_ref())?;
        self.registration.set_shared();
        let clone = Self::with_options(io, self.options.share());
        clone.registration.set_shared();
        Ok(clone)
    }

    /// Sets how long a reading call may wait; `None` for as long as it takes.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a limit of zero, as in std.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.options.set_limit(Direction::Read, limit)
    }

    /// Sets how long a writing call may wait; `None` for as long as it takes.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a limit of zero, as in std.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.options.set_limit(Direction::Write, limit)
    }

    /// How long a reading call may wait.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.options.limit(Direction::Read)
    }

    /// How long a writing call may wait.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.options.limit(Direction::Write)
    }

    /// Sets whether a call that would have to wait returns
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) instead.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.options.set_nonblocking(nonblocking);
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.options.is_nonblocking()
    }

    /// Calls `operation` until it no longer would block, and waits for something to read in
    /// between.
    ///
    /// It is called again after each wait, and must not wait itself.
    ///
    /// # Errors
    ///
    /// Those of `operation`. [`WouldBlock`](io::ErrorKind::WouldBlock) if the read timeout is
    /// over, as in std. `EBADF` if it was [closed](Self::close_with). An error of its own if the
    /// greenlet is unwinding and cannot wait.
    #[inline]
    pub fn read_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.operate(Direction::Read, None, operation, |_| false)
    }

    /// As [`read_with`](Self::read_with), until `deadline`, whatever the read timeout is.
    pub(crate) fn read_until<R>(
        &self,
        deadline: Moment,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.operate(Direction::Read, Some(deadline), operation, |_| false)
    }

    /// As [`read_with`](Self::read_with) for a byte stream that returns a length, given the
    /// room in the caller's buffer: less than that says that nothing more is there.
    #[inline]
    pub(crate) fn read_stream(
        &self,
        room: usize,
        operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let drains = |&length: &usize| SHORT_READ_DRAINS && length < room;
        self.operate(Direction::Read, None, operation, drains)
    }

    /// As [`read_with`](Self::read_with), for writing.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn write_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.operate(Direction::Write, None, operation, |_| false)
    }

    /// As [`write_with`](Self::write_with) for a byte stream that returns a length, given that
    /// of the caller's data: where there is none, there is nothing to wait for.
    #[inline]
    pub(crate) fn write_stream(
        &self,
        length: usize,
        mut operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if length == 0 {
            self.refuse_closed()?;
            return operation(self.get_ref());
        }
        self.write_with(operation)
    }

    /// Waits until something can be read, the peer has closed, or there is an error to read.
    ///
    /// It may return early: the operation itself decides.
    ///
    /// # Errors
    ///
    /// As for [`read_with`](Self::read_with).
    pub fn wait_readable(&self) -> io::Result<()> {
        self.read_with(|io| {
            let mut asked = [PollFd::new(io, PollFlags::IN)];
            let found = poll(&mut asked, Some(&Timespec::default()))?;
            if found == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        })
    }

    /// Makes it a source of this thread's hub before anyone waits for it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where the kernel cannot wait for it.
    pub(crate) fn make_source(&self) -> io::Result<()> {
        core::with(|core| self.registration.key(core, self.get_ref().as_fd())).map(drop)
    }

    /// Calls `operation` once, and does not wait: who then gets
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) may [wait for several](super::several), if it
    /// does not let others run in between.
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.refuse_closed()?;
        let answer = operation(self.get_ref());
        if answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            core::with(|core| note_drained(core, self.registration.known(core), direction));
        }
        answer
    }

    /// One of [several](super::several) to wait for.
    pub(crate) fn wish(&self, direction: Direction) -> Wish<'_> {
        Wish::new(&self.registration, self.get_ref().as_fd(), direction)
    }

    /// Waits until something can be written, or until `deadline`.
    pub(crate) fn wait_writable_until(&self, deadline: Moment) -> io::Result<()> {
        core::with(|core| self.wait(core, Direction::Write, deadline))
    }

    /// Ends its use: everyone who waits for it, and every later operation, gets `EBADF`.
    ///
    /// `end` tells the kernel, by a shutdown or the like. The descriptor's number stays taken
    /// until this is dropped, so that no other file can be mistaken for it. Mirrors gevent's
    /// `socket.close`.
    ///
    /// # Errors
    ///
    /// Those of `end`; and `EBADF` if it was closed already.
    pub fn close_with(&self, end: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        self.refuse_closed()?;
        self.registration.mark_closed();
        let ended = end(self.get_ref());
        self.registration.release(self.get_ref().as_fd());
        ended
    }

    #[inline]
    fn operate<R>(
        &self,
        direction: Direction,
        mut deadline: Option<Moment>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
        drains: impl Fn(&R) -> bool,
    ) -> io::Result<R> {
        // Before the operation, so that a greenlet that is killed here has lost nothing.
        core::spend_operation();
        self.refuse_closed()?;
        core::with(|core| {
            loop {
                let known = self.registration.known(core);
                if self.may_succeed(core, known, direction) {
                    match operation(self.get_ref()) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            note_drained(core, known, direction);
                        }
                        answer => {
                            if answer.as_ref().is_ok_and(&drains) {
                                note_drained(core, known, direction);
                            }
                            return answer;
                        }
                    }
                }
                if self.options.is_nonblocking() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let deadline = *deadline.get_or_insert_with(|| self.deadline(direction));
                self.wait(core, direction, deadline)?;
            }
        })
    }

    /// Whether it is worth asking the kernel. One that is no source yet is always asked, and so
    /// is one that must not or cannot wait: its last report may be old.
    #[inline]
    fn may_succeed(&self, core: &Core, known: Option<u64>, direction: Direction) -> bool {
        match known {
            Some(key) if !self.options.is_nonblocking() => {
                core.reactor().may_succeed(key, direction) || thread::panicking()
            }
            _ => true,
        }
    }

    fn deadline(&self, direction: Direction) -> Moment {
        self.options.limit(direction).map_or(Moment::NEVER, Moment::after)
    }

    fn wait(&self, core: &Core, direction: Direction, deadline: Moment) -> io::Result<()> {
        self.refuse_closed()?;
        let fd = self.get_ref().as_fd();
        let kind = match direction {
            Direction::Read => &READ,
            Direction::Write => &WRITE,
        };
        let key = self.registration.key(core, fd)?;
        let reactor = core.reactor();
        let _counted = reactor.count_waiter();
        let mut place = Place { reactor, key, direction, waker: None };
        let subject = u64::from(fd.as_raw_fd().unsigned_abs());
        let woken = waiter::park(kind, subject, deadline, |waker| {
            if reactor.enlist(key, direction, waker) {
                place.waker = Some(waker);
            } else {
                waker.wake();
            }
        });
        if woken == Ok(Woken::ByWaker) {
            // The source took it from its queue to wake it.
            place.waker = None;
        }
        self.refuse_closed()?;
        match woken {
            Ok(Woken::ByWaker) => Ok(()),
            // What std returns for a socket's timeout on this system.
            Ok(Woken::ByDeadline) => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
            Err(Unwinding) => Err(refused()),
        }
    }

    #[inline]
    pub(crate) fn refuse_closed(&self) -> io::Result<()> {
        if self.registration.is_closed() {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        Ok(())
    }
}

impl<T: AsFd> Drop for Cooperative<T> {
    fn drop(&mut self) {
        if let Some(io) = &self.io {
            self.registration.release(io.as_fd());
        }
    }
}

impl<T: AsFd> AsFd for Cooperative<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Cooperative<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get_ref().fmt(f)
    }
}

#[inline]
fn note_drained(core: &Core, known: Option<u64>, direction: Direction) {
    if let Some(key) = known {
        core.reactor().drained(key, direction);
    }
}

/// What one gets who cannot wait.
pub(crate) fn refused() -> io::Error {
    io::Error::other("a greenlet cannot wait while it unwinds")
}

fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(fd, nonblocking)?)
}

/// A place among a source's waiters, given up by one that was not woken by the source.
pub(super) struct Place<'a> {
    pub(super) reactor: &'a Reactor,
    pub(super) key: u64,
    pub(super) direction: Direction,
    pub(super) waker: Option<Waker>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(waker) = self.waker {
            self.reactor.withdraw(self.key, self.direction, waker);
        }
    }
}

//! One end of a connection, used as std's `TcpStream` is.

use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::link::Link;
use super::wire::{End, Which, Wire};
use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::hub::core;
use crate::hub::waiter::{self, Unwinding, Waker};
use crate::raw::fiber::{Reach, WaitKind};

static READ: WaitKind =
    WaitKind { text: "to read from memory", numbered: false, reach: Reach::Shared };
static WRITE: WaitKind =
    WaitKind { text: "to write to memory", numbered: false, reach: Reach::Shared };

/// One end of a connection in memory. Its methods are those of [`std::net::TcpStream`].
///
/// A call that would block makes only its greenlet wait. A connection ends when the last clone
/// of an end is dropped.
///
/// # Examples
///
/// ```
/// use greenhub::testing::{self, net};
/// use std::io::{ErrorKind, Read};
/// use std::time::Duration;
///
/// testing::run(0, || {
///     let (mut near, _far) = net::pair();
///     near.set_read_timeout(Some(Duration::from_secs(60)))?;
///     assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
///     assert_eq!(testing::now(), Duration::from_secs(60));
///     Ok(())
/// })
/// # as std::io::Result<()>;
/// ```
pub struct Stream {
    side: Arc<Side>,
}

/// What the clones of one end share.
struct Side {
    wire: Arc<Guarded<Wire>>,
    which: Which,
    local: SocketAddr,
    peer: SocketAddr,
}

impl Side {
    /// Calls `f` with the connection, and wakes those for whom there is something then.
    fn with<R>(&self, f: impl FnOnce(&mut Wire) -> R) -> R {
        let (answer, woken) = self.wire.with(|wire| {
            let answer = f(wire);
            (answer, wire.take_woken())
        });
        for waker in woken {
            waker.wake();
        }
        answer
    }

    fn with_end<R>(&self, f: impl FnOnce(&mut End) -> R) -> R {
        self.with(|wire| f(wire.end(self.which)))
    }

    /// Does it, or waits until it can be done: for the limit of this kind of call, and not at all if the
    /// end does not wait.
    fn operate(
        &self,
        kind: &'static WaitKind,
        limit: impl Fn(&End) -> Option<Duration>,
        mut operation: impl FnMut(&mut Wire) -> io::Result<usize>,
    ) -> io::Result<usize> {
        // Before the operation, so that a greenlet that is killed here has lost nothing.
        core::count_operation();
        let mut deadline = None;
        loop {
            let (answer, wait) = self.with(|wire| {
                let answer = operation(wire);
                let next_arrival = wire.next_arrival(self.which);
                let end = wire.end(self.which);
                let wait = !end.is_nonblocking && is_to_wait(&answer);
                (answer, wait.then(|| (limit(end), end.happened(), next_arrival)))
            });
            let Some((limit, happened, next_arrival)) = wait else { return answer };
            let deadline =
                *deadline.get_or_insert_with(|| limit.map_or(Moment::NEVER, Moment::after));
            if deadline <= Moment::now() {
                return answer;
            }
            self.wait(kind, deadline.min(next_arrival), happened)?;
        }
    }

    /// Waits until more has happened at this end than so much.
    fn wait(&self, kind: &'static WaitKind, deadline: Moment, happened: u64) -> io::Result<()> {
        let place = Place { side: self, waker: Cell::new(None) };
        let waited = waiter::park(kind, 0, deadline, |waker| {
            place.waker.set(Some(waker));
            if !self.with_end(|end| end.enlist(waker, happened)) {
                waker.wake();
            }
        });
        match waited {
            Ok(_) => Ok(()),
            Err(Unwinding) => Err(io::Error::other("a greenlet cannot wait while it unwinds")),
        }
    }
}

fn is_to_wait(answer: &io::Result<usize>) -> bool {
    answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

impl Drop for Side {
    fn drop(&mut self) {
        self.with(|wire| wire.close(self.which));
    }
}

/// A place among those who wait at an end, given up when the wait is over, however it ends.
struct Place<'a> {
    side: &'a Side,
    waker: Cell<Option<Waker>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.get() {
            self.side.with_end(|end| end.withdraw(waker));
        }
    }
}

impl Stream {
    pub(super) fn pair(link: &Link, near: SocketAddr, far: SocketAddr) -> (Stream, Stream) {
        let wire = Arc::new(Guarded::new(Wire::new(link)));
        let end = |which, local, peer| {
            let side = Side { wire: Arc::clone(&wire), which, local, peer };
            Stream { side: Arc::new(side) }
        };
        (end(Which::Near, near, far), end(Which::Far, far, near))
    }

    /// Mirrors [`std::net::TcpStream::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.side.peer)
    }

    /// Mirrors [`std::net::TcpStream::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.side.local)
    }

    /// Ends reading, writing or both; whoever waits for it is woken by the end it sees.
    ///
    /// Mirrors [`std::net::TcpStream::shutdown`].
    ///
    /// # Errors
    ///
    /// [`NotConnected`](ErrorKind::NotConnected) if the connection was reset, or both ends have ended.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.side.with(|wire| wire.shut_down(self.side.which, how))
    }

    /// Another handle for the same end. Mirrors [`std::net::TcpStream::try_clone`].
    pub fn try_clone(&self) -> io::Result<Stream> {
        Ok(Stream { side: Arc::clone(&self.side) })
    }

    /// Sets for how long a read waits; then it returns `WouldBlock`.
    ///
    /// Mirrors [`std::net::TcpStream::set_read_timeout`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is zero.
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        refuse_zero(dur)?;
        self.side.with_end(|end| end.read_limit = dur);
        Ok(())
    }

    /// Sets for how long a write waits; then it returns `WouldBlock`.
    ///
    /// Mirrors [`std::net::TcpStream::set_write_timeout`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is zero.
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        refuse_zero(dur)?;
        self.side.with_end(|end| end.write_limit = dur);
        Ok(())
    }

    /// Mirrors [`std::net::TcpStream::read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.side.with_end(|end| end.read_limit))
    }

    /// Mirrors [`std::net::TcpStream::write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.side.with_end(|end| end.write_limit))
    }

    /// Waits for data, and copies it without taking it. Mirrors [`std::net::TcpStream::peek`].
    ///
    /// # Errors
    ///
    /// As a read.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(buf, true)
    }

    /// Remembers it; nothing is delayed for it. Mirrors [`std::net::TcpStream::set_nodelay`].
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.side.with_end(|end| end.nodelay = nodelay);
        Ok(())
    }

    /// Mirrors [`std::net::TcpStream::nodelay`].
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.side.with_end(|end| end.nodelay))
    }

    /// Takes the error that the next call would tell. Mirrors [`std::net::TcpStream::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.side.with(|wire| {
            wire.take_in(self.side.which);
            wire.end(self.side.which).take_error()
        }))
    }

    /// Sets whether calls that would wait return `WouldBlock` instead.
    ///
    /// Mirrors [`std::net::TcpStream::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.side.with_end(|end| end.is_nonblocking = nonblocking);
        Ok(())
    }

    /// Resets the connection: the next call at either end is told
    /// [`ConnectionReset`](ErrorKind::ConnectionReset), at the other when that has arrived.
    ///
    /// What was sent before can still be read. std does this where a socket is closed with `SO_LINGER`
    /// zero.
    pub fn reset(&self) {
        self.side.with(|wire| wire.reset(self.side.which));
    }

    /// Is gone without a word, as when a cable is cut: nothing arrives at either end any more.
    ///
    /// The other end is told nothing. It reads what had arrived, and then waits, for ever or for its
    /// limit; its writes find room until that is used up.
    pub fn vanish(self) {
        self.side.with(Wire::cut);
    }

    fn receive(&self, buf: &mut [u8], peeks: bool) -> io::Result<usize> {
        let read = |wire: &mut Wire| wire.read(self.side.which, buf, peeks);
        self.side.operate(&READ, |end| end.read_limit, read)
    }
}

fn refuse_zero(limit: Option<Duration>) -> io::Result<()> {
    if limit == Some(Duration::ZERO) {
        let message = "cannot set a 0 duration timeout";
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(())
}

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(buf, false)
    }
}

impl Write for &Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let write = |wire: &mut Wire| wire.write(self.side.which, buf);
        self.side.operate(&WRITE, |end| end.write_limit, write)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// Of a call that panics nothing is half done: what it does to the connection, it does at once.
impl UnwindSafe for Stream {}
impl RefUnwindSafe for Stream {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("addr", &self.side.local)
            .field("peer", &self.side.peer)
            .finish()
    }
}

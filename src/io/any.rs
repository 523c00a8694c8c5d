//! One descriptor that belongs to someone else: standard input, a library's socket.
//!
//! Nothing is set on it. Its mode belongs to the open file, which other processes may share.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;

use super::poll::{Interest, PollFd, poll};
use crate::hub::core;

/// Waits until something can be read from `fd`, the end and errors included.
///
/// For at most `limit`; a limit of zero only looks. Others may wait for the same descriptor,
/// in any direction. Whoever comes first may take what is there: the read itself decides. A socket
/// that is [closed](super::Cooperative::close_with) meanwhile is ready, if its close shuts it down.
/// Mirrors `gevent.socket.wait_read`.
///
/// # Errors
///
/// [`TimedOut`](io::ErrorKind::TimedOut) if it was not ready in time, `EBADF` if it is not open.
/// Else as [`poll()`].
///
/// # Panics
///
/// As [`poll()`].
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, pipe};
/// use std::time::Duration;
///
/// let (reader, _writer) = pipe()?;
/// let waited = greenhub::io::wait_readable(&reader, Some(Duration::from_millis(1)));
/// assert_eq!(waited.unwrap_err().kind(), ErrorKind::TimedOut);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait_readable(fd: impl AsFd, limit: Option<Duration>) -> io::Result<()> {
    wait_for(fd.as_fd(), Interest::READABLE, limit)
}

/// As [`wait_readable`], until something can be written. Mirrors `gevent.socket.wait_write`.
///
/// # Errors
///
/// As there.
///
/// # Panics
///
/// As there.
pub fn wait_writable(fd: impl AsFd, limit: Option<Duration>) -> io::Result<()> {
    wait_for(fd.as_fd(), Interest::WRITABLE, limit)
}

/// As [`wait_readable`], until something can be read or written. Mirrors
/// `gevent.socket.wait_readwrite`.
///
/// # Errors
///
/// As there.
///
/// # Panics
///
/// As there.
pub fn wait_readwrite(fd: impl AsFd, limit: Option<Duration>) -> io::Result<()> {
    wait_for(fd.as_fd(), Interest::READABLE | Interest::WRITABLE, limit)
}

fn wait_for(fd: BorrowedFd<'_>, interest: Interest, limit: Option<Duration>) -> io::Result<()> {
    let mut asked = [PollFd::new(&fd, interest)];
    if poll(&mut asked, limit)? == 0 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "not ready in time"));
    }
    if asked[0].is_invalid() {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(())
}

/// Reads what is there, or waits until something is; zero at the end.
///
/// `fd` may be in either mode, and stays in it. In blocking mode, should another process take
/// what was there in between, the read waits in the kernel, and the thread with it. A regular
/// file never makes this wait, though the disk may: see [`monkey::fs`](crate::monkey::fs).
/// Mirrors `gevent.os.nb_read`.
///
/// # Errors
///
/// Those of the read, and those of [`wait_readable`].
///
/// # Panics
///
/// As [`poll()`].
///
/// # Examples
///
/// ```
/// use std::io::{Write, pipe};
///
/// let (reader, mut writer) = pipe()?;
/// greenhub::spawn(move || writer.write_all(b"hello"));
/// let mut buffer = [0; 16];
/// assert_eq!(greenhub::io::read(&reader, &mut buffer)?, 5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let fd = fd.as_fd();
    core::spend_operation();
    if !is_nonblocking(fd)? && !buffer.is_empty() {
        wait_readable(fd, None)?;
    }
    loop {
        match rustix::io::read(fd, &mut *buffer) {
            Err(Errno::AGAIN) => wait_readable(fd, None)?,
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

/// Writes what there is room for, or waits until there is; returns how much that was.
///
/// `fd` may be in either mode, and stays in it. In blocking mode it writes at most as much as a
/// pipe takes at once (4,096 bytes on Linux), since more could make the thread wait. Mirrors
/// `gevent.os.nb_write`.
///
/// # Errors
///
/// Those of the write, and those of [`wait_writable`].
///
/// # Panics
///
/// As [`poll()`].
pub fn write(fd: impl AsFd, data: &[u8]) -> io::Result<usize> {
    let fd = fd.as_fd();
    core::spend_operation();
    let mut data = data;
    if !is_nonblocking(fd)? && !data.is_empty() {
        data = &data[..data.len().min(libc::PIPE_BUF)];
        wait_writable(fd, None)?;
    }
    loop {
        match rustix::io::write(fd, data) {
            Err(Errno::AGAIN) => wait_writable(fd, None)?,
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

fn is_nonblocking(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(fcntl_getfl(fd)?.contains(OFlags::NONBLOCK))
}

//! [`std::os::unix::net::UnixStream`], cooperative.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::io::{Cooperative, patience, socket};
use crate::monkey::descriptor::descriptor_conversions;

/// A connection within this machine. Mirrors [`std::os::unix::net::UnixStream`].
///
/// A call that would block makes only its greenlet wait.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::os::unix::net::UnixStream;
/// use std::io::{Read, Write};
///
/// let (mut here, mut there) = UnixStream::pair()?;
/// let reader = greenhub::spawn(move || {
///     let mut text = String::new();
///     there.read_to_string(&mut text).map(|_| text)
/// });
/// here.write_all(b"hello")?;
/// drop(here);
/// assert_eq!(reader.join().unwrap()?, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixStream(Cooperative<net::UnixStream>);

impl UnixStream {
    /// Connects to a path. Mirrors [`std::os::unix::net::UnixStream::connect`].
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Connects to an address. Mirrors [`std::os::unix::net::UnixStream::connect_addr`].
    pub fn connect_addr(socket_addr: &SocketAddr) -> io::Result<UnixStream> {
        let address = as_rustix(socket_addr)?;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        patience::connect(|| Ok(connect(&fd, &address)?))?;
        Ok(UnixStream(Cooperative::from_fresh(net::UnixStream::from(fd))))
    }

    /// Two that are connected to each other. Mirrors [`std::os::unix::net::UnixStream::pair`].
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, two) = net::UnixStream::pair()?;
        Ok((UnixStream::made(one)?, UnixStream::made(two)?))
    }

    pub(super) fn made(stream: net::UnixStream) -> io::Result<UnixStream> {
        socket::take_in(stream).map(UnixStream)
    }

    /// Another handle for the same connection. Mirrors
    /// [`std::os::unix::net::UnixStream::try_clone`].
    pub fn try_clone(&self) -> io::Result<UnixStream> {
        self.0.try_clone_with(net::UnixStream::try_clone).map(UnixStream)
    }

    /// Mirrors [`std::os::unix::net::UnixStream::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Mirrors [`std::os::unix::net::UnixStream::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }

    /// Mirrors [`std::os::unix::net::UnixStream::set_read_timeout`].
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    /// Mirrors [`std::os::unix::net::UnixStream::set_write_timeout`].
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    /// Mirrors [`std::os::unix::net::UnixStream::read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.read_timeout())
    }

    /// Mirrors [`std::os::unix::net::UnixStream::write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.write_timeout())
    }

    /// Sets whether calls that would wait return `WouldBlock` instead. Mirrors
    /// [`std::os::unix::net::UnixStream::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Mirrors [`std::os::unix::net::UnixStream::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Ends reading, writing or both. Mirrors [`std::os::unix::net::UnixStream::shutdown`].
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.get_ref().shutdown(how)
    }

    /// Closes the connection now, for all clones: whoever waits for this handle, and every later
    /// call on it, gets `EBADF`. std has no such thing; mirrors gevent's `socket.close`.
    ///
    /// # Errors
    ///
    /// `EBADF` if it was closed already.
    pub fn close(&self) -> io::Result<()> {
        self.0.close_with(socket::end)
    }
}

/// The address in the form that a call takes which does not block.
fn as_rustix(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    if let Some(path) = address.as_pathname() {
        return Ok(SocketAddrUnix::new(path)?);
    }
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::linux::net::SocketAddrExt::as_abstract_name(address) {
        return Ok(SocketAddrUnix::new_abstract_name(name)?);
    }
    // What the kernel says of an address without a name.
    Err(io::Error::from_raw_os_error(libc::EINVAL))
}

impl Read for &UnixStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_stream(buf.len(), |mut stream| stream.read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_with(|mut stream| stream.read_vectored(bufs))
    }
}

impl Write for &UnixStream {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_stream(buf.len(), |mut stream| stream.write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.0.write_stream(length, |mut stream| stream.write_vectored(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for UnixStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

impl Write for UnixStream {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

descriptor_conversions!(UnixStream, net::UnixStream);

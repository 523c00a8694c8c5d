//! [`std::net::TcpStream`] and [`std::net::TcpListener`], cooperative.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::iter::FusedIterator;
use std::net::{self, Shutdown, SocketAddr};
use std::time::Duration;

use super::addr::{ToSocketAddrs, each_addr};
use crate::io::{Cooperative, socket};
use crate::monkey::descriptor::descriptor_conversions;

/// A TCP connection. Mirrors [`std::net::TcpStream`].
///
/// A call that would block makes only its greenlet wait. One greenlet may read while another
/// writes. A call that never has to wait counts against a budget, and yields when it is spent.
///
/// # Examples
///
/// ```no_run
/// use greenhub::monkey::net::TcpStream;
/// use std::io::{Read, Write};
///
/// let mut stream = TcpStream::connect("127.0.0.1:7000")?;
/// stream.write_all(b"hello")?;
/// let mut answer = [0; 5];
/// stream.read_exact(&mut answer)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpStream(Cooperative<net::TcpStream>);

/// A TCP socket that accepts connections. Mirrors [`std::net::TcpListener`].
///
/// Several greenlets may accept on one listener.
pub struct TcpListener(Cooperative<net::TcpListener>);

/// Connections, as they come; it does not end. Mirrors [`std::net::Incoming`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpStream {
    /// Connects to the first address that answers.
    ///
    /// Mirrors [`std::net::TcpStream::connect`].
    ///
    /// # Errors
    ///
    /// As there: that of the last address.
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        each_addr(addr, socket::connect).map(TcpStream)
    }

    /// Connects to one address, in `timeout`.
    ///
    /// Mirrors [`std::net::TcpStream::connect_timeout`].
    ///
    /// # Errors
    ///
    /// As there; [`TimedOut`](io::ErrorKind::TimedOut) when the time is over.
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        socket::connect_within(*addr, timeout).map(TcpStream)
    }

    /// Mirrors [`std::net::TcpStream::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }

    /// Mirrors [`std::net::TcpStream::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Ends reading, writing or both; whoever waits for it is woken by the end it sees.
    ///
    /// Mirrors [`std::net::TcpStream::shutdown`].
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

    /// Another handle for the same connection.
    ///
    /// Mirrors [`std::net::TcpStream::try_clone`].
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        self.0.try_clone_with(net::TcpStream::try_clone).map(TcpStream)
    }

    /// Mirrors [`std::net::TcpStream::set_read_timeout`].
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(dur)
    }

    /// Mirrors [`std::net::TcpStream::set_write_timeout`].
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(dur)
    }

    /// Mirrors [`std::net::TcpStream::read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.read_timeout())
    }

    /// Mirrors [`std::net::TcpStream::write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.write_timeout())
    }

    /// Waits for data, and copies it without taking it.
    ///
    /// Mirrors [`std::net::TcpStream::peek`].
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_with(|stream| stream.peek(buf))
    }

    /// Mirrors [`std::net::TcpStream::set_nodelay`].
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.get_ref().set_nodelay(nodelay)
    }

    /// Mirrors [`std::net::TcpStream::nodelay`].
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.get_ref().nodelay()
    }

    /// Mirrors [`std::net::TcpStream::set_ttl`].
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.get_ref().set_ttl(ttl)
    }

    /// Mirrors [`std::net::TcpStream::ttl`].
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.get_ref().ttl()
    }

    /// Mirrors [`std::net::TcpStream::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Sets whether calls that would wait return `WouldBlock` instead.
    ///
    /// Mirrors [`std::net::TcpStream::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl Read for &TcpStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_stream(buf.len(), |mut stream| stream.read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_with(|mut stream| stream.read_vectored(bufs))
    }
}

impl Write for &TcpStream {
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

impl Read for TcpStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

impl Write for TcpStream {
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

impl TcpListener {
    /// Listens on the first address that can be bound.
    ///
    /// Up to 4096 connections may wait to be accepted, or as many as the system allows; std has
    /// room for 128. Mirrors [`std::net::TcpListener::bind`].
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        each_addr(addr, socket::listen).map(TcpListener)
    }

    /// Mirrors [`std::net::TcpListener::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Another handle for the same listener.
    ///
    /// Mirrors [`std::net::TcpListener::try_clone`].
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        self.0.try_clone_with(net::TcpListener::try_clone).map(TcpListener)
    }

    /// Accepts a connection; other greenlets run until there is one.
    ///
    /// Mirrors [`std::net::TcpListener::accept`].
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        socket::accept(&self.0).map(|(stream, addr)| (TcpStream(stream), addr))
    }

    /// Connections, as they come.
    ///
    /// Mirrors [`std::net::TcpListener::incoming`].
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Stops listening now: whoever accepts, now or later, gets `EBADF`.
    /// std has no such thing; mirrors gevent's `socket.close`.
    ///
    /// # Errors
    ///
    /// `EBADF` if it was closed already.
    pub fn close(&self) -> io::Result<()> {
        self.0.close_with(socket::end)
    }

    /// Mirrors [`std::net::TcpListener::set_ttl`].
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.get_ref().set_ttl(ttl)
    }

    /// Mirrors [`std::net::TcpListener::ttl`].
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.get_ref().ttl()
    }

    /// Mirrors [`std::net::TcpListener::set_only_v6`], which comes too late for a bound socket.
    #[deprecated(note = "this option can only be set before the socket is bound")]
    #[allow(deprecated)]
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.0.get_ref().set_only_v6(only_v6)
    }

    /// Mirrors [`std::net::TcpListener::only_v6`].
    #[deprecated(note = "this option can only be set before the socket is bound")]
    #[allow(deprecated)]
    pub fn only_v6(&self) -> io::Result<bool> {
        self.0.get_ref().only_v6()
    }

    /// Mirrors [`std::net::TcpListener::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Sets whether `accept` returns `WouldBlock` instead of waiting.
    ///
    /// Mirrors [`std::net::TcpListener::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

descriptor_conversions!(TcpStream, net::TcpStream);
descriptor_conversions!(TcpListener, net::TcpListener);

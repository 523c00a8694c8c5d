//! [`std::os::unix::net::UnixDatagram`], cooperative.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::io::{Cooperative, socket};
use crate::monkey::descriptor::descriptor_conversions;

/// A socket for datagrams within this machine. Mirrors [`std::os::unix::net::UnixDatagram`].
///
/// A call that would block makes only its greenlet wait.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::os::unix::net::UnixDatagram;
///
/// let (here, there) = UnixDatagram::pair()?;
/// let receiver = greenhub::spawn(move || {
///     let mut buffer = [0; 16];
///     there.recv(&mut buffer).map(|length| buffer[..length].to_vec())
/// });
/// here.send(b"hello")?;
/// assert_eq!(receiver.join().unwrap()?, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixDatagram(Cooperative<net::UnixDatagram>);

impl UnixDatagram {
    /// Mirrors [`std::os::unix::net::UnixDatagram::bind`].
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::made(net::UnixDatagram::bind(path)?)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::bind_addr`].
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::made(net::UnixDatagram::bind_addr(socket_addr)?)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::unbound`].
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::made(net::UnixDatagram::unbound()?)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::pair`].
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, two) = net::UnixDatagram::pair()?;
        Ok((UnixDatagram::made(one)?, UnixDatagram::made(two)?))
    }

    fn made(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket::take_in(socket).map(UnixDatagram)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::connect`].
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.0.get_ref().connect(path)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::connect_addr`].
    pub fn connect_addr(&self, socket_addr: &SocketAddr) -> io::Result<()> {
        self.0.get_ref().connect_addr(socket_addr)
    }

    /// Another handle for the same socket. Mirrors
    /// [`std::os::unix::net::UnixDatagram::try_clone`].
    pub fn try_clone(&self) -> io::Result<UnixDatagram> {
        self.0.try_clone_with(net::UnixDatagram::try_clone).map(UnixDatagram)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }

    /// Receives one datagram, and says who sent it. Mirrors
    /// [`std::os::unix::net::UnixDatagram::recv_from`].
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.receive(|socket| socket.recv_from(buf), || Ok((0, SocketAddr::from_pathname("")?)))
    }

    /// Receives one datagram. Mirrors [`std::os::unix::net::UnixDatagram::recv`].
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(|socket| socket.recv(buf), || Ok(0))
    }

    /// Receives, or returns what `ended` says once reading was shut down here. There the kernel
    /// says the end only to a call in blocking mode, and "not yet" to all others.
    fn receive<R>(
        &self,
        mut receive: impl FnMut(&net::UnixDatagram) -> io::Result<R>,
        ended: impl Fn() -> io::Result<R>,
    ) -> io::Result<R> {
        let not_yet = |answer: &io::Result<R>| {
            answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        self.0.read_with(|socket| {
            let answer = receive(socket);
            if !not_yet(&answer) || self.0.is_nonblocking() || !socket::is_shut_for_reading(socket)
            {
                return answer;
            }
            // One may have come before the end did.
            let answer = receive(socket);
            if not_yet(&answer) { ended() } else { answer }
        })
    }

    /// Sends one datagram to a path. Mirrors [`std::os::unix::net::UnixDatagram::send_to`].
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.0.write_patiently(|socket| socket.send_to(buf, path.as_ref()))
    }

    /// Sends one datagram to an address. Mirrors
    /// [`std::os::unix::net::UnixDatagram::send_to_addr`].
    pub fn send_to_addr(&self, buf: &[u8], socket_addr: &SocketAddr) -> io::Result<usize> {
        self.0.write_patiently(|socket| socket.send_to_addr(buf, socket_addr))
    }

    /// Sends one datagram to the address that the socket is connected to. Mirrors
    /// [`std::os::unix::net::UnixDatagram::send`].
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_with(|socket| socket.send(buf))
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::set_read_timeout`].
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::set_write_timeout`].
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.read_timeout())
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.write_timeout())
    }

    /// Sets whether calls that would wait return `WouldBlock` instead. Mirrors
    /// [`std::os::unix::net::UnixDatagram::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Mirrors [`std::os::unix::net::UnixDatagram::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Ends reading, writing or both. Mirrors [`std::os::unix::net::UnixDatagram::shutdown`].
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.get_ref().shutdown(how)
    }

    /// Ends its use: whoever waits for this handle, and every later call that would send or
    /// receive, gets `EBADF`. std has no such thing; mirrors gevent's `socket.close`.
    ///
    /// # Errors
    ///
    /// `EBADF` if it was closed already.
    pub fn close(&self) -> io::Result<()> {
        self.0.close_with(socket::end)
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

descriptor_conversions!(UnixDatagram, net::UnixDatagram);

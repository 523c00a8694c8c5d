//! [`std::net::UdpSocket`], cooperative.

use std::fmt;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::addr::{ToSocketAddrs, each_addr};
use crate::io::{Cooperative, socket};
use crate::monkey::descriptor::descriptor_conversions;

/// A UDP socket. Mirrors [`std::net::UdpSocket`].
///
/// A call that would block makes only its greenlet wait.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::net::UdpSocket;
///
/// let here = UdpSocket::bind("127.0.0.1:0")?;
/// let there = UdpSocket::bind("127.0.0.1:0")?;
/// there.send_to(b"hello", here.local_addr()?)?;
/// let mut buffer = [0; 16];
/// let (length, sender) = here.recv_from(&mut buffer)?;
/// assert_eq!((&buffer[..length], sender), (&b"hello"[..], there.local_addr()?));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UdpSocket(Cooperative<net::UdpSocket>);

impl UdpSocket {
    /// Binds to the first address that can be bound.
    ///
    /// Mirrors [`std::net::UdpSocket::bind`].
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        each_addr(addr, |addr| socket::take_in(net::UdpSocket::bind(addr)?)).map(UdpSocket)
    }

    /// Receives one datagram, and says who sent it.
    ///
    /// Mirrors [`std::net::UdpSocket::recv_from`].
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read_with(|socket| socket.recv_from(buf))
    }

    /// As [`recv_from`](Self::recv_from), without taking the datagram.
    ///
    /// Mirrors [`std::net::UdpSocket::peek_from`].
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read_with(|socket| socket.peek_from(buf))
    }

    /// Sends one datagram to the first address.
    ///
    /// Mirrors [`std::net::UdpSocket::send_to`].
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        match addr.to_socket_addrs()?.next() {
            Some(addr) => self.0.write_with(|socket| socket.send_to(buf, addr)),
            None => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "no addresses to send data to"))
            }
        }
    }

    /// Mirrors [`std::net::UdpSocket::peer_addr`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }

    /// Mirrors [`std::net::UdpSocket::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Another handle for the same socket.
    ///
    /// Mirrors [`std::net::UdpSocket::try_clone`].
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        self.0.try_clone_with(net::UdpSocket::try_clone).map(UdpSocket)
    }

    /// Ends its use: whoever waits for this handle, and every later call that would send or
    /// receive, gets `EBADF`.
    /// std has no such thing; mirrors gevent's `socket.close`.
    ///
    /// # Errors
    ///
    /// `EBADF` if it was closed already.
    pub fn close(&self) -> io::Result<()> {
        self.0.close_with(socket::end)
    }

    /// Mirrors [`std::net::UdpSocket::set_read_timeout`].
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(dur)
    }

    /// Mirrors [`std::net::UdpSocket::set_write_timeout`].
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(dur)
    }

    /// Mirrors [`std::net::UdpSocket::read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.read_timeout())
    }

    /// Mirrors [`std::net::UdpSocket::write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.write_timeout())
    }

    /// Mirrors [`std::net::UdpSocket::set_broadcast`].
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.get_ref().set_broadcast(broadcast)
    }

    /// Mirrors [`std::net::UdpSocket::broadcast`].
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.get_ref().broadcast()
    }

    /// Mirrors [`std::net::UdpSocket::set_multicast_loop_v4`].
    pub fn set_multicast_loop_v4(&self, multicast_loop_v4: bool) -> io::Result<()> {
        self.0.get_ref().set_multicast_loop_v4(multicast_loop_v4)
    }

    /// Mirrors [`std::net::UdpSocket::multicast_loop_v4`].
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.0.get_ref().multicast_loop_v4()
    }

    /// Mirrors [`std::net::UdpSocket::set_multicast_ttl_v4`].
    pub fn set_multicast_ttl_v4(&self, multicast_ttl_v4: u32) -> io::Result<()> {
        self.0.get_ref().set_multicast_ttl_v4(multicast_ttl_v4)
    }

    /// Mirrors [`std::net::UdpSocket::multicast_ttl_v4`].
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.0.get_ref().multicast_ttl_v4()
    }

    /// Mirrors [`std::net::UdpSocket::set_multicast_loop_v6`].
    pub fn set_multicast_loop_v6(&self, multicast_loop_v6: bool) -> io::Result<()> {
        self.0.get_ref().set_multicast_loop_v6(multicast_loop_v6)
    }

    /// Mirrors [`std::net::UdpSocket::multicast_loop_v6`].
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.0.get_ref().multicast_loop_v6()
    }

    /// Mirrors [`std::net::UdpSocket::set_ttl`].
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.get_ref().set_ttl(ttl)
    }

    /// Mirrors [`std::net::UdpSocket::ttl`].
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.get_ref().ttl()
    }

    /// Mirrors [`std::net::UdpSocket::join_multicast_v4`].
    pub fn join_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.get_ref().join_multicast_v4(multiaddr, interface)
    }

    /// Mirrors [`std::net::UdpSocket::join_multicast_v6`].
    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.get_ref().join_multicast_v6(multiaddr, interface)
    }

    /// Mirrors [`std::net::UdpSocket::leave_multicast_v4`].
    pub fn leave_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.get_ref().leave_multicast_v4(multiaddr, interface)
    }

    /// Mirrors [`std::net::UdpSocket::leave_multicast_v6`].
    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.get_ref().leave_multicast_v6(multiaddr, interface)
    }

    /// Mirrors [`std::net::UdpSocket::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Connects to the first address that can be; datagrams then come from there only.
    ///
    /// Mirrors [`std::net::UdpSocket::connect`].
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        each_addr(addr, |addr| self.0.get_ref().connect(addr))
    }

    /// Sends one datagram to the address that the socket is connected to.
    ///
    /// Mirrors [`std::net::UdpSocket::send`].
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_with(|socket| socket.send(buf))
    }

    /// Receives one datagram from the address that the socket is connected to.
    ///
    /// Mirrors [`std::net::UdpSocket::recv`].
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_with(|socket| socket.recv(buf))
    }

    /// As [`recv`](Self::recv), without taking the datagram.
    ///
    /// Mirrors [`std::net::UdpSocket::peek`].
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_with(|socket| socket.peek(buf))
    }

    /// Sets whether calls that would wait return `WouldBlock` instead.
    ///
    /// Mirrors [`std::net::UdpSocket::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

descriptor_conversions!(UdpSocket, net::UdpSocket);

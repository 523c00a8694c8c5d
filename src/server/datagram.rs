//! Servers for datagrams.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::methods::{server_methods, server_traits};
use super::running::{self, Handle, Running};
use super::source::{Datagrams, Receiving};
use crate::greenlet::StillRunning;
use crate::monkey::net::{ToSocketAddrs, UdpSocket};
use crate::monkey::os::unix::net::UnixDatagram;

/// A server for datagrams, each with a handler in a greenlet of its own.
///
/// Handlers answer by [`send_to`](Self::send_to). See the [module](super) for the rest. Mirrors
/// `gevent.server.DatagramServer`.
///
/// # Examples
///
/// ```
/// use greenhub::{monkey::net::UdpSocket, server::DatagramServer};
/// use std::time::Duration;
///
/// let server = DatagramServer::bind("127.0.0.1:0", |server, data, sender| {
///     server.send_to(&data, &sender)
/// });
/// server.start()?;
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.send_to(b"hello", server.local_addr()?)?;
/// let mut buffer = [0; 16];
/// let (length, _) = client.recv_from(&mut buffer)?;
/// assert_eq!(&buffer[..length], b"hello");
/// server.stop(Duration::from_secs(1))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DatagramServer<D: Datagrams = UdpSocket> {
    running: Rc<Running<Receiving<D>>>,
}

impl DatagramServer<UdpSocket> {
    /// A server that binds `address` when it starts, and calls `handle` with itself, each
    /// datagram, and who sent it.
    ///
    /// Nothing is bound until then, and again after a [`stop`](Self::stop).
    #[must_use = "it is to be started"]
    pub fn bind<A, F, R>(address: A, handle: F) -> Self
    where
        A: ToSocketAddrs + 'static,
        F: Fn(&Self, Vec<u8>, SocketAddr) -> R + 'static,
    {
        let make = move || UdpSocket::bind(&address).map(Receiving::new);
        DatagramServer { running: Running::from_address(make, handler(handle)) }
    }
}

impl DatagramServer<UnixDatagram> {
    /// As [`bind`](DatagramServer::bind), for a Unix socket at `path`, where there must be no file.
    ///
    /// A datagram can have 512 KiB, which is twice what senders can send by default on Linux; what is
    /// beyond that is lost.
    #[must_use = "it is to be started"]
    pub fn bind_unix<F, R>(path: impl Into<PathBuf>, handle: F) -> Self
    where
        F: Fn(&Self, Vec<u8>, std::os::unix::net::SocketAddr) -> R + 'static,
    {
        let path = path.into();
        let make = move || UnixDatagram::bind(&path).map(Receiving::new);
        DatagramServer { running: Running::from_address(make, handler(handle)) }
    }
}

/// What handlers of a server are called with.
fn handler<D, F, R>(handle: F) -> Handle<Receiving<D>>
where
    D: Datagrams,
    F: Fn(&DatagramServer<D>, Vec<u8>, D::Addr) -> R + 'static,
{
    Box::new(move |running, data, peer| {
        let server = DatagramServer { running: Rc::clone(running) };
        drop(handle(&server, data, peer));
    })
}

impl<D: Datagrams> DatagramServer<D> {
    /// A server that receives from `socket`, and calls `handle` with itself, each datagram, and
    /// who sent it.
    ///
    /// A stop closes the socket, when its handlers have ended, so there is no start after it.
    #[must_use = "it is to be started"]
    pub fn new<F, R>(socket: D, handle: F) -> Self
    where
        F: Fn(&Self, Vec<u8>, D::Addr) -> R + 'static,
    {
        let source = Receiving::new(socket);
        DatagramServer { running: Running::from_source(source, handler(handle)) }
    }

    /// Sends one datagram from the server's socket; returns how many bytes that were.
    ///
    /// Mirrors `DatagramServer.sendto`.
    ///
    /// # Errors
    ///
    /// Those of the socket. [`NotConnected`](io::ErrorKind::NotConnected) if there is none, as
    /// after a stop.
    pub fn send_to(&self, data: &[u8], peer: &D::Addr) -> io::Result<usize> {
        let source = self.running.source.borrow().clone();
        source.ok_or_else(running::closed)?.socket.answer(data, peer)
    }

    server_methods!(D::Addr);
}

server_traits!(DatagramServer, Datagrams);

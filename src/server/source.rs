//! What servers take from: listeners, which give connections, and sockets, which give datagrams.

use std::cell::Cell;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::monkey::net::{TcpListener, TcpStream, UdpSocket};
use crate::monkey::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

/// What a [`StreamServer`](super::StreamServer) accepts from: a
/// [`TcpListener`] or a [`UnixListener`].
///
/// It is implemented here only.
pub trait Listener: Accept {}

/// What a [`DatagramServer`](super::DatagramServer) receives from: a [`UdpSocket`] or a
/// [`UnixDatagram`].
///
/// It is implemented here only.
pub trait Datagrams: Receive {}

/// The methods of a [`Listener`], which nobody else can call or implement.
pub trait Accept: AsFd + Send + 'static {
    /// What it accepts.
    type Stream: Send + 'static;
    /// Who is at the other end.
    type Addr: Clone + Debug + Send + Sync + 'static;

    #[doc(hidden)]
    fn next(&self) -> io::Result<(Self::Stream, Self::Addr)>;
    #[doc(hidden)]
    fn address(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn make_wait(&self) -> io::Result<()>;
    #[doc(hidden)]
    fn set_limit(stream: &Self::Stream, limit: Duration) -> io::Result<()>;
}

/// The methods of [`Datagrams`], which nobody else can call or implement.
pub trait Receive: 'static {
    /// As many bytes as a datagram can have here; of a longer one the rest is lost.
    #[doc(hidden)]
    const LONGEST: usize;

    /// Who sent it.
    type Addr: Clone + Debug + 'static;

    #[doc(hidden)]
    fn next(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Addr)>;
    #[doc(hidden)]
    fn answer(&self, data: &[u8], peer: &Self::Addr) -> io::Result<usize>;
    #[doc(hidden)]
    fn address(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn make_wait(&self) -> io::Result<()>;
}

macro_rules! listeners {
    ($($listener:ident $stream:ident $addr:ident)*) => {$(
        impl Listener for $listener {}

        impl Accept for $listener {
            type Stream = $stream;
            type Addr = $addr;

            fn next(&self) -> io::Result<($stream, $addr)> {
                self.accept()
            }

            fn address(&self) -> io::Result<$addr> {
                self.local_addr()
            }

            fn make_wait(&self) -> io::Result<()> {
                self.set_nonblocking(false)
            }

            fn set_limit(stream: &$stream, limit: Duration) -> io::Result<()> {
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))
            }
        }
    )*};
}

macro_rules! datagrams {
    ($($socket:ident $addr:ident $longest:literal $send:expr;)*) => {$(
        impl Datagrams for $socket {}

        impl Receive for $socket {
            const LONGEST: usize = $longest;

            type Addr = $addr;

            fn next(&self, buffer: &mut [u8]) -> io::Result<(usize, $addr)> {
                self.recv_from(buffer)
            }

            fn answer(&self, data: &[u8], peer: &$addr) -> io::Result<usize> {
                let send: fn(&$socket, &[u8], &$addr) -> io::Result<usize> = $send;
                send(self, data, peer)
            }

            fn address(&self) -> io::Result<$addr> {
                self.local_addr()
            }

            fn make_wait(&self) -> io::Result<()> {
                self.set_read_timeout(None)?;
                self.set_nonblocking(false)
            }
        }
    )*};
}

listeners! {
    TcpListener TcpStream SocketAddr
    UnixListener UnixStream UnixAddr
}

datagrams! {
    UdpSocket SocketAddr 0x1_0000 |socket, data, peer| socket.send_to(data, peer);
    UnixDatagram UnixAddr 0x8_0000 |socket, data, peer| socket.send_to_addr(data, peer);
}

/// Connections and datagrams, as the one loop sees them.
pub(super) trait Source: 'static {
    type Item: 'static;
    type Peer: Clone + Debug + 'static;

    /// Whether handlers use it, so that it has to stay open for them.
    const ANSWERS: bool;

    /// Whether each has a handler in a greenlet of its own, or one that never waits.
    const IN_GREENLETS: bool = true;

    /// Waits for the next. A kill that comes while it waits loses none.
    fn next(&self) -> io::Result<(Self::Item, Self::Peer)>;
    fn address(&self) -> io::Result<Self::Peer>;
    /// Called before the first: `next` is to wait, whatever was set before.
    fn prepare(&self, backlog: Option<i32>) -> io::Result<()>;
    fn set_idle_limit(item: &Self::Item, limit: Duration) -> io::Result<()>;

    /// Called when the server stops: gives it up, and returns what has left the kernel already, or
    /// comes within `limit`.
    fn end(self: Rc<Self>, limit: Duration) -> Vec<(Self::Item, Self::Peer)> {
        let _ = limit;
        Vec::new()
    }
}

pub(super) struct Accepting<L>(pub(super) L);

impl<L: Listener> Source for Accepting<L> {
    type Item = L::Stream;
    type Peer = L::Addr;

    const ANSWERS: bool = false;

    fn next(&self) -> io::Result<(L::Stream, L::Addr)> {
        self.0.next()
    }

    fn address(&self) -> io::Result<L::Addr> {
        self.0.address()
    }

    fn prepare(&self, backlog: Option<i32>) -> io::Result<()> {
        if let Some(backlog) = backlog {
            // To listen again changes the room for those who wait and nothing else.
            rustix::net::listen(&self.0, backlog)?;
        }
        self.0.make_wait()
    }

    fn set_idle_limit(stream: &L::Stream, limit: Duration) -> io::Result<()> {
        L::set_limit(stream, limit)
    }
}

pub(super) struct Receiving<D> {
    pub(super) socket: D,
    /// Empty while someone receives.
    buffer: Cell<Vec<u8>>,
}

impl<D> Receiving<D> {
    pub(super) fn new(socket: D) -> Receiving<D> {
        Receiving { socket, buffer: Cell::default() }
    }
}

impl<D: Datagrams> Source for Receiving<D> {
    type Item = Vec<u8>;
    type Peer = D::Addr;

    const ANSWERS: bool = true;

    fn next(&self) -> io::Result<(Vec<u8>, D::Addr)> {
        let mut buffer = self.buffer.take();
        if buffer.is_empty() {
            // Of its pages only those count that are ever written to.
            buffer = vec![0; D::LONGEST];
        }
        let received = self.socket.next(&mut buffer);
        let received = received.map(|(length, peer)| (buffer[..length].to_vec(), peer));
        self.buffer.set(buffer);
        received
    }

    fn address(&self) -> io::Result<D::Addr> {
        self.socket.address()
    }

    fn prepare(&self, _: Option<i32>) -> io::Result<()> {
        self.socket.make_wait()
    }

    fn set_idle_limit(_: &Vec<u8>, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

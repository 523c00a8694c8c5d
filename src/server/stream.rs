//! Servers for connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::methods::{server_methods, server_traits};
use super::running::Running;
use super::source::{Accepting, Listener};
use crate::greenlet::StillRunning;
use crate::monkey::net::{TcpListener, TcpStream, ToSocketAddrs};
use crate::monkey::os::unix::net::{UnixListener, UnixStream};

/// A server for connections, each with a handler in a greenlet of its own.
///
/// See the [module](super) for what it does, and when. Mirrors `gevent.server.StreamServer`.
///
/// # Examples
///
/// ```
/// use greenhub::{Pool, server::StreamServer};
/// use greenhub::monkey::net::{TcpListener, TcpStream};
/// use std::{io::{Read, Write}, time::Duration};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let server = StreamServer::new(listener, |mut stream: TcpStream, _| stream.write_all(b"hello"))
///     .pool(&Pool::new(100))
///     .idle_limit(Duration::from_secs(30));
/// let server_in_main = server.clone();
/// greenhub::spawn(move || -> std::io::Result<()> {
///     let mut greeting = String::new();
///     TcpStream::connect(server.local_addr()?)?.read_to_string(&mut greeting)?;
///     assert_eq!(greeting, "hello");
///     server.stop(Duration::from_secs(1)).map_err(std::io::Error::other)
/// });
/// server_in_main.serve_forever()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct StreamServer<L: Listener = TcpListener> {
    running: Rc<Running<Accepting<L>>>,
}

impl StreamServer<TcpListener> {
    /// A server that binds `address` when it starts, and calls `handle` with each connection and
    /// the address of its peer.
    ///
    /// Nothing is bound until then, and again after a [`stop`](Self::stop).
    #[must_use = "it is to be started"]
    pub fn bind<A, F, R>(address: A, handle: F) -> Self
    where
        A: ToSocketAddrs + 'static,
        F: Fn(TcpStream, SocketAddr) -> R + 'static,
    {
        let make = move || TcpListener::bind(&address).map(Accepting);
        let handle = move |_: &Rc<_>, stream, peer| drop(handle(stream, peer));
        StreamServer { running: Running::from_address(make, Box::new(handle)) }
    }
}

impl StreamServer<UnixListener> {
    /// As [`bind`](StreamServer::bind), for a Unix socket at `path`, where there must be no file.
    #[must_use = "it is to be started"]
    pub fn bind_unix<F, R>(path: impl Into<PathBuf>, handle: F) -> Self
    where
        F: Fn(UnixStream, std::os::unix::net::SocketAddr) -> R + 'static,
    {
        let path = path.into();
        let make = move || UnixListener::bind(&path).map(Accepting);
        let handle = move |_: &Rc<_>, stream, peer| drop(handle(stream, peer));
        StreamServer { running: Running::from_address(make, Box::new(handle)) }
    }
}

impl<L: Listener> StreamServer<L> {
    /// A server that accepts from `listener`, and calls `handle` with each connection and the
    /// address of its peer.
    ///
    /// Clients can connect already, and wait until it starts. A stop closes the listener, so there
    /// is no start after it.
    #[must_use = "it is to be started"]
    pub fn new<F, R>(listener: L, handle: F) -> Self
    where
        F: Fn(L::Stream, L::Addr) -> R + 'static,
    {
        let handle = move |_: &Rc<_>, stream, peer| drop(handle(stream, peer));
        StreamServer { running: Running::from_source(Accepting(listener), Box::new(handle)) }
    }

    /// How many connections may wait to be accepted, from the next start; the kernel takes less if
    /// its limit is lower.
    ///
    /// 4096 unless it is set. It is for a server that binds: with a listener
    /// [`start`](Self::start) returns an error. Mirrors gevent's `backlog`.
    #[must_use = "it is the same server"]
    pub fn backlog(self, length: u16) -> Self {
        self.running.settings.borrow_mut().backlog = Some(length.into());
        self
    }

    /// Ends calls on connections that wait for longer than `limit`, from the next connection.
    ///
    /// It is the read and the write timeout of each stream, which its handler may change: a call
    /// that waits so long returns [`WouldBlock`](io::ErrorKind::WouldBlock), and a handler that
    /// returns its errors ends, and closes. So it counts only while the handler waits for its peer,
    /// not while it computes or waits for something else, and one that takes the error for a
    /// reason to try again is not ended. gevent has no such thing.
    #[must_use = "it is the same server"]
    pub fn idle_limit(self, limit: Duration) -> Self {
        self.running.settings.borrow_mut().idle_limit = Some(limit);
        self
    }

    /// Has its greenlets keep nothing up, as [`Builder::background`](crate::Builder::background) does.
    pub(crate) fn in_background(self) -> Self {
        self.running.settings.borrow_mut().background = true;
        self
    }

    server_methods!(L::Addr);
}

server_traits!(StreamServer, Listener);

//! [`std::os::unix::net::UnixListener`], cooperative.

use std::fmt;
use std::io;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use super::stream::UnixStream;
use crate::io::{Cooperative, socket};
use crate::monkey::descriptor::descriptor_conversions;

/// A socket that accepts connections from within this machine. Mirrors
/// [`std::os::unix::net::UnixListener`].
///
/// Several greenlets may accept on one listener.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::os::unix::net::{UnixListener, UnixStream};
///
/// let path = std::env::temp_dir().join(format!("greenhub-doc-{}", std::process::id()));
/// let listener = UnixListener::bind(&path)?;
/// let server = greenhub::spawn(move || listener.accept().map(drop));
/// UnixStream::connect(&path)?;
/// server.join().unwrap()?;
/// std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixListener(Cooperative<net::UnixListener>);

/// Connections, as they come; it does not end. Mirrors [`std::os::unix::net::Incoming`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a UnixListener,
}

impl UnixListener {
    /// Listens at a path. Mirrors [`std::os::unix::net::UnixListener::bind`].
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::made(net::UnixListener::bind(path)?)
    }

    /// Listens at an address. Mirrors [`std::os::unix::net::UnixListener::bind_addr`].
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::made(net::UnixListener::bind_addr(socket_addr)?)
    }

    fn made(listener: net::UnixListener) -> io::Result<UnixListener> {
        socket::make_room(&listener)?;
        socket::take_in(listener).map(UnixListener)
    }

    /// Accepts a connection; other greenlets run until there is one. Mirrors
    /// [`std::os::unix::net::UnixListener::accept`].
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = self.0.read_with(net::UnixListener::accept)?;
        Ok((UnixStream::made(stream)?, address))
    }

    /// Another handle for the same listener. Mirrors
    /// [`std::os::unix::net::UnixListener::try_clone`].
    pub fn try_clone(&self) -> io::Result<UnixListener> {
        self.0.try_clone_with(net::UnixListener::try_clone).map(UnixListener)
    }

    /// Mirrors [`std::os::unix::net::UnixListener::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// Sets whether `accept` returns `WouldBlock` instead of waiting. Mirrors
    /// [`std::os::unix::net::UnixListener::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Mirrors [`std::os::unix::net::UnixListener::take_error`].
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.get_ref().take_error()
    }

    /// Connections, as they come. Mirrors [`std::os::unix::net::UnixListener::incoming`].
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Stops listening now: whoever accepts, now or later, gets `EBADF`. std has no such thing;
    /// mirrors gevent's `socket.close`.
    ///
    /// # Errors
    ///
    /// `EBADF` if it was closed already.
    pub fn close(&self) -> io::Result<()> {
        self.0.close_with(socket::end)
    }
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<UnixStream>;

    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = Incoming<'a>;

    fn into_iter(self) -> Incoming<'a> {
        self.incoming()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

descriptor_conversions!(UnixListener, net::UnixListener);

//! A connection with TLS, as its users see it.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{Connection, ProtocolVersion};

use super::explain;
use super::session::Session;
use super::wire::Wire;
use crate::monkey::net::TcpStream;
use crate::sync::Lock;

/// A connection with TLS, whose handshake is done.
///
/// Made by [`TlsAcceptor`](super::TlsAcceptor) and [`TlsConnector`](super::TlsConnector). It is
/// read and written like the stream below it, a [`TcpStream`] or a
/// [`UnixStream`](crate::monkey::os::unix::net::UnixStream), also by two greenlets at once:
/// `&TlsStream` reads and writes too. The [module](super) tells how it ends. Mirrors
/// `gevent.ssl.SSLSocket`.
///
/// # Examples
///
/// ```no_run
/// use greenhub::tls::TlsConnector;
/// use std::io::{Read, Write};
/// use std::rc::Rc;
///
/// let stream = Rc::new(TlsConnector::system()?.connect("example.org", 443)?);
/// let sending = Rc::clone(&stream);
/// let sender = greenhub::spawn(move || {
///     (&*sending).write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n")
/// });
/// let mut answer = Vec::new();
/// (&*stream).read_to_end(&mut answer)?;
/// sender.join()??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TlsStream<S: Wire = TcpStream> {
    pub(super) wire: S,
    session: Mutex<Box<Session>>,
    /// Who has it reads from the wire.
    pub(super) reading: Lock,
    /// Who has it writes to the wire.
    pub(super) writing: Lock,
}

impl<S: Wire> TlsStream<S> {
    /// Does the handshake.
    pub(super) fn shake(connection: Connection, wire: S) -> io::Result<TlsStream<S>> {
        let session = Mutex::new(Box::new(Session::new(connection)));
        let stream = TlsStream { wire, session, reading: Lock::new(), writing: Lock::new() };
        match stream.finish_handshake() {
            Ok(()) => Ok(stream),
            Err(error) => {
                // It may have to tell the peer why.
                stream.reply();
                Err(explain::of_wire(error))
            }
        }
    }

    /// The stream below, for its options; what is read or written there is lost to TLS.
    pub fn get_ref(&self) -> &S {
        &self.wire
    }

    /// Tells the peer that nothing more will come, by TLS's `close_notify`; what comes from there
    /// can still be read.
    ///
    /// Returns when that is sent, and all that was written before. A second time it does nothing.
    /// Writes fail with [`BrokenPipe`](io::ErrorKind::BrokenPipe) from then on.
    ///
    /// # Errors
    ///
    /// Those of a write.
    pub fn close_notify(&self) -> io::Result<()> {
        let writing = self.own_writing()?;
        // What another greenlet left unsent comes before.
        self.send(&writing)?;
        self.session().say_goodbye();
        self.send(&writing)
    }

    /// Ends one direction, or both: the writes by [`close_notify`](Self::close_notify), and then
    /// that of the stream below.
    ///
    /// To end the writes it waits until those of others are done. What ends at once, and who waits
    /// with it, is the stream below: `get_ref().shutdown(…)`. Mirrors
    /// [`std::net::TcpStream::shutdown`].
    ///
    /// # Errors
    ///
    /// Those of a write, and those of the stream below.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.close_notify()?;
        }
        self.wire.end(how)
    }

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// Those of the stream below.
    pub fn peer_addr(&self) -> io::Result<S::Addr> {
        self.wire.peer()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// Those of the stream below.
    pub fn local_addr(&self) -> io::Result<S::Addr> {
        self.wire.local()
    }

    /// How long a read may wait for the wire; a read of any length may wait for it several times.
    ///
    /// One that waits longer fails with [`WouldBlock`](io::ErrorKind::WouldBlock) and loses
    /// nothing. Mirrors [`std::net::TcpStream::set_read_timeout`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.wire.set_read_limit(limit)
    }

    /// How long a write may wait for the wire.
    ///
    /// One that waits longer fails with [`WouldBlock`](io::ErrorKind::WouldBlock), or says that it
    /// has written what goes out with the next. Mirrors
    /// [`std::net::TcpStream::set_write_timeout`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.wire.set_write_limit(limit)
    }

    /// What both agreed to speak, of what each [offered](super::TlsAcceptorBuilder::alpn).
    ///
    /// Mirrors `SSLSocket.selected_alpn_protocol`.
    #[must_use]
    pub fn alpn_protocol(&self) -> Option<Vec<u8>> {
        self.session().connection.alpn_protocol().map(<[u8]>::to_vec)
    }

    /// The version of TLS. Mirrors `SSLSocket.version`.
    #[must_use]
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.session().connection.protocol_version()
    }

    /// The certificates that the peer has shown and that were verified, its own first.
    ///
    /// Empty at a server that does not ask for any. Mirrors `SSLSocket.getpeercert`.
    #[must_use]
    pub fn peer_certificates(&self) -> Vec<CertificateDer<'static>> {
        self.session().connection.peer_certificates().map(<[_]>::to_vec).unwrap_or_default()
    }

    /// The name by which the client called this server, if it did, and if this is a server.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        match &self.session().connection {
            Connection::Server(server) => server.server_name().map(str::to_owned),
            Connection::Client(_) => None,
        }
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Box<Session>> {
        // After a panic in there it says so itself, by its error.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says goodbye, if that needs no wait. One that is unwound, or whose last write was ended, does
/// not: so the peer learns that what came may be cut short.
impl<S: Wire> Drop for TlsStream<S> {
    fn drop(&mut self) {
        if !thread::panicking() && self.session().may_say_goodbye() {
            self.session().say_goodbye();
            self.reply();
            // A server sends tickets that nobody may have read. The kernel makes a reset of a close
            // with something unread, and that can overtake what was written.
            let mut room = self.session().room();
            let _ = self.wire.read_now(&mut room);
        }
    }
}

impl<S: Wire> Read for &TlsStream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(buf)
    }
}

impl<S: Wire> Write for &TlsStream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.put(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        let writing = self.own_writing()?;
        self.send(&writing)
    }
}

impl<S: Wire> Read for TlsStream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(buf)
    }
}

impl<S: Wire> Write for TlsStream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.put(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl<S: Wire> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("wire", &self.wire)
            .field("protocol_version", &self.protocol_version())
            .finish_non_exhaustive()
    }
}

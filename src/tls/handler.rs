//! Handlers of servers, after the handshake.

use std::error::Error;
use std::fmt;
use std::io;

use super::acceptor::TlsAcceptor;
use super::stream::TlsStream;
use super::wire::Wire;

impl TlsAcceptor {
    /// A handler for a server that does the handshake, and then calls `handle` with the stream
    /// and the address of its peer.
    ///
    /// The handshake is done in the greenlet of the connection, so it holds up nobody else. If it
    /// fails the connection is closed, and the [hook](super::TlsAcceptorBuilder::on_failure) is
    /// told. Mirrors gevent's `StreamServer` with `keyfile` and `certfile`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use greenhub::server::StreamServer;
    /// use greenhub::tls::TlsAcceptor;
    /// use std::io::{Read, Write};
    ///
    /// let tls = TlsAcceptor::from_files("server.crt", "server.key")?;
    /// let handle = tls.handler(|mut stream, _peer| -> std::io::Result<()> {
    ///     let mut line = [0; 5];
    ///     stream.read_exact(&mut line)?;
    ///     stream.write_all(&line)
    /// });
    /// StreamServer::bind("127.0.0.1:0", handle).start()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handler<S, A, F, R>(&self, handle: F) -> impl Fn(S, A) + 'static + use<S, A, F, R>
    where
        S: Wire,
        A: fmt::Debug,
        F: Fn(TlsStream<S>, A) -> R + 'static,
        R: 'static,
    {
        let acceptor = self.clone();
        move |wire, peer| match acceptor.accept(wire) {
            Ok(stream) => drop(handle(stream, peer)),
            Err(error) => {
                acceptor.failed(&HandshakeFailure { peer: format!("{peer:?}"), error });
            }
        }
    }
}

/// Whose handshake failed, and why.
#[derive(Debug)]
pub struct HandshakeFailure {
    peer: String,
    error: io::Error,
}

impl HandshakeFailure {
    /// The address of the client.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// What [`accept`](TlsAcceptor::accept) said.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for HandshakeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS handshake with {}: {}", self.peer, self.error)
    }
}

impl Error for HandshakeFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

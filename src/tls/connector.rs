//! The side of clients.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::explain;
use super::files::{identity, provider, roots, system_roots};
use super::settings::{Settings, within};
use super::stream::TlsStream;
use super::wire::Wire;
use crate::monkey::net::TcpStream;

/// Connects to servers, and makes sure that they are who they should be.
///
/// Make one, and use it for all: to read whom to trust takes time. Clones share everything, and may
/// be used by several hubs. Mirrors `ssl.create_default_context()`.
///
/// # Examples
///
/// ```no_run
/// use greenhub::tls::TlsConnector;
/// use std::io::{Read, Write};
///
/// let mut stream = TlsConnector::system()?.connect("example.org", 443)?;
/// stream.write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n")?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    limit: Option<Duration>,
}

impl TlsConnector {
    /// One that trusts whom this system trusts.
    ///
    /// That is what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or else the usual place of the system.
    ///
    /// # Errors
    ///
    /// As [`build`](TlsConnectorBuilder::build).
    pub fn system() -> io::Result<TlsConnector> {
        Self::builder().build()
    }

    /// One that trusts the certificates in a PEM file, and those that they have issued; nobody
    /// else.
    ///
    /// # Errors
    ///
    /// As [`build`](TlsConnectorBuilder::build).
    pub fn from_roots(path: impl AsRef<Path>) -> io::Result<TlsConnector> {
        Self::builder().roots(path).build()
    }

    /// As [`system`](Self::system), with more settings.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder { roots: None, identity: None, settings: Settings::default() }
    }

    /// Connects to `host`, a name or an address, and does the handshake.
    ///
    /// Both together have the time that a [handshake](TlsConnectorBuilder::handshake_limit) may
    /// take. Mirrors `socket.create_connection` with `SSLContext.wrap_socket`.
    ///
    /// # Errors
    ///
    /// As [`handshake`](Self::handshake), and those of [`TcpStream::connect`].
    pub fn connect(&self, host: &str, port: u16) -> io::Result<TlsStream> {
        let session = self.session(host)?;
        within(self.limit, || TlsStream::shake(session.into(), TcpStream::connect((host, port))?))
    }

    /// Does the handshake with the server that `wire` leads to, which must be called `host`.
    ///
    /// Returns when it is done. If it fails, or is cut short by a kill, `wire` is closed. A server
    /// that does not accept this side's certificate may say so only when it is read from.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](ErrorKind::InvalidData), with a sentence, if the server does not speak TLS, does
    /// not agree, or its certificate has expired, is for another name, or is not trusted; the
    /// error's source is then rustls's. [`TimedOut`](ErrorKind::TimedOut) if it takes longer than
    /// the limit. [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the server leaves.
    /// [`InvalidInput`](ErrorKind::InvalidInput) if `host` cannot be a name. Those of `wire`.
    pub fn handshake<S: Wire>(&self, host: &str, wire: S) -> io::Result<TlsStream<S>> {
        let session = self.session(host)?;
        within(self.limit, || TlsStream::shake(session.into(), wire))
    }

    fn session(&self, host: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let text = format!("{host:?} is neither the name of a host nor an address");
            io::Error::new(ErrorKind::InvalidInput, text)
        })?;
        ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| explain::error(&error, explain::Peer::Server))
    }
}

/// For what the [builder](TlsConnector::builder) has no setting for.
impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> TlsConnector {
        TlsConnector { config, limit: Settings::default().limit }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Settings of a [`TlsConnector`]; made by [`TlsConnector::builder`].
#[must_use = "it is to be built"]
pub struct TlsConnectorBuilder {
    roots: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    settings: Settings,
}

impl TlsConnectorBuilder {
    /// Whom to trust, instead of whom the system trusts: the certificates in a PEM file.
    ///
    /// Mirrors `load_verify_locations`.
    pub fn roots(mut self, path: impl AsRef<Path>) -> Self {
        self.roots = Some(path.as_ref().to_owned());
        self
    }

    /// What to show to servers that ask: a file with certificates, the own one first, and one with
    /// the key, as of a [server](super::TlsAcceptor::from_files).
    ///
    /// Mirrors `load_cert_chain`.
    pub fn identity(mut self, chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.identity = Some((chain.as_ref().to_owned(), key.as_ref().to_owned()));
        self
    }

    /// What to offer to speak over it, the best first; nothing in particular unless it is set.
    ///
    /// Mirrors `SSLContext.set_alpn_protocols`.
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.settings.set_alpn(protocols);
        self
    }

    /// How long a handshake may take, all in all; 10 seconds unless it is set.
    ///
    /// A limit works by unwinding, so a program with `panic = "abort"` must set `None`.
    pub fn handshake_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.limit = limit.into();
        self
    }

    /// Reads the files, or the system's store.
    ///
    /// # Errors
    ///
    /// As for an [acceptor](super::TlsAcceptorBuilder::build).
    /// [`NotFound`](ErrorKind::NotFound) if the system's store has nobody to trust.
    pub fn build(self) -> io::Result<TlsConnector> {
        let trusted = self.roots.as_deref().map_or_else(system_roots, roots)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(trusted);
        let mut config = match &self.identity {
            Some((chain, key)) => builder.with_client_cert_resolver(identity(chain, key)?),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.settings.alpn()?;
        Ok(TlsConnector { config: Arc::new(config), limit: self.settings.limit })
    }
}

impl fmt::Debug for TlsConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnectorBuilder")
            .field("roots", &self.roots)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

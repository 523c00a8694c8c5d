//! The side of servers.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};

use super::explain;
use super::files::{identity, invalid, provider, roots};
use super::handler::HandshakeFailure;
use super::settings::{Settings, within};
use super::stream::TlsStream;
use super::wire::Wire;

/// Does handshakes for a server.
///
/// Clones share everything, and may be used by several hubs. Mirrors the `SSLContext` of a
/// server.
///
/// # Examples
///
/// ```no_run
/// use greenhub::server::StreamServer;
/// use greenhub::tls::TlsAcceptor;
/// use std::io::Write;
///
/// let tls = TlsAcceptor::builder("server.crt", "server.key")
///     .on_failure(|failure| eprintln!("{failure}"))
///     .build()?;
/// let handle = tls.handler(|mut stream, _peer| stream.write_all(b"hello"));
/// StreamServer::bind("0.0.0.0:443", handle).serve_forever()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TlsAcceptor {
    shared: Arc<Shared>,
}

struct Shared {
    config: RwLock<Arc<ServerConfig>>,
    /// What [`TlsAcceptor::reload`] reads again.
    files: Option<Files>,
    settings: Settings,
    on_failure: Option<Hook>,
    failures: AtomicU64,
}

type Hook = Box<dyn Fn(&HandshakeFailure) + Send + Sync>;

struct Files {
    chain: PathBuf,
    key: PathBuf,
    clients: Clients,
}

/// Whose certificates to accept, and whether to insist.
enum Clients {
    Unasked,
    MayShow(PathBuf),
    MustShow(PathBuf),
}

impl TlsAcceptor {
    /// One with the certificates in one file, the server's own first, and the private key in
    /// another, or in the same; both PEM.
    ///
    /// The key may be PKCS#8, PKCS#1 or SEC1. Returns when both are read.
    ///
    /// # Errors
    ///
    /// As [`build`](TlsAcceptorBuilder::build).
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> io::Result<TlsAcceptor> {
        Self::builder(chain, key).build()
    }

    /// As [`from_files`](Self::from_files), with more settings.
    pub fn builder(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> TlsAcceptorBuilder {
        let (chain, key) = (chain.as_ref().to_owned(), key.as_ref().to_owned());
        TlsAcceptorBuilder {
            files: Files { chain, key, clients: Clients::Unasked },
            settings: Settings::default(),
            on_failure: None,
        }
    }

    /// Reads the files again; handshakes that begin from now on use what they hold.
    ///
    /// Connections go on as they are. If it fails, so does the acceptor.
    ///
    /// # Errors
    ///
    /// As [`build`](TlsAcceptorBuilder::build). [`Unsupported`](ErrorKind::Unsupported) if it was
    /// made [from rustls's settings](Self::from).
    pub fn reload(&self) -> io::Result<()> {
        let Some(files) = &self.shared.files else {
            let text = "this acceptor was not made from files";
            return Err(io::Error::new(ErrorKind::Unsupported, text));
        };
        let config = files.config(&self.shared.settings)?;
        // What it replaces is dropped outside the lock.
        let mut current = self.shared.config.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, config);
        drop(current);
        drop(old);
        Ok(())
    }

    /// Does the handshake with a client.
    ///
    /// Returns when it is done. If it fails, or is cut short by a kill, `wire` is closed.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if it takes longer than the
    /// [limit](TlsAcceptorBuilder::handshake_limit). [`InvalidData`](ErrorKind::InvalidData), with a
    /// sentence, if the client does not speak TLS, or does not agree; the error's source is then
    /// rustls's. [`UnexpectedEof`](ErrorKind::UnexpectedEof) if it leaves. Those of `wire`.
    pub fn accept<S: Wire>(&self, wire: S) -> io::Result<TlsStream<S>> {
        let session = ServerConnection::new(self.config())
            .map_err(|error| explain::error(&error, explain::Peer::Client))?;
        within(self.shared.settings.limit, || TlsStream::shake(session.into(), wire))
    }

    /// How many handshakes of its [handlers](Self::handler) have failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self, failure: &HandshakeFailure) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        if let Some(hook) = &self.shared.on_failure {
            hook(failure);
        }
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.shared.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// For what the [builder](TlsAcceptor::builder) has no setting for.
impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> TlsAcceptor {
        let settings = Settings::default();
        TlsAcceptor { shared: Arc::new(Shared::new(config, None, settings, None)) }
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").field("failures", &self.failures()).finish_non_exhaustive()
    }
}

impl Shared {
    fn new(
        config: Arc<ServerConfig>,
        files: Option<Files>,
        settings: Settings,
        on_failure: Option<Hook>,
    ) -> Shared {
        let config = RwLock::new(config);
        Shared { config, files, settings, on_failure, failures: AtomicU64::new(0) }
    }
}

impl Files {
    fn config(&self, settings: &Settings) -> io::Result<Arc<ServerConfig>> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match self.verifier()? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(identity(&self.chain, &self.key)?);
        config.alpn_protocols = settings.alpn()?;
        Ok(Arc::new(config))
    }

    fn verifier(&self) -> io::Result<Option<Arc<dyn rustls::server::danger::ClientCertVerifier>>> {
        let (path, may_be_without) = match &self.clients {
            Clients::Unasked => return Ok(None),
            Clients::MayShow(path) => (path, true),
            Clients::MustShow(path) => (path, false),
        };
        let builder = WebPkiClientVerifier::builder_with_provider(roots(path)?, provider());
        let builder = if may_be_without { builder.allow_unauthenticated() } else { builder };
        let verifier = builder.build();
        let unusable = |error| invalid(format!("{} is of no use: {error}", path.display()));
        Ok(Some(verifier.map_err(unusable)?))
    }
}

/// Settings of a [`TlsAcceptor`]; made by [`TlsAcceptor::builder`].
#[must_use = "it is to be built"]
pub struct TlsAcceptorBuilder {
    files: Files,
    settings: Settings,
    on_failure: Option<Hook>,
}

impl TlsAcceptorBuilder {
    /// What can be spoken over it, the best first; nothing in particular unless it is set.
    ///
    /// A client that offers others only is refused; one that offers none is not. Mirrors
    /// `SSLContext.set_alpn_protocols`.
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.settings.set_alpn(protocols);
        self
    }

    /// Refuses clients that show no certificate issued by one of those in this file.
    ///
    /// Mirrors `verify_mode = CERT_REQUIRED` with `load_verify_locations`.
    pub fn require_clients(mut self, roots: impl AsRef<Path>) -> Self {
        self.files.clients = Clients::MustShow(roots.as_ref().to_owned());
        self
    }

    /// Refuses clients that show another certificate than one issued by those in this file; one
    /// that shows none is served.
    ///
    /// Mirrors `verify_mode = CERT_OPTIONAL` with `load_verify_locations`.
    pub fn ask_clients(mut self, roots: impl AsRef<Path>) -> Self {
        self.files.clients = Clients::MayShow(roots.as_ref().to_owned());
        self
    }

    /// How long a handshake may take, all in all; 10 seconds unless it is set.
    ///
    /// A limit works by unwinding, so a program with `panic = "abort"` must set `None`.
    pub fn handshake_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.limit = limit.into();
        self
    }

    /// Calls `hook` for each handshake of a [handler](TlsAcceptor::handler) that fails.
    ///
    /// It is called in the connection's greenlet, after the connection was closed. Without it such
    /// handshakes are only [counted](TlsAcceptor::failures): whoever can connect can fail.
    pub fn on_failure(mut self, hook: impl Fn(&HandshakeFailure) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Box::new(hook));
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    ///
    /// That of reading a file, with its path. [`InvalidData`](ErrorKind::InvalidData), with a
    /// sentence that names the file, if it is empty, no PEM, lacks a certificate or a key, if the
    /// key is encrypted or of an unknown kind, or does not fit the certificate.
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a protocol's name that cannot be.
    pub fn build(self) -> io::Result<TlsAcceptor> {
        let TlsAcceptorBuilder { files, settings, on_failure } = self;
        let config = files.config(&settings)?;
        let shared = Shared::new(config, Some(files), settings, on_failure);
        Ok(TlsAcceptor { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for TlsAcceptorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptorBuilder")
            .field("chain", &self.files.chain)
            .field("key", &self.files.key)
            .finish_non_exhaustive()
    }
}

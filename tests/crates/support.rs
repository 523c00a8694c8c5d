//! What these tests share: connections, TLS over them, and what the process has.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{sleep, spawn};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Both ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// How often a greenlet that sleeps for a millisecond at a time wakes beside `work`.
pub(crate) fn ticks_beside<R>(work: impl FnOnce() -> R) -> (u32, R) {
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let ticker = spawn(move || {
        loop {
            sleep(millis(1));
            counted.set(counted.get() + 1);
        }
    });
    let result = work();
    ticker.kill();
    (ticks.get(), result)
}

/// Bytes of which any two pieces differ.
pub(crate) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The descriptors that this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The OS threads of this process.
pub(crate) fn os_threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

pub(crate) type TlsClient = StreamOwned<ClientConnection, TcpStream>;
pub(crate) type TlsServer = StreamOwned<ServerConnection, TcpStream>;

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("keys/localhost.crt.pem")).unwrap()
}

static CLIENT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
});

static SERVER: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("keys/localhost.key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate()], key).unwrap())
});

/// TLS to a server that must be called so. The handshake is done by the first read or write.
pub(crate) fn tls_client(wire: TcpStream, name: &'static str) -> TlsClient {
    let name = ServerName::try_from(name).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(&CLIENT), name).unwrap(), wire)
}

/// TLS as `localhost`. The handshake is done by the first read or write.
pub(crate) fn tls_server(wire: TcpStream) -> TlsServer {
    StreamOwned::new(ServerConnection::new(Arc::clone(&SERVER)).unwrap(), wire)
}

/// Both ends of a connection with TLS, before the handshake.
pub(crate) fn tls_pair() -> (TlsClient, TlsServer) {
    let (client, server) = pair();
    (tls_client(client, "localhost"), tls_server(server))
}

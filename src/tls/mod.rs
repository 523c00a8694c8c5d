//! TLS for servers and clients, over streams that wait as greenlets do (feature `tls`).
//!
//! | for | use | as gevent's |
//! | --- | --- | --- |
//! | servers | [`TlsAcceptor`], and its [`handler`](TlsAcceptor::handler) | `ssl_args` of `StreamServer` |
//! | clients | [`TlsConnector`] | `ssl.create_default_context()` |
//! | what is read and written | [`TlsStream`] | `ssl.SSLSocket` |
//!
//! It speaks TLS 1.2 and 1.3, by [`rustls`], which is exported for what has no setting here. What has
//! to be known to rely on it:
//!
//! - **Handshakes** of a server are done in the greenlet of each connection and have 10 seconds,
//!   so a client that never ends its own holds up nobody. One that fails closes its connection, is
//!   [counted](TlsAcceptor::failures), and told to a [hook](TlsAcceptorBuilder::on_failure) in a
//!   sentence; the server goes on.
//! - **Two greenlets** may use one stream at once, one to read and one to write: `&TlsStream` does
//!   both. Several that read, or several that write, take turns; a timeout of the stream counts
//!   from one's turn.
//! - **The end.** What was shut down at the other end reads as the end. A connection that just
//!   closes reads as [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), as someone may have cut
//!   it. A stream that is dropped tells its peer of the end if that needs no wait; one that is
//!   dropped by unwinding, or whose last write was ended, does not.
//! - **Who is ended in a wait**, by a kill or a limit, leaves the stream usable. A read that was ended
//!   has taken nothing. A write that was ended may have taken some of its data; that is sent by
//!   the next write or flush, whole and in order. After an error of TLS itself the stream fails for
//!   ever, each time with the same sentence.
//! - **A write** returns when its data was given to the kernel. If the stream's write timeout is over
//!   before that, it counts as written all the same, and the next write or flush says so.
//! - **A handshake computes**, for longer if the key is RSA; nobody else on the hub runs meanwhile.
//!
//! # Examples
//!
//! A server, and a client that trusts its certificate:
//!
//! ```no_run
//! use greenhub::server::StreamServer;
//! use greenhub::tls::{TlsAcceptor, TlsConnector};
//! use std::io::{Read, Write};
//!
//! let tls = TlsAcceptor::from_files("server.crt", "server.key")?;
//! let handle = tls.handler(|mut stream, _peer| stream.write_all(b"hello"));
//! let server = StreamServer::bind("localhost:0", handle);
//! server.start()?;
//!
//! let port = server.local_addr()?.port();
//! let mut stream = TlsConnector::from_roots("server.crt")?.connect("localhost", port)?;
//! let mut greeting = String::new();
//! stream.read_to_string(&mut greeting)?;
//! assert_eq!(greeting, "hello");
//! # Ok::<(), std::io::Error>(())
//! ```

mod acceptor;
mod connector;
mod explain;
mod files;
mod handler;
mod records;
mod session;
mod settings;
mod stream;
mod wire;

pub use rustls;

pub use self::acceptor::{TlsAcceptor, TlsAcceptorBuilder};
pub use self::connector::{TlsConnector, TlsConnectorBuilder};
pub use self::handler::HandshakeFailure;
pub use self::stream::TlsStream;
pub use self::wire::Wire;

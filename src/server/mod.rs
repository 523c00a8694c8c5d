//! Servers: a handler for each connection, or for each datagram, in a greenlet of its own.
//!
//! | for | use | as gevent's |
//! | --- | --- | --- |
//! | connections by TCP or on a Unix socket | [`StreamServer`] | `server.StreamServer` |
//! | connections, on all hubs of a [cluster](crate::cluster) | [`ClusterServer`] | none: processes |
//! | datagrams by UDP or on a Unix socket | [`DatagramServer`] | `server.DatagramServer` |
//! | a step before the handler, with a limit | [`with_handshake`] | `wrap_socket_and_handle` |
//! | connections with TLS | the feature `tls`, and its `TlsAcceptor::handler` | `keyfile`, `certfile` |
//!
//! What has to be known to rely on one:
//!
//! - **A life.** [`start`](StreamServer::start) binds and accepts;
//!   [`stop_accepting`](StreamServer::stop_accepting) leaves who comes to wait in the kernel, until
//!   [`start_accepting`](StreamServer::start_accepting); [`stop`](StreamServer::stop) closes the
//!   listener, gives the handlers time, and ends those that need longer. Handles are clones of
//!   each other; a server runs on when the last is dropped. It belongs to the hub of its thread,
//!   and serves while main waits there. A thread that ends without a stop, or
//!   [`Hub::end`](crate::Hub::end), leaves the socket open, and who connects waits for ever.
//! - **Handlers** own their connection, which is closed when they drop it, however they end. What
//!   they return is dropped, so that they may end by `?`. One that panics ends alone, and is told
//!   to the [hub's error hook](crate::Hub::set_error_hook), by the name of its peer.
//! - **With a [pool](StreamServer::pool)**, so many handlers run at a time. While it is full nothing
//!   is accepted, and when a slot is free the server goes on by itself. Other servers, and
//!   other greenlets, may share the pool; only the server's own are ended by `stop`.
//! - **Without descriptors or memory** it tries again after 10 ms, and up to 1 s, until it works. It
//!   says so once, to the error hook or on standard error. What was accepted goes on, and
//!   what has not been waits in the kernel. A connection that breaks before it is accepted
//!   holds up nobody. If the listener itself is unusable (`EBADF`, `EINVAL`, `ENOTSOCK`) the
//!   server stops, and [`serve_forever`](StreamServer::serve_forever) returns that.
//!
//! # Examples
//!
//! ```
//! use greenhub::monkey::net::TcpStream;
//! use greenhub::server::StreamServer;
//! use std::io::{Read, Write};
//! use std::time::Duration;
//!
//! let server = StreamServer::bind("127.0.0.1:0", |mut stream, _peer| -> std::io::Result<()> {
//!     let mut line = [0; 5];
//!     stream.read_exact(&mut line)?;
//!     line.make_ascii_uppercase();
//!     stream.write_all(&line)
//! });
//! server.start()?;
//!
//! let mut client = TcpStream::connect(server.local_addr()?)?;
//! client.write_all(b"hello")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert_eq!(answer, "HELLO");
//! server.stop(Duration::from_secs(1))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accepting;
mod back_off;
mod datagram;
mod handshake;
mod methods;
mod over_cluster;
mod running;
mod source;
mod stream;

pub use self::datagram::DatagramServer;
pub use self::handshake::with_handshake;
pub use self::over_cluster::{ClusterServer, HubConnections, Sharing};
pub(crate) use self::source::Accept;
pub use self::source::{Datagrams, Listener};
pub use self::stream::StreamServer;
pub use crate::greenlet::StillRunning;

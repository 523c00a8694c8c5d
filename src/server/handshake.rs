//! What comes before the handler.

use std::io;
use std::time::Duration;

use crate::timeout::with_timeout;

/// A handler that first makes of each connection what `handle` wants, within `limit`.
///
/// `shake` gets the stream, does the handshake, and returns what is read and written from then on.
/// If it fails, or takes longer than `limit`, the connection is closed, and nobody else is
/// held up: it is all in the handler's greenlet. For TLS the feature `tls` has it ready, as
/// `TlsAcceptor::handler`. Mirrors gevent's `wrap_socket_and_handle`, which has no limit.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::net::TcpStream;
/// use greenhub::server::{StreamServer, with_handshake};
/// use std::io::{self, BufRead, BufReader, Write};
/// use std::time::Duration;
///
/// // Clients say who they are in the first line.
/// let greet = |stream: TcpStream| -> io::Result<(BufReader<TcpStream>, String)> {
///     let (mut stream, mut name) = (BufReader::new(stream), String::new());
///     stream.read_line(&mut name)?;
///     Ok((stream, name))
/// };
/// let handle = with_handshake(Duration::from_secs(5), greet, |(mut stream, name), _peer| {
///     write!(stream.get_mut(), "hello {name}")
/// });
/// let server = StreamServer::bind("127.0.0.1:0", handle);
/// server.start()?;
/// let mut client = TcpStream::connect(server.local_addr()?)?;
/// client.write_all(b"world\n")?;
/// assert_eq!(io::read_to_string(client)?, "hello world\n");
/// server.stop(Duration::from_secs(1)).map_err(io::Error::other)?;
/// # Ok::<(), io::Error>(())
/// ```
pub fn with_handshake<S, T, A, R>(
    limit: Duration,
    shake: impl Fn(S) -> io::Result<T> + 'static,
    handle: impl Fn(T, A) -> R + 'static,
) -> impl Fn(S, A) + 'static {
    move |stream, peer| {
        if let Ok(Ok(ready)) = with_timeout(limit, || shake(stream)) {
            handle(ready, peer);
        }
    }
}

//! What TLS goes over.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::monkey::net::TcpStream;
use crate::monkey::os::unix::net::UnixStream;

/// What a [`TlsStream`](super::TlsStream) goes over: a [`TcpStream`] or a [`UnixStream`].
///
/// It is implemented here only.
pub trait Wire: Carry {}

/// The methods of a [`Wire`], which nobody else can call or implement.
pub trait Carry: AsFd + Debug + 'static {
    /// Who is at the other end.
    type Addr;

    #[doc(hidden)]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    #[doc(hidden)]
    fn write(&self, data: &[u8]) -> io::Result<usize>;
    #[doc(hidden)]
    fn end(&self, how: Shutdown) -> io::Result<()>;
    #[doc(hidden)]
    fn peer(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn local(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn set_read_limit(&self, limit: Option<Duration>) -> io::Result<()>;
    #[doc(hidden)]
    fn set_write_limit(&self, limit: Option<Duration>) -> io::Result<()>;

    /// As `read`, but it fails where that would wait.
    #[doc(hidden)]
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.as_fd(), buffer, RecvFlags::DONTWAIT)?.0)
    }

    /// As `write`, but it fails where that would wait.
    #[doc(hidden)]
    fn write_now(&self, data: &[u8]) -> io::Result<usize> {
        Ok(send(self.as_fd(), data, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }
}

macro_rules! wires {
    ($($stream:ident $addr:ident)*) => {$(
        impl Wire for $stream {}

        impl Carry for $stream {
            type Addr = $addr;

            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }

            fn write(&self, data: &[u8]) -> io::Result<usize> {
                Write::write(&mut &*self, data)
            }

            fn end(&self, how: Shutdown) -> io::Result<()> {
                self.shutdown(how)
            }

            fn peer(&self) -> io::Result<$addr> {
                self.peer_addr()
            }

            fn local(&self) -> io::Result<$addr> {
                self.local_addr()
            }

            fn set_read_limit(&self, limit: Option<Duration>) -> io::Result<()> {
                self.set_read_timeout(limit)
            }

            fn set_write_limit(&self, limit: Option<Duration>) -> io::Result<()> {
                self.set_write_timeout(limit)
            }
        }
    )*};
}

wires! { TcpStream SocketAddr  UnixStream UnixAddr }

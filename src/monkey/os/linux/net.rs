//! [`std::os::linux::net`], for cooperative sockets.
//!
//! | | |
//! | --- | --- |
//! | green | `TcpStreamExt` |
//! | std's own | `SocketAddrExt` |

pub use std::os::linux::net::*;

use std::io;

use socket2::SockRef;

use self::sealed::Sealed;
use crate::monkey::net::TcpStream;

/// What only Linux does with a TCP connection. Mirrors [`std::os::linux::net::TcpStreamExt`].
///
/// # Examples
///
/// ```
/// use greenhub::monkey::net::{TcpListener, TcpStream};
/// use greenhub::monkey::os::linux::net::TcpStreamExt;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let stream = TcpStream::connect(listener.local_addr()?)?;
/// stream.set_quickack(false)?;
/// assert!(!stream.quickack()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait TcpStreamExt: Sealed {
    /// Sets whether what arrives is acknowledged at once; the kernel may change it back later.
    ///
    /// Mirrors [`std::os::linux::net::TcpStreamExt::set_quickack`].
    fn set_quickack(&self, quickack: bool) -> io::Result<()>;

    /// Mirrors [`std::os::linux::net::TcpStreamExt::quickack`].
    fn quickack(&self) -> io::Result<bool>;
}

impl Sealed for TcpStream {}

impl TcpStreamExt for TcpStream {
    fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        SockRef::from(self).set_tcp_quickack(quickack)
    }

    fn quickack(&self) -> io::Result<bool> {
        SockRef::from(self).tcp_quickack()
    }
}

/// As in std, nobody else implements it, so that it may grow.
mod sealed {
    #[allow(unreachable_pub)]
    pub trait Sealed {}
}

//! Sockets that accept, of either kind.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use socket2::{Domain, SockRef, Type};

use crate::monkey::net::TcpListener;
use crate::monkey::os::unix::net::UnixListener;

/// A listener of one kind or the other.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listening {
    /// By TCP.
    Tcp(TcpListener),
    /// On a Unix socket.
    Unix(UnixListener),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Unix,
}

/// Which kind of listener a descriptor is.
///
/// # Errors
///
/// [`InvalidData`](io::ErrorKind::InvalidData) if it is none, with what it is instead.
pub(super) fn kind(descriptor: impl AsFd) -> io::Result<Kind> {
    let descriptor = descriptor.as_fd();
    let socket = SockRef::from(&descriptor);
    let Ok(r#type) = socket.r#type() else {
        return Err(not_a_listener("it is no socket"));
    };
    if r#type != Type::STREAM {
        return Err(not_a_listener("it is a socket, but not for streams"));
    }
    let kind = match socket.local_addr()?.domain() {
        Domain::IPV4 | Domain::IPV6 => Kind::Tcp,
        Domain::UNIX => Kind::Unix,
        _ => return Err(not_a_listener("it is a socket of an unknown family")),
    };
    if !listens(&socket)? {
        return Err(not_a_listener("it is a socket, but does not listen"));
    }
    Ok(kind)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn listens(socket: &SockRef<'_>) -> io::Result<bool> {
    socket.is_listener()
}

/// Other systems do not tell. The first `accept` does.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn listens(_: &SockRef<'_>) -> io::Result<bool> {
    Ok(true)
}

fn not_a_listener(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Listening {
    /// Takes in a descriptor of that kind.
    pub(super) fn new(kind: Kind, descriptor: OwnedFd) -> io::Result<Listening> {
        // Whoever shares it may have set a mode, which is that of the open file; here one waits.
        match kind {
            Kind::Tcp => {
                let listener = TcpListener::from(descriptor);
                listener.set_nonblocking(false)?;
                Ok(Listening::Tcp(listener))
            }
            Kind::Unix => {
                let listener = UnixListener::from(descriptor);
                listener.set_nonblocking(false)?;
                Ok(Listening::Unix(listener))
            }
        }
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Listening::Tcp(listener) => listener.as_fd(),
            Listening::Unix(listener) => listener.as_fd(),
        }
    }
}

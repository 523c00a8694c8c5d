//! What sockets need beyond reading and writing: to connect, to accept, to end.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::Cooperative;
use crate::clock::Moment;

/// Connects to one address, for as long as it takes.
///
/// A greenlet that is killed meanwhile leaves no descriptor behind.
pub(crate) fn connect(address: SocketAddr) -> io::Result<Cooperative<TcpStream>> {
    connect_by(address, None)
}

/// As [`connect`], in at most `limit`, which cannot be zero.
pub(crate) fn connect_within(
    address: SocketAddr,
    limit: Duration,
) -> io::Result<Cooperative<TcpStream>> {
    if limit.is_zero() {
        let message = "cannot set a 0 duration timeout";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    connect_by(address, Some(limit)).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            io::Error::new(io::ErrorKind::TimedOut, "connection timed out")
        }
        _ => error,
    })
}

fn connect_by(address: SocketAddr, limit: Option<Duration>) -> io::Result<Cooperative<TcpStream>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    let begun = socket.connect(&address.into());
    let stream = Cooperative::from_fresh(TcpStream::from(OwnedFd::from(socket)));
    match begun {
        Ok(()) => return Ok(stream),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    let deadline = limit.map_or(Moment::NEVER, Moment::after);
    loop {
        stream.wait_writable_until(deadline)?;
        if let Some(error) = stream.get_ref().take_error()? {
            return Err(error);
        }
        // Woken without an error and without a peer: it is not connected yet.
        match stream.get_ref().peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            _ => return Ok(stream),
        }
    }
}

/// How many connections may wait to be accepted; the kernel takes less if its limit is lower.
///
/// One greenlet accepts while others have their turns, so a thousand clients at once find std's
/// room for 128 full. Those left out try again after a second, or think that they are connected.
const BACKLOG: i32 = 4096;

/// Listens on one address.
pub(crate) fn listen(address: SocketAddr) -> io::Result<Cooperative<TcpListener>> {
    let listener = TcpListener::bind(address)?;
    make_room(&listener)?;
    take_in(listener)
}

/// Lets as many wait to be accepted as the system allows.
pub(crate) fn make_room(listener: &impl AsFd) -> io::Result<()> {
    // To listen again changes the room for those who wait and nothing else.
    Ok(rustix::net::listen(listener, BACKLOG)?)
}

/// Accepts one connection, which is in non-blocking mode from its first moment.
pub(crate) fn accept(
    listener: &Cooperative<TcpListener>,
) -> io::Result<(Cooperative<TcpStream>, SocketAddr)> {
    let (fd, address) = listener.read_with(accept_once)?;
    let address = address
        .and_then(|address| SocketAddr::try_from(address).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the peer has no address"))?;
    Ok((Cooperative::from_fresh(TcpStream::from(fd)), address))
}

fn accept_once(
    listener: &TcpListener,
) -> io::Result<(OwnedFd, Option<rustix::net::SocketAddrAny>)> {
    loop {
        match acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            // As in std, a signal does not end the call.
            Err(Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

/// Takes in a socket that was just made.
pub(crate) fn take_in<T: AsFd>(socket: T) -> io::Result<Cooperative<T>> {
    SockRef::from(&socket).set_nonblocking(true)?;
    Ok(Cooperative::from_fresh(socket))
}

/// Takes in a socket of std, with the mode and the timeouts that it has.
pub(crate) fn adopt<T: AsFd>(socket: T) -> io::Result<Cooperative<T>> {
    let (nonblocking, read_limit, write_limit) = {
        let socket = SockRef::from(&socket);
        (socket.nonblocking()?, socket.read_timeout()?, socket.write_timeout()?)
    };
    let socket = Cooperative::new(socket)?;
    if nonblocking {
        socket.set_nonblocking(true);
    }
    socket.set_read_timeout(read_limit)?;
    socket.set_write_timeout(write_limit)?;
    Ok(socket)
}

/// Gives back a socket as std would have it: in its mode, with its timeouts.
pub(crate) fn give_back<T: AsFd>(socket: Cooperative<T>) -> io::Result<T> {
    let limits = (socket.read_timeout(), socket.write_timeout());
    let socket = socket.into_inner()?;
    // Also where there are none: it may have had some when it was taken in.
    SockRef::from(&socket).set_read_timeout(limits.0)?;
    SockRef::from(&socket).set_write_timeout(limits.1)?;
    Ok(socket)
}

/// Ends a connection in both directions, for everyone who shares it.
pub(crate) fn end<T: AsFd>(socket: &T) -> io::Result<()> {
    match SockRef::from(socket).shutdown(Shutdown::Both) {
        // The peer ended it first, or it never began.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        ended => ended,
    }
}

/// Whether this end was shut down for reading, or the other for writing.
#[cfg(target_os = "linux")]
pub(crate) fn is_shut_for_reading(socket: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(socket, PollFlags::RDHUP)];
    let found = poll(&mut asked, Some(&Timespec::default()));
    found.is_ok() && asked[0].revents().contains(PollFlags::RDHUP)
}

/// Elsewhere a call that receives says so itself.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_shut_for_reading(_socket: &impl AsFd) -> bool {
    false
}

//! What the bodies share.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::world::net::{TcpListener, TcpStream};
use socket2::SockRef;

pub(crate) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listen();
    let client = TcpStream::connect(address).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// An address of this machine at which nobody listens.
pub(crate) fn closed_port() -> SocketAddr {
    listen().1
}

/// Ends the connection so that the peer sees a reset.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

pub(crate) fn kind<T: std::fmt::Debug>(answer: io::Result<T>) -> io::ErrorKind {
    answer.unwrap_err().kind()
}

//! How connections begin and end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::common::{closed_port, kind, listen, pair, reset};
use super::world::net::TcpStream;
use super::world::thread;
use crate::support::bounded;

const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_port_where_nobody_listens_refuses() {
    bounded(|| {
        assert_eq!(kind(TcpStream::connect(closed_port())), ErrorKind::ConnectionRefused);
        let limited = TcpStream::connect_timeout(&closed_port(), LONG);
        assert_eq!(kind(limited), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connect_takes_the_first_address_that_answers() {
    bounded(|| {
        let (_listener, address) = listen();
        let stream = TcpStream::connect(&[closed_port(), address][..]).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    });
}

#[test]
fn connect_tells_the_error_of_the_last_address() {
    bounded(|| {
        let addresses = [closed_port(), closed_port()];
        assert_eq!(kind(TcpStream::connect(&addresses[..])), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connect_to_no_address_is_a_mistake() {
    bounded(|| {
        let none: [SocketAddr; 0] = [];
        assert_eq!(kind(TcpStream::connect(&none[..])), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_connect_timeout_of_zero_is_refused() {
    bounded(|| {
        let (_listener, address) = listen();
        let answer = TcpStream::connect_timeout(&address, Duration::ZERO);
        assert_eq!(kind(answer), ErrorKind::InvalidInput);
    });
}

#[test]
fn connect_in_time_gives_a_connection_without_timeouts() {
    bounded(|| {
        let (listener, address) = listen();
        let mut client = TcpStream::connect_timeout(&address, LONG).unwrap();
        assert_eq!(client.read_timeout().unwrap(), None);
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_broadcast_address_cannot_be_connected_to() {
    bounded(|| {
        let error = TcpStream::connect("255.255.255.255:9").unwrap_err();
        assert!(matches!(error.raw_os_error(), Some(libc::ENETUNREACH | libc::EACCES)), "{error}");
    });
}

#[test]
fn after_the_peers_close_every_read_returns_zero() {
    bounded(|| {
        let (client, mut server) = pair();
        drop(client);
        for _ in 0..3 {
            assert_eq!(server.read(&mut [0; 4]).unwrap(), 0);
        }
    });
}

#[test]
fn what_was_sent_before_a_close_is_read_before_the_end() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"last words").unwrap();
        drop(client);
        let mut received = String::new();
        server.read_to_string(&mut received).unwrap();
        assert_eq!(received, "last words");
    });
}

#[test]
fn a_half_closed_connection_still_answers() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let echo = thread::spawn(move || {
            let mut request = Vec::new();
            server.read_to_end(&mut request)?;
            server.write_all(&request)
        });
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        echo.join().unwrap().unwrap();
        assert_eq!(answer, "question");
    });
}

#[test]
fn a_write_after_shutdown_breaks() {
    bounded(|| {
        let (mut client, _server) = pair();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind(client.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(kind(client.write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_read_after_shutdown_returns_what_was_there_and_then_zero() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"abc").unwrap();
        server.shutdown(Shutdown::Read).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(server.read(&mut buffer).unwrap(), 3);
        assert_eq!(server.read(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn shutdown_wakes_a_reader_of_a_clone() {
    bounded(|| {
        let (_client, server) = pair();
        let mut clone = server.try_clone().unwrap();
        let reader = thread::spawn(move || clone.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        server.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn shutdown_twice_is_no_error_while_the_peer_is_there() {
    bounded(|| {
        let (client, _server) = pair();
        client.shutdown(Shutdown::Both).unwrap();
        client.shutdown(Shutdown::Both).unwrap();
    });
}

#[test]
fn shutdown_of_a_connection_that_has_been_reset_is_not_connected() {
    bounded(|| {
        let (client, mut server) = pair();
        reset(client);
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::ConnectionReset);
        assert_eq!(kind(server.shutdown(Shutdown::Both)), ErrorKind::NotConnected);
        assert_eq!(kind(server.peer_addr()), ErrorKind::NotConnected);
    });
}

#[test]
fn a_reset_is_told_once_and_then_the_pipe_is_broken() {
    bounded(|| {
        let (client, mut server) = pair();
        reset(client);
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::ConnectionReset);
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(kind(server.write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_write_after_a_reset_tells_it() {
    bounded(|| {
        let (client, mut server) = pair();
        reset(client);
        assert_eq!(kind(server.write(b"x")), ErrorKind::ConnectionReset);
        assert_eq!(kind(server.write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn take_error_takes_the_reset() {
    bounded(|| {
        let (client, server) = pair();
        reset(client);
        let taken = server.take_error().unwrap().map(|error| error.kind());
        assert_eq!(taken, Some(ErrorKind::ConnectionReset));
        assert!(server.take_error().unwrap().is_none());
    });
}

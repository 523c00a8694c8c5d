//! Listening and accepting.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::common::{kind, listen};
use super::world::net::{TcpListener, TcpStream};
use super::world::thread;
use crate::support::bounded;

#[test]
fn accept_tells_who_connected() {
    bounded(|| {
        let (listener, address) = listen();
        let client = TcpStream::connect(address).unwrap();
        let (server, peer) = listener.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), peer);
        assert_eq!(server.local_addr().unwrap(), address);
    });
}

#[test]
fn accept_waits_for_a_connection() {
    bounded(|| {
        let (listener, address) = listen();
        let accepter = thread::spawn(move || listener.accept().map(|(_, peer)| peer));
        thread::sleep(Duration::from_millis(5));
        let client = TcpStream::connect(address).unwrap();
        assert_eq!(accepter.join().unwrap().unwrap(), client.local_addr().unwrap());
    });
}

#[test]
fn connections_are_accepted_in_the_order_in_which_they_came() {
    bounded(|| {
        let (listener, address) = listen();
        let clients: Vec<_> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in &clients {
            assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
        }
    });
}

#[test]
fn incoming_gives_connections_as_they_come() {
    bounded(|| {
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let mut words = Vec::new();
            for stream in listener.incoming().take(3) {
                let mut word = String::new();
                stream.unwrap().read_to_string(&mut word).unwrap();
                words.push(word);
            }
            words
        });
        for word in ["one", "two", "three"] {
            TcpStream::connect(address).unwrap().write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(server.join().unwrap(), ["one", "two", "three"]);
    });
}

#[test]
fn a_non_blocking_accept_does_not_wait() {
    bounded(|| {
        let (listener, address) = listen();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
        assert_eq!(kind(listener.incoming().next().unwrap()), ErrorKind::WouldBlock);
        let _client = TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
        assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    });
}

#[test]
fn what_a_non_blocking_listener_accepts_waits() {
    bounded(|| {
        let (listener, address) = listen();
        listener.set_nonblocking(true).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let reader = thread::spawn(move || server.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        client.write_all(b"ab").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 2);
    });
}

#[test]
fn what_is_sent_before_the_accept_is_not_lost() {
    bounded(|| {
        let (listener, address) = listen();
        TcpStream::connect(address).unwrap().write_all(b"early").unwrap();
        let mut received = String::new();
        listener.accept().unwrap().0.read_to_string(&mut received).unwrap();
        assert_eq!(received, "early");
    });
}

#[test]
fn a_clone_of_a_listener_accepts_when_the_original_is_gone() {
    bounded(|| {
        let (listener, address) = listen();
        let clone = listener.try_clone().unwrap();
        drop(listener);
        let _client = TcpStream::connect(address).unwrap();
        clone.accept().unwrap();
    });
}

#[test]
fn a_port_is_bound_once() {
    bounded(|| {
        let (_listener, address) = listen();
        assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_port_is_free_again_when_its_listener_is_dropped() {
    bounded(|| {
        let (listener, address) = listen();
        drop(listener);
        assert_eq!(TcpListener::bind(address).unwrap().local_addr().unwrap(), address);
    });
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    bounded(|| {
        assert_eq!(kind(TcpListener::bind("192.0.2.1:0")), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn bind_takes_the_first_address_that_can_be_bound() {
    bounded(|| {
        let (_taken, taken) = listen();
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = TcpListener::bind(&[taken, free][..]).unwrap();
        assert_ne!(listener.local_addr().unwrap(), taken);
    });
}

#[test]
fn bind_to_no_address_is_a_mistake() {
    bounded(|| {
        let none: [SocketAddr; 0] = [];
        assert_eq!(kind(TcpListener::bind(&none[..])), ErrorKind::InvalidInput);
    });
}

#[test]
fn options_of_a_listener_are_those_of_the_socket() {
    bounded(|| {
        let (listener, _) = listen();
        listener.set_ttl(33).unwrap();
        assert_eq!(listener.ttl().unwrap(), 33);
        assert!(listener.take_error().unwrap().is_none());
        assert!(format!("{listener:?}").starts_with("TcpListener { addr: 127.0.0.1:"));
    });
}

//! Conversions to and from descriptors.
//!
//! # Why this file is unsafe
//!
//! `from_raw_fd` is: here each number comes from `into_raw_fd`.
#![allow(unsafe_code)]

use std::io::{ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use super::common::{kind, listen, pair};
use super::world::fs::File;
use super::world::net::{TcpListener, TcpStream, UdpSocket};
use super::world::thread;
use crate::support::{Scratch, bounded};

#[test]
fn a_connection_goes_on_after_its_descriptor_changed_hands() {
    bounded(|| {
        let (mut client, server) = pair();
        client.write_all(b"abc").unwrap();
        let mut server = TcpStream::from(OwnedFd::from(server));
        let mut received = [0; 3];
        server.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"abc");
    });
}

#[test]
fn a_connection_that_has_waited_waits_again_after_its_descriptor_changed_hands() {
    bounded(|| {
        let (mut client, mut server) = pair();
        for _ in 0..3 {
            let reader = thread::spawn(move || {
                server.read_exact(&mut [0; 3]).unwrap();
                server
            });
            thread::sleep(Duration::from_millis(5));
            client.write_all(b"abc").unwrap();
            server = TcpStream::from(OwnedFd::from(reader.join().unwrap()));
        }
    });
}

#[test]
fn raw_descriptors_go_round() {
    bounded(|| {
        let (mut client, server) = pair();
        let number = server.as_raw_fd();
        assert_eq!(server.as_fd().as_raw_fd(), number);
        assert_eq!(server.into_raw_fd(), number);
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let mut server = unsafe { TcpStream::from_raw_fd(number) };
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_listener_and_a_datagram_socket_change_hands() {
    bounded(|| {
        let (listener, address) = listen();
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
        let _client = TcpStream::connect(address).unwrap();
        TcpListener::from(OwnedFd::from(listener)).accept().unwrap();

        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let socket = unsafe { UdpSocket::from_raw_fd(socket.into_raw_fd()) };
        assert_eq!(UdpSocket::from(OwnedFd::from(socket)).local_addr().unwrap(), address);
    });
}

#[test]
fn a_file_changes_hands() {
    let path = Scratch::holding(b"abcdef");
    let mut file = File::open(&path).unwrap();
    file.read_exact(&mut [0; 2]).unwrap();
    let file = File::from(OwnedFd::from(file));
    // SAFETY: `into_raw_fd` has given the descriptor up.
    let mut file = unsafe { File::from_raw_fd(file.into_raw_fd()) };
    assert_eq!(file.stream_position().unwrap(), 2);
}

#[test]
fn timeouts_stay_with_the_descriptor() {
    bounded(|| {
        let (client, _server) = pair();
        client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        client.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        let client = TcpStream::from(OwnedFd::from(client));
        assert_eq!(client.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(client.write_timeout().unwrap(), Some(Duration::from_secs(3)));
    });
}

#[test]
fn timeouts_that_were_taken_back_stay_away() {
    bounded(|| {
        let (client, _server) = pair();
        client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let client = TcpStream::from(OwnedFd::from(client));
        client.set_read_timeout(None).unwrap();
        let client = TcpStream::from(OwnedFd::from(client));
        assert_eq!(client.read_timeout().unwrap(), None);
    });
}

#[test]
fn the_mode_stays_with_the_descriptor() {
    bounded(|| {
        let (_client, server) = pair();
        server.set_nonblocking(true).unwrap();
        let mut server = TcpStream::from(OwnedFd::from(server));
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
    });
}

//! Conversions of Unix sockets to and from descriptors.
//!
//! # Why this file is unsafe
//!
//! `from_raw_fd` is: here each number comes from `into_raw_fd`.
#![allow(unsafe_code)]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use super::common::kind;
use super::world::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use super::world::thread;
use crate::support::{Scratch, bounded};

#[test]
fn a_connection_that_has_waited_waits_again_after_its_descriptor_changed_hands() {
    bounded(|| {
        let (mut one, mut two) = UnixStream::pair().unwrap();
        for _ in 0..3 {
            let reader = thread::spawn(move || {
                two.read_exact(&mut [0; 3]).unwrap();
                two
            });
            thread::sleep(Duration::from_millis(5));
            one.write_all(b"abc").unwrap();
            two = UnixStream::from(OwnedFd::from(reader.join().unwrap()));
        }
    });
}

#[test]
fn raw_descriptors_go_round() {
    bounded(|| {
        let (mut one, two) = UnixStream::pair().unwrap();
        let number = two.as_raw_fd();
        assert_eq!(two.as_fd().as_raw_fd(), number);
        assert_eq!(two.into_raw_fd(), number);
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let mut two = unsafe { UnixStream::from_raw_fd(number) };
        one.write_all(b"x").unwrap();
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_listener_and_a_datagram_socket_change_hands() {
    bounded(|| {
        let path = Scratch::new();
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let listener = unsafe { UnixListener::from_raw_fd(listener.into_raw_fd()) };
        let _client = UnixStream::connect(&path).unwrap();
        UnixListener::from(OwnedFd::from(listener)).accept().unwrap();

        let (one, two) = UnixDatagram::pair().unwrap();
        // SAFETY: `into_raw_fd` has given the descriptor up.
        let one = unsafe { UnixDatagram::from_raw_fd(one.into_raw_fd()) };
        UnixDatagram::from(OwnedFd::from(one)).send(b"abc").unwrap();
        assert_eq!(two.recv(&mut [0; 4]).unwrap(), 3);
    });
}

#[test]
fn timeouts_and_the_mode_stay_with_the_descriptor() {
    bounded(|| {
        let (one, _two) = UnixStream::pair().unwrap();
        one.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        one.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        one.set_nonblocking(true).unwrap();
        let mut one = UnixStream::from(OwnedFd::from(one));
        assert_eq!(one.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(one.write_timeout().unwrap(), Some(Duration::from_secs(3)));
        assert_eq!(kind(one.read(&mut [0; 4])), ErrorKind::WouldBlock);
    });
}

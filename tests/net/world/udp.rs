//! Datagrams.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::common::kind;
use super::world::net::UdpSocket;
use super::world::thread;
use crate::support::bounded;

fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn connected() -> (UdpSocket, UdpSocket) {
    let ((a, a_address), (b, b_address)) = (socket(), socket());
    a.connect(b_address).unwrap();
    b.connect(a_address).unwrap();
    (a, b)
}

#[test]
fn a_datagram_arrives_with_its_senders_address() {
    bounded(|| {
        let ((here, here_address), (there, there_address)) = (socket(), socket());
        assert_eq!(there.send_to(b"hello", here_address).unwrap(), 5);
        let mut buffer = [0; 16];
        assert_eq!(here.recv_from(&mut buffer).unwrap(), (5, there_address));
        assert_eq!(&buffer[..5], b"hello");
    });
}

#[test]
fn a_receiver_waits_for_its_datagram() {
    bounded(|| {
        let ((here, here_address), (there, _)) = (socket(), socket());
        let receiver = thread::spawn(move || here.recv(&mut [0; 16]));
        thread::sleep(Duration::from_millis(5));
        there.send_to(b"late", here_address).unwrap();
        assert_eq!(receiver.join().unwrap().unwrap(), 4);
    });
}

#[test]
fn peek_leaves_the_datagram() {
    bounded(|| {
        let ((here, here_address), (there, there_address)) = (socket(), socket());
        there.send_to(b"abc", here_address).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(here.peek_from(&mut buffer).unwrap(), (3, there_address));
        assert_eq!(here.peek(&mut buffer).unwrap(), 3);
        assert_eq!(here.recv_from(&mut buffer).unwrap(), (3, there_address));
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    bounded(|| {
        let (a, b) = connected();
        for word in [&b"one"[..], b"", b"three"] {
            assert_eq!(a.send(word).unwrap(), word.len());
        }
        let mut buffer = [0; 16];
        for length in [3, 0, 5] {
            assert_eq!(b.recv(&mut buffer).unwrap(), length);
        }
    });
}

#[test]
fn a_datagram_longer_than_the_buffer_is_cut_off() {
    bounded(|| {
        let (a, b) = connected();
        a.send(b"0123456789").unwrap();
        a.send(b"next").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(b.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"0123");
        assert_eq!(b.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"next");
    });
}

#[test]
fn a_receive_without_room_takes_the_datagram() {
    bounded(|| {
        let (a, b) = connected();
        a.send(b"gone").unwrap();
        a.send(b"next").unwrap();
        assert_eq!(b.recv(&mut []).unwrap(), 0);
        let mut buffer = [0; 8];
        assert_eq!(b.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer[..4], b"next");
    });
}

#[test]
fn a_datagram_that_is_too_long_is_refused() {
    bounded(|| {
        let (a, _b) = connected();
        let error = a.send(&vec![0; 70_000]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    });
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    bounded(|| {
        let (a, b) = connected();
        let (stranger, _) = socket();
        stranger.send_to(b"stranger", b.local_addr().unwrap()).unwrap();
        a.send(b"friend").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(b.recv(&mut buffer).unwrap(), 6);
        assert_eq!(b.peer_addr().unwrap(), a.local_addr().unwrap());
    });
}

#[test]
fn a_socket_that_is_not_connected_has_no_peer() {
    bounded(|| {
        let (here, _) = socket();
        assert_eq!(kind(here.peer_addr()), ErrorKind::NotConnected);
        assert_eq!(here.send(b"x").unwrap_err().raw_os_error(), Some(libc::EDESTADDRREQ));
    });
}

#[test]
fn a_peer_that_is_gone_refuses() {
    bounded(|| {
        let (a, b) = connected();
        drop(b);
        a.send(b"x").unwrap();
        assert_eq!(kind(a.recv(&mut [0; 4])), ErrorKind::ConnectionRefused);
        a.send(b"x").unwrap();
        let taken = a.take_error().unwrap().map(|error| error.kind());
        assert_eq!(taken, Some(ErrorKind::ConnectionRefused));
        assert!(a.take_error().unwrap().is_none());
    });
}

#[test]
fn a_receiver_is_told_that_its_peer_is_gone() {
    bounded(|| {
        let (a, b) = connected();
        drop(b);
        let clone = a.try_clone().unwrap();
        let receiver = thread::spawn(move || clone.recv(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        a.send(b"x").unwrap();
        assert_eq!(kind(receiver.join().unwrap()), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn after_a_refusal_the_socket_goes_on() {
    bounded(|| {
        let (a, b) = connected();
        let address = b.local_addr().unwrap();
        drop(b);
        a.send(b"x").unwrap();
        assert_eq!(kind(a.recv(&mut [0; 4])), ErrorKind::ConnectionRefused);
        let b = UdpSocket::bind(address).unwrap();
        b.connect(a.local_addr().unwrap()).unwrap();
        let receiver = thread::spawn(move || a.recv(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        b.send(b"back").unwrap();
        assert_eq!(receiver.join().unwrap().unwrap(), 4);
    });
}

#[test]
fn a_receive_that_times_out_would_block() {
    bounded(|| {
        let limit = Duration::from_millis(40);
        let (here, _) = socket();
        here.set_read_timeout(Some(limit)).unwrap();
        let start = Instant::now();
        assert_eq!(kind(here.recv_from(&mut [0; 4])), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= limit);
        assert_eq!(kind(here.peek_from(&mut [0; 4])), ErrorKind::WouldBlock);
        assert_eq!(kind(here.set_read_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert_eq!(kind(here.set_write_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        here.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        assert_eq!(here.write_timeout().unwrap(), Some(Duration::from_secs(2)));
    });
}

#[test]
fn a_non_blocking_receive_does_not_wait() {
    bounded(|| {
        let ((here, address), (there, _)) = (socket(), socket());
        here.set_nonblocking(true).unwrap();
        assert_eq!(kind(here.recv_from(&mut [0; 4])), ErrorKind::WouldBlock);
        there.send_to(b"x", address).unwrap();
        assert_eq!(here.recv(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_clone_is_the_same_socket() {
    bounded(|| {
        let ((here, address), (there, _)) = (socket(), socket());
        let clone = here.try_clone().unwrap();
        here.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        assert_eq!(clone.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        drop(here);
        there.send_to(b"x", address).unwrap();
        assert_eq!(clone.recv(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn sending_to_no_address_is_a_mistake() {
    bounded(|| {
        let none: [SocketAddr; 0] = [];
        let (here, _) = socket();
        assert_eq!(kind(here.send_to(b"x", &none[..])), ErrorKind::InvalidInput);
        assert_eq!(kind(here.connect(&none[..])), ErrorKind::InvalidInput);
        assert_eq!(kind(UdpSocket::bind(&none[..])), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_port_is_bound_once() {
    bounded(|| {
        let (_socket, address) = socket();
        assert_eq!(kind(UdpSocket::bind(address)), ErrorKind::AddrInUse);
    });
}

#[test]
fn broadcast_has_to_be_allowed() {
    bounded(|| {
        let (here, _) = socket();
        assert!(!here.broadcast().unwrap());
        assert_eq!(kind(here.send_to(b"x", "127.255.255.255:9")), ErrorKind::PermissionDenied);
        here.set_broadcast(true).unwrap();
        assert!(here.broadcast().unwrap());
    });
}

#[test]
fn options_are_those_of_the_socket() {
    bounded(|| {
        let (here, _) = socket();
        assert!(here.multicast_loop_v4().unwrap());
        here.set_multicast_loop_v4(false).unwrap();
        assert!(!here.multicast_loop_v4().unwrap());
        assert_eq!(here.multicast_ttl_v4().unwrap(), 1);
        here.set_multicast_ttl_v4(7).unwrap();
        assert_eq!(here.multicast_ttl_v4().unwrap(), 7);
        here.set_ttl(9).unwrap();
        assert_eq!(here.ttl().unwrap(), 9);
        assert!(here.take_error().unwrap().is_none());
        assert!(format!("{here:?}").starts_with("UdpSocket { addr: 127.0.0.1:"));
    });
}

#[test]
fn only_a_group_can_be_joined() {
    bounded(|| {
        let (here, _) = socket();
        let (no_group, local) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::LOCALHOST);
        assert_eq!(kind(here.join_multicast_v4(&no_group, &local)), ErrorKind::InvalidInput);
        let group = Ipv4Addr::new(224, 0, 0, 251);
        assert_eq!(kind(here.leave_multicast_v4(&group, &local)), ErrorKind::AddrNotAvailable);
        here.join_multicast_v4(&group, &local).unwrap();
        here.leave_multicast_v4(&group, &local).unwrap();
    });
}

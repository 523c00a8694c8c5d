//! Datagrams within this machine.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::common::kind;
use super::world::os::unix::net::{SocketAddr, UnixDatagram};
use super::world::thread;
use crate::support::{Scratch, bounded};

const SHORT: Duration = Duration::from_millis(40);

fn bound() -> (UnixDatagram, Scratch) {
    let path = Scratch::new();
    (UnixDatagram::bind(&path).unwrap(), path)
}

fn errno<T: std::fmt::Debug>(answer: io::Result<T>) -> Option<i32> {
    answer.unwrap_err().raw_os_error()
}

/// Sends until the call says that there is no room.
fn fill(mut send: impl FnMut() -> io::Result<usize>) -> (usize, io::Error) {
    let mut sent = 0;
    loop {
        match send() {
            Ok(_) => sent += 1,
            Err(error) => return (sent, error),
        }
    }
}

#[test]
fn sending_to_a_path_that_is_not_there_is_not_found() {
    bounded(|| {
        let socket = UnixDatagram::unbound().unwrap();
        let path = Scratch::new();
        assert_eq!(kind(socket.send_to(b"x", &path)), ErrorKind::NotFound);
        assert_eq!(kind(socket.connect(&path)), ErrorKind::NotFound);
        assert_eq!(kind(UnixDatagram::bind(path.as_ref().join("in"))), ErrorKind::NotFound);
    });
}

#[test]
fn sending_to_a_receiver_that_is_gone_is_refused() {
    bounded(|| {
        let (receiver, path) = bound();
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&path).unwrap();
        drop(receiver);
        assert_eq!(kind(socket.send(b"x")), ErrorKind::ConnectionRefused);
        let other = UnixDatagram::unbound().unwrap();
        assert_eq!(kind(other.send_to(b"x", &path)), ErrorKind::ConnectionRefused);
        assert_eq!(kind(other.connect(&path)), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_path_that_is_too_long_is_a_mistake() {
    bounded(|| {
        let long = "x".repeat(200);
        let socket = UnixDatagram::unbound().unwrap();
        assert_eq!(kind(UnixDatagram::bind(&long)), ErrorKind::InvalidInput);
        assert_eq!(kind(socket.send_to(b"x", &long)), ErrorKind::InvalidInput);
        assert_eq!(kind(socket.connect(&long)), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_path_is_bound_once() {
    bounded(|| {
        let (_socket, path) = bound();
        assert_eq!(kind(UnixDatagram::bind(&path)), ErrorKind::AddrInUse);
        let address = SocketAddr::from_pathname(&path).unwrap();
        assert_eq!(kind(UnixDatagram::bind_addr(&address)), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_stream_is_no_place_for_datagrams() {
    bounded(|| {
        let path = Scratch::new();
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        assert_eq!(errno(socket.send_to(b"x", &path)), Some(libc::EPROTOTYPE));
        assert_eq!(errno(socket.connect(&path)), Some(libc::EPROTOTYPE));
    });
}

#[test]
fn a_socket_that_is_not_connected_has_no_peer() {
    bounded(|| {
        let (socket, _path) = bound();
        assert_eq!(kind(socket.peer_addr()), ErrorKind::NotConnected);
        assert_eq!(kind(socket.send(b"x")), ErrorKind::NotConnected);
    });
}

#[test]
fn a_datagram_arrives_with_its_senders_path() {
    bounded(|| {
        let ((here, here_path), (there, there_path)) = (bound(), bound());
        assert_eq!(there.send_to(b"hello", &here_path).unwrap(), 5);
        let mut buffer = [0; 16];
        let (length, sender) = here.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"hello");
        assert_eq!(sender.as_pathname(), Some(there_path.as_ref()));
        assert_eq!(here.local_addr().unwrap().as_pathname(), Some(here_path.as_ref()));
    });
}

#[test]
fn a_sender_without_a_path_is_unnamed() {
    bounded(|| {
        let (here, path) = bound();
        let there = UnixDatagram::unbound().unwrap();
        assert!(there.local_addr().unwrap().is_unnamed());
        there.send_to(b"x", &path).unwrap();
        assert!(here.recv_from(&mut [0; 4]).unwrap().1.is_unnamed());
    });
}

#[test]
fn an_address_is_sent_and_connected_to() {
    bounded(|| {
        let path = Scratch::new();
        let address = SocketAddr::from_pathname(&path).unwrap();
        let here = UnixDatagram::bind_addr(&address).unwrap();
        let there = UnixDatagram::unbound().unwrap();
        there.send_to_addr(b"one", &address).unwrap();
        there.connect_addr(&address).unwrap();
        there.send(b"three").unwrap();
        assert_eq!(there.peer_addr().unwrap().as_pathname(), Some(path.as_ref()));
        assert_eq!(here.recv(&mut [0; 16]).unwrap(), 3);
        assert_eq!(here.recv(&mut [0; 16]).unwrap(), 5);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn an_abstract_name_is_sent_to() {
    use super::world::os::linux::net::SocketAddrExt;

    bounded(|| {
        let unique = Scratch::new();
        let name = unique.as_ref().as_os_str().as_encoded_bytes();
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let there = UnixDatagram::unbound().unwrap();
        assert_eq!(kind(there.send_to_addr(b"x", &address)), ErrorKind::ConnectionRefused);
        let here = UnixDatagram::bind_addr(&address).unwrap();
        here.send_to_addr(b"to itself", &address).unwrap();
        let (length, sender) = here.recv_from(&mut [0; 16]).unwrap();
        assert_eq!((length, sender.as_abstract_name()), (9, Some(name)));
    });
}

#[test]
fn a_pair_is_connected_and_keeps_bounds() {
    bounded(|| {
        let (one, two) = UnixDatagram::pair().unwrap();
        for word in [&b"one"[..], b"", b"three"] {
            assert_eq!(one.send(word).unwrap(), word.len());
        }
        for length in [3, 0, 5] {
            assert_eq!(two.recv(&mut [0; 16]).unwrap(), length);
        }
        assert!(one.peer_addr().unwrap().is_unnamed());
    });
}

#[test]
fn a_datagram_longer_than_the_buffer_is_cut_off() {
    bounded(|| {
        let (one, two) = UnixDatagram::pair().unwrap();
        one.send(b"0123456789").unwrap();
        one.send(b"next").unwrap();
        one.send(b"last").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(two.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"0123");
        assert_eq!(two.recv_from(&mut []).unwrap().0, 0);
        assert_eq!(two.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"last");
    });
}

#[test]
fn a_datagram_that_is_too_long_is_refused() {
    bounded(|| {
        let (one, _two) = UnixDatagram::pair().unwrap();
        assert_eq!(errno(one.send(&vec![0; 64 << 20])), Some(libc::EMSGSIZE));
    });
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    bounded(|| {
        let ((here, here_path), (there, there_path)) = (bound(), bound());
        here.connect(&there_path).unwrap();
        let stranger = UnixDatagram::unbound().unwrap();
        assert_eq!(kind(stranger.send_to(b"x", &here_path)), ErrorKind::PermissionDenied);
        there.send_to(b"friend", &here_path).unwrap();
        assert_eq!(here.recv(&mut [0; 16]).unwrap(), 6);
    });
}

#[test]
fn a_receiver_waits_for_its_datagram() {
    bounded(|| {
        let (here, path) = bound();
        let receiver = thread::spawn(move || here.recv(&mut [0; 16]));
        thread::sleep(Duration::from_millis(5));
        UnixDatagram::unbound().unwrap().send_to(b"late", &path).unwrap();
        assert_eq!(receiver.join().unwrap().unwrap(), 4);
    });
}

#[test]
fn a_timeout_of_zero_is_refused_and_others_are_kept() {
    bounded(|| {
        let (one, _two) = UnixDatagram::pair().unwrap();
        assert_eq!(kind(one.set_read_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert_eq!(kind(one.set_write_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        one.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        one.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        let clone = one.try_clone().unwrap();
        assert_eq!(clone.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(clone.write_timeout().unwrap(), Some(Duration::from_secs(3)));
        clone.set_read_timeout(None).unwrap();
        assert_eq!(one.read_timeout().unwrap(), None);
    });
}

#[test]
fn a_receive_that_times_out_would_block() {
    bounded(|| {
        let (here, _path) = bound();
        here.set_read_timeout(Some(SHORT)).unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            assert_eq!(errno(here.recv_from(&mut [0; 4])), Some(libc::EAGAIN));
            assert!(start.elapsed() >= SHORT);
        }
        assert_eq!(kind(here.recv(&mut [0; 4])), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_send_to_a_full_receiver_times_out() {
    bounded(|| {
        let (here, path) = bound();
        let there = UnixDatagram::unbound().unwrap();
        there.set_write_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        let (sent, error) = fill(|| there.send_to(b"x", &path));
        assert!(start.elapsed() >= SHORT);
        assert_eq!(
            (error.kind(), error.raw_os_error()),
            (ErrorKind::WouldBlock, Some(libc::EAGAIN))
        );
        assert!(sent > 0);
        here.recv(&mut [0; 4]).unwrap();
        there.send_to(b"x", &path).unwrap();
    });
}

#[test]
fn a_connected_send_to_a_full_receiver_times_out() {
    bounded(|| {
        let (here, path) = bound();
        let there = UnixDatagram::unbound().unwrap();
        there.connect(&path).unwrap();
        there.set_write_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        let (_, error) = fill(|| there.send(b"x"));
        assert!(start.elapsed() >= SHORT);
        assert_eq!(
            (error.kind(), error.raw_os_error()),
            (ErrorKind::WouldBlock, Some(libc::EAGAIN))
        );
        here.recv(&mut [0; 4]).unwrap();
        there.send(b"x").unwrap();
        // A receiver that goes is told of, though it was full.
        assert_eq!(kind(there.send(b"x")), ErrorKind::WouldBlock);
        drop(here);
        assert_eq!(kind(there.send(b"x")), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn non_blocking_calls_do_not_wait() {
    bounded(|| {
        let ((here, path), there) = (bound(), UnixDatagram::unbound().unwrap());
        here.set_nonblocking(true).unwrap();
        there.set_nonblocking(true).unwrap();
        assert_eq!(kind(here.recv(&mut [0; 4])), ErrorKind::WouldBlock);
        let (sent, error) = fill(|| there.send_to(b"x", &path));
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        for _ in 0..sent {
            assert_eq!(here.recv(&mut [0; 4]).unwrap(), 1);
        }
        assert_eq!(kind(here.recv_from(&mut [0; 4])), ErrorKind::WouldBlock);
        there.connect(&path).unwrap();
        let (again, error) = fill(|| there.send(b"x"));
        assert_eq!((again, error.kind()), (sent, ErrorKind::WouldBlock));
    });
}

#[test]
fn a_clone_is_the_same_socket_and_shares_the_mode() {
    bounded(|| {
        let (here, path) = bound();
        let clone = here.try_clone().unwrap();
        here.set_nonblocking(true).unwrap();
        assert_eq!(kind(clone.recv(&mut [0; 4])), ErrorKind::WouldBlock);
        drop(here);
        UnixDatagram::unbound().unwrap().send_to(b"x", &path).unwrap();
        assert_eq!(clone.recv(&mut [0; 4]).unwrap(), 1);
        assert!(clone.take_error().unwrap().is_none());
    });
}

#[test]
fn shutting_down_ends_each_direction_alone() {
    bounded(|| {
        let (one, two) = UnixDatagram::pair().unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind(one.send(b"x")), ErrorKind::BrokenPipe);
        two.send(b"x").unwrap();
        assert_eq!(one.recv(&mut [0; 4]).unwrap(), 1);
        two.shutdown(Shutdown::Read).unwrap();
        assert_eq!(two.recv(&mut [0; 4]).unwrap(), 0);
        two.send(b"y").unwrap();
        assert_eq!(one.recv(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn shutting_down_wakes_a_receiver() {
    bounded(|| {
        let (one, _two) = UnixDatagram::pair().unwrap();
        let clone = one.try_clone().unwrap();
        let receiver = thread::spawn(move || clone.recv(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        one.shutdown(Shutdown::Both).unwrap();
        assert_eq!(receiver.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn what_came_before_the_end_is_received_first() {
    bounded(|| {
        let (one, two) = UnixDatagram::pair().unwrap();
        one.send(b"before").unwrap();
        two.shutdown(Shutdown::Both).unwrap();
        assert_eq!(two.recv_from(&mut [0; 16]).unwrap().0, 6);
        let (length, sender) = two.recv_from(&mut [0; 16]).unwrap();
        assert!(length == 0 && sender.is_unnamed());
        assert_eq!(two.recv(&mut [0; 16]).unwrap(), 0);
        two.set_nonblocking(true).unwrap();
        assert_eq!(kind(two.recv(&mut [0; 16])), ErrorKind::WouldBlock);
        assert_eq!(kind(one.send(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_connected_sender_that_waits_is_told_that_its_receiver_went() {
    bounded(|| {
        let (here, path) = bound();
        let there = UnixDatagram::unbound().unwrap();
        there.connect(&path).unwrap();
        let sender = thread::spawn(move || fill(|| there.send(b"x")).1.kind());
        thread::sleep(Duration::from_millis(20));
        drop(here);
        let kind = sender.join().unwrap();
        assert!(
            matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset),
            "{kind:?}"
        );
    });
}

#[test]
fn a_sender_that_waits_without_being_connected_is_told_that_its_receiver_went() {
    bounded(|| {
        let (here, path) = bound();
        let there = UnixDatagram::unbound().unwrap();
        let sender = thread::spawn(move || {
            let kind = fill(|| there.send_to(b"x", &path)).1.kind();
            (kind, path)
        });
        thread::sleep(Duration::from_millis(20));
        drop(here);
        assert_eq!(sender.join().unwrap().0, ErrorKind::ConnectionRefused);
    });
}

#[test]
fn debug_names_the_descriptor_and_the_path() {
    bounded(|| {
        let (here, path) = bound();
        let text = format!("{here:?}");
        assert!(text.starts_with("UnixDatagram { fd: "), "{text}");
        assert!(text.contains(&format!("{:?}", path.as_ref())), "{text}");
    });
}

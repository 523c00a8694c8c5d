//! Connections within this machine.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::kind;
use super::world::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use super::world::thread;
use crate::support::{Scratch, bounded};

const SHORT: Duration = Duration::from_millis(40);

fn listen() -> (UnixListener, Scratch) {
    let path = Scratch::new();
    (UnixListener::bind(&path).unwrap(), path)
}

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

fn errno<T: std::fmt::Debug>(answer: io::Result<T>) -> Option<i32> {
    answer.unwrap_err().raw_os_error()
}

/// Longer than the 107 bytes that an address has room for.
fn too_long() -> String {
    format!("/tmp/{}", "x".repeat(200))
}

#[test]
fn connecting_to_a_path_that_is_not_there_is_not_found() {
    bounded(|| assert_eq!(kind(UnixStream::connect(Scratch::new())), ErrorKind::NotFound));
}

#[test]
fn connecting_to_a_file_that_is_no_socket_is_refused() {
    bounded(|| {
        let file = Scratch::holding(b"text");
        assert_eq!(kind(UnixStream::connect(&file)), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connecting_to_a_socket_for_datagrams_is_of_the_wrong_type() {
    bounded(|| {
        let path = Scratch::new();
        let _socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert_eq!(errno(UnixStream::connect(&path)), Some(libc::EPROTOTYPE));
    });
}

#[test]
fn connecting_where_nobody_listens_any_more_is_refused() {
    bounded(|| {
        let (listener, path) = listen();
        drop(listener);
        assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_path_that_is_too_long_is_a_mistake() {
    bounded(|| {
        let told = |error: io::Error| (error.kind(), error.to_string());
        let expected = (ErrorKind::InvalidInput, "path must be shorter than SUN_LEN".to_string());
        assert_eq!(told(UnixStream::connect(too_long()).unwrap_err()), expected);
        assert_eq!(told(UnixListener::bind(too_long()).unwrap_err()), expected);
    });
}

#[test]
fn a_path_with_a_zero_byte_is_a_mistake() {
    bounded(|| {
        let told = |error: io::Error| (error.kind(), error.to_string());
        let connected = told(UnixStream::connect("/tmp/a\0b").unwrap_err());
        assert_eq!(connected.0, ErrorKind::InvalidInput);
        assert_eq!(connected, told(UnixListener::bind("/tmp/a\0b").unwrap_err()));
        assert!(connected.1.contains("interior null bytes"), "{}", connected.1);
    });
}

#[test]
fn the_longest_path_that_fits_is_used() {
    bounded(|| {
        let short = Scratch::new();
        let length = short.as_ref().as_os_str().len();
        let path = format!("{}{}", short.as_ref().display(), "x".repeat(107 - length));
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(client.unwrap().peer_addr().unwrap().as_pathname(), Some(Path::new(&path)));
        listener.accept().unwrap();
    });
}

#[test]
fn a_path_is_bound_once() {
    bounded(|| {
        let (listener, path) = listen();
        assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
        drop(listener);
        // The file stays, as nobody removed it.
        assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_path_in_no_folder_cannot_be_bound() {
    bounded(|| {
        let path = Scratch::new().as_ref().join("socket");
        assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::NotFound);
        assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::NotFound);
    });
}

#[test]
fn an_empty_path_is_no_place() {
    bounded(|| {
        // Bound to no name, the kernel gives it one of its own.
        let listener = UnixListener::bind("").unwrap();
        assert!(listener.local_addr().unwrap().as_pathname().is_none());
        assert_eq!(errno(UnixStream::connect("")), Some(libc::EINVAL));
    });
}

#[test]
fn accept_tells_who_connected() {
    bounded(|| {
        let (listener, path) = listen();
        let client = UnixStream::connect(&path).unwrap();
        let (server, peer) = listener.accept().unwrap();
        assert!(peer.is_unnamed());
        assert!(client.local_addr().unwrap().is_unnamed());
        assert!(server.peer_addr().unwrap().is_unnamed());
        let here = Some(path.as_ref());
        assert_eq!(client.peer_addr().unwrap().as_pathname(), here);
        assert_eq!(server.local_addr().unwrap().as_pathname(), here);
        assert_eq!(listener.local_addr().unwrap().as_pathname(), here);
    });
}

#[test]
fn an_address_is_bound_and_connected_to() {
    bounded(|| {
        let path = Scratch::new();
        let address = SocketAddr::from_pathname(&path).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let mut client = UnixStream::connect_addr(&address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"abc").unwrap();
        server.read_exact(&mut [0; 3]).unwrap();
        assert_eq!(kind(UnixListener::bind_addr(&address)), ErrorKind::AddrInUse);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn an_abstract_name_is_no_file_and_ends_with_its_listener() {
    use super::world::os::linux::net::SocketAddrExt;

    bounded(|| {
        let unique = Scratch::new();
        let name = unique.as_ref().as_os_str().as_encoded_bytes();
        // Zero bytes are bytes of such a name like others.
        let name = [name, b"\0tail\0"].concat();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        assert_eq!(kind(UnixStream::connect_addr(&address)), ErrorKind::ConnectionRefused);
        let listener = UnixListener::bind_addr(&address).unwrap();
        assert_eq!(kind(UnixListener::bind_addr(&address)), ErrorKind::AddrInUse);
        let mut client = UnixStream::connect_addr(&address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        assert_eq!(client.peer_addr().unwrap().as_abstract_name(), Some(&name[..]));
        assert_eq!(server.local_addr().unwrap().as_abstract_name(), Some(&name[..]));
        client.write_all(b"abc").unwrap();
        server.read_exact(&mut [0; 3]).unwrap();
        assert!(!unique.as_ref().exists());
        drop(listener);
        assert_eq!(kind(UnixStream::connect_addr(&address)), ErrorKind::ConnectionRefused);
        UnixListener::bind_addr(&address).unwrap();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn the_longest_abstract_name_is_used() {
    use super::world::os::linux::net::SocketAddrExt;

    bounded(|| {
        let unique = Scratch::new();
        let mut name = unique.as_ref().as_os_str().as_encoded_bytes().to_vec();
        name.resize(107, b'.');
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        UnixStream::connect_addr(&address).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn an_address_without_a_name_cannot_be_connected_to() {
    bounded(|| {
        let (one, _two) = pair();
        let unnamed = one.local_addr().unwrap();
        assert!(unnamed.is_unnamed());
        assert_eq!(errno(UnixStream::connect_addr(&unnamed)), Some(libc::EINVAL));
    });
}

#[test]
fn a_pair_is_connected_and_has_no_names() {
    bounded(|| {
        let (mut one, mut two) = pair();
        assert!(one.local_addr().unwrap().is_unnamed() && one.peer_addr().unwrap().is_unnamed());
        one.write_all(b"there").unwrap();
        two.write_all(b"back").unwrap();
        let mut received = [0; 8];
        assert_eq!(two.read(&mut received).unwrap(), 5);
        assert_eq!(&received[..5], b"there");
        assert_eq!(one.read(&mut received).unwrap(), 4);
        assert_eq!(&received[..4], b"back");
    });
}

#[test]
fn many_bytes_arrive_whole_and_in_order() {
    bounded(|| {
        let (mut one, mut two) = pair();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let bytes = sent.clone();
        let writer = thread::spawn(move || one.write_all(&bytes));
        let mut received = Vec::new();
        two.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert!(received == sent);
    });
}

#[test]
fn the_end_comes_after_what_was_written() {
    bounded(|| {
        let (mut one, mut two) = pair();
        one.write_all(b"last").unwrap();
        drop(one);
        let mut text = String::new();
        two.read_to_string(&mut text).unwrap();
        assert_eq!(text, "last");
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_reader_is_woken_by_the_peers_close() {
    bounded(|| {
        let (one, mut two) = pair();
        let reader = thread::spawn(move || two.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        drop(one);
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn a_write_to_a_peer_that_is_gone_is_a_broken_pipe() {
    bounded(|| {
        let (mut one, two) = pair();
        drop(two);
        assert_eq!(kind(one.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(kind(one.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(one.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_peer_that_goes_with_unread_data_resets_the_connection() {
    bounded(|| {
        let (mut one, two) = pair();
        one.write_all(b"unread").unwrap();
        drop(two);
        assert_eq!(kind(one.read(&mut [0; 4])), ErrorKind::ConnectionReset);
        assert_eq!(one.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn take_error_takes_the_reset() {
    bounded(|| {
        let (mut one, two) = pair();
        assert!(one.take_error().unwrap().is_none());
        one.write_all(b"unread").unwrap();
        drop(two);
        let taken = one.take_error().unwrap().map(|error| error.kind());
        assert_eq!(taken, Some(ErrorKind::ConnectionReset));
        assert!(one.take_error().unwrap().is_none());
    });
}

#[test]
fn a_writer_that_waits_is_told_that_its_peer_went() {
    bounded(|| {
        let (mut one, two) = pair();
        let writer = thread::spawn(move || one.write_all(&vec![0; 8 << 20]));
        thread::sleep(Duration::from_millis(20));
        drop(two);
        let kind = kind(writer.join().unwrap());
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind:?}");
    });
}

#[test]
fn shutting_down_writing_is_the_peers_end_and_leaves_reading() {
    bounded(|| {
        let (mut one, mut two) = pair();
        one.write_all(b"request").unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        two.read_to_string(&mut text).unwrap();
        assert_eq!(text, "request");
        assert_eq!(kind(one.write(b"x")), ErrorKind::BrokenPipe);
        two.write_all(b"answer").unwrap();
        one.read_exact(&mut [0; 6]).unwrap();
    });
}

#[test]
fn shutting_down_reading_is_an_end_here_and_a_broken_pipe_there() {
    bounded(|| {
        let (mut one, mut two) = pair();
        one.shutdown(Shutdown::Read).unwrap();
        assert_eq!(one.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(kind(two.write(b"x")), ErrorKind::BrokenPipe);
        one.write_all(b"still").unwrap();
        two.read_exact(&mut [0; 5]).unwrap();
    });
}

#[test]
fn shutting_down_wakes_a_reader_of_the_same_end() {
    bounded(|| {
        let (one, _two) = pair();
        let mut clone = one.try_clone().unwrap();
        let reader = thread::spawn(move || clone.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        one.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 0);
        one.shutdown(Shutdown::Both).unwrap();
    });
}

#[test]
fn a_timeout_of_zero_is_refused() {
    bounded(|| {
        let (one, _two) = pair();
        assert_eq!(kind(one.set_read_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert_eq!(kind(one.set_write_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        let told = one.set_read_timeout(Some(Duration::ZERO)).unwrap_err().to_string();
        assert_eq!(told, "cannot set a 0 duration timeout");
        assert_eq!(one.read_timeout().unwrap(), None);
        assert_eq!(one.write_timeout().unwrap(), None);
    });
}

#[test]
fn timeouts_are_what_was_set_and_shared_with_clones() {
    bounded(|| {
        let (one, _two) = pair();
        one.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        one.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        let clone = one.try_clone().unwrap();
        assert_eq!(clone.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(clone.write_timeout().unwrap(), Some(Duration::from_secs(3)));
        clone.set_read_timeout(None).unwrap();
        assert_eq!(one.read_timeout().unwrap(), None);
        assert_eq!(one.write_timeout().unwrap(), Some(Duration::from_secs(3)));
    });
}

#[test]
fn a_read_that_times_out_would_block_and_leaves_the_connection_usable() {
    bounded(|| {
        let (mut one, mut two) = pair();
        two.set_read_timeout(Some(SHORT)).unwrap();
        for word in [b"one", b"two"] {
            let start = Instant::now();
            let error = two.read(&mut [0; 4]).unwrap_err();
            assert!(start.elapsed() >= SHORT);
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
            one.write_all(word).unwrap();
            let mut received = [0; 3];
            two.read_exact(&mut received).unwrap();
            assert_eq!(&received, word);
        }
    });
}

#[test]
fn a_write_to_a_peer_that_never_reads_times_out() {
    bounded(|| {
        let (mut one, _two) = pair();
        one.set_write_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind(one.write_all(&vec![0; 8 << 20])), ErrorKind::WouldBlock);
    });
}

#[test]
fn non_blocking_calls_do_not_wait() {
    bounded(|| {
        let (mut one, mut two) = pair();
        two.set_nonblocking(true).unwrap();
        assert_eq!(kind(two.read(&mut [0; 4])), ErrorKind::WouldBlock);
        one.write_all(b"x").unwrap();
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 1);
        let full = loop {
            if let Err(error) = two.write(&[7; 65536]) {
                break error.kind();
            }
        };
        assert_eq!(full, ErrorKind::WouldBlock);
        drop(one);
        assert_eq!(kind(two.write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn blocking_again_waits_again() {
    bounded(|| {
        let (mut one, mut two) = pair();
        two.set_nonblocking(true).unwrap();
        assert_eq!(kind(two.read(&mut [0; 4])), ErrorKind::WouldBlock);
        two.set_nonblocking(false).unwrap();
        let reader = thread::spawn(move || two.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        one.write_all(b"abc").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 3);
    });
}

#[test]
fn a_clone_is_the_same_connection_and_shares_the_mode() {
    bounded(|| {
        let (mut one, two) = pair();
        let mut clone = two.try_clone().unwrap();
        two.set_nonblocking(true).unwrap();
        assert_eq!(kind(clone.read(&mut [0; 4])), ErrorKind::WouldBlock);
        drop(two);
        one.write_all(b"abc").unwrap();
        assert_eq!(clone.read(&mut [0; 4]).unwrap(), 3);
    });
}

#[test]
fn an_accept_that_must_not_wait_would_block() {
    bounded(|| {
        let (listener, path) = listen();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
        let mut client = UnixStream::connect(&path).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
        // The mode is the listener's alone.
        client.write_all(b"abc").unwrap();
        server.read_exact(&mut [0; 3]).unwrap();
        let reader = thread::spawn(move || server.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        drop(client);
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn accept_waits_for_a_connection() {
    bounded(|| {
        let (listener, path) = listen();
        let accepter = thread::spawn(move || listener.accept().map(|(_, peer)| peer.is_unnamed()));
        thread::sleep(Duration::from_millis(5));
        UnixStream::connect(&path).unwrap();
        assert!(accepter.join().unwrap().unwrap());
    });
}

#[test]
fn incoming_gives_connections_as_they_come() {
    bounded(|| {
        let (listener, path) = listen();
        let server = thread::spawn(move || {
            let mut words = Vec::new();
            for stream in (&listener).into_iter().take(3) {
                let mut word = String::new();
                stream.unwrap().read_to_string(&mut word).unwrap();
                words.push(word);
            }
            assert_eq!(listener.incoming().size_hint(), (usize::MAX, None));
            words
        });
        for word in ["one", "two", "three"] {
            UnixStream::connect(&path).unwrap().write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(server.join().unwrap(), ["one", "two", "three"]);
    });
}

#[test]
fn a_clone_of_a_listener_takes_the_next_connection() {
    bounded(|| {
        let (listener, path) = listen();
        let clone = listener.try_clone().unwrap();
        assert!(listener.take_error().unwrap().is_none());
        drop(listener);
        let _client = UnixStream::connect(&path).unwrap();
        clone.accept().unwrap();
    });
}

#[test]
fn vectored_calls_keep_the_order_of_their_buffers() {
    bounded(|| {
        let (mut one, mut two) = pair();
        let written = one.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")]).unwrap();
        assert_eq!(written, 5);
        let (mut first, mut second) = ([0; 3], [0; 8]);
        let buffers = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(two.read_vectored(buffers).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
        one.flush().unwrap();
    });
}

#[test]
fn nothing_is_read_or_written_without_waiting() {
    bounded(|| {
        let (mut one, mut two) = pair();
        assert_eq!(one.write(b"").unwrap(), 0);
        one.write_all(b"x").unwrap();
        assert_eq!(two.read(&mut []).unwrap(), 0);
        assert_eq!(two.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_connection_is_used_through_a_shared_reference() {
    bounded(|| {
        let (one, two) = pair();
        (&one).write_all(b"abc").unwrap();
        let mut received = [0; 3];
        (&two).read_exact(&mut received).unwrap();
        assert_eq!(&received, b"abc");
    });
}

#[test]
fn debug_names_the_descriptor_and_the_places() {
    bounded(|| {
        let (listener, path) = listen();
        let client = UnixStream::connect(&path).unwrap();
        let place = format!("{:?}", path.as_ref());
        let (stream, listening) = (format!("{client:?}"), format!("{listener:?}"));
        assert!(stream.starts_with("UnixStream { fd: ") && stream.contains(&place), "{stream}");
        assert!(listening.starts_with("UnixListener { fd: "), "{listening}");
        assert!(listening.contains(&place), "{listening}");
        assert!(
            format!("{:?}", listener.incoming()).starts_with("Incoming { listener: UnixListener")
        );
    });
}

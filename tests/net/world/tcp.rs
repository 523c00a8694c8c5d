//! Reading and writing a connection.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::Duration;

use super::common::{kind, pair};
use super::world::thread;
use crate::support::bounded;

#[test]
fn many_bytes_arrive_whole_and_in_order() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let sent: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = thread::spawn(move || client.write_all(&sent));
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert!(received == expected);
    });
}

#[test]
fn a_read_into_no_room_takes_nothing() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 0]).unwrap(), 0);
        let mut buffer = [0; 4];
        assert_eq!(server.read(&mut buffer).unwrap(), 1);
    });
}

#[test]
fn a_write_of_nothing_returns_zero() {
    bounded(|| {
        let (mut client, _server) = pair();
        assert_eq!(client.write(b"").unwrap(), 0);
        client.write_all(b"").unwrap();
        client.flush().unwrap();
    });
}

#[test]
fn a_write_of_nothing_does_not_wait_for_a_peer_that_is_full() {
    bounded(|| {
        let (mut client, _server) = pair();
        client.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        let stopped = loop {
            if let Err(error) = client.write(&[0; 65536]) {
                break error;
            }
        };
        assert_eq!(stopped.kind(), ErrorKind::WouldBlock);
        assert_eq!(client.write(b"").unwrap(), 0);
    });
}

#[test]
fn peek_leaves_the_data() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"hello").unwrap();
        let mut buffer = [0; 16];
        for _ in 0..3 {
            assert_eq!(server.peek(&mut buffer).unwrap(), 5);
        }
        assert_eq!(server.read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
    });
}

#[test]
fn peek_waits_for_data() {
    bounded(|| {
        let (mut client, server) = pair();
        let peeker = thread::spawn(move || {
            let mut buffer = [0; 16];
            server.peek(&mut buffer).map(|length| buffer[..length].to_vec())
        });
        thread::sleep(Duration::from_millis(5));
        client.write_all(b"late").unwrap();
        assert_eq!(peeker.join().unwrap().unwrap(), b"late");
    });
}

#[test]
fn peek_sees_the_peers_close() {
    bounded(|| {
        let (client, server) = pair();
        drop(client);
        assert_eq!(server.peek(&mut [0; 4]).unwrap(), 0);
        assert_eq!(server.peek(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_vectored_read_fills_its_buffers_in_order() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"abcdefg").unwrap();
        let (mut first, mut second) = ([0; 3], [0; 8]);
        let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(server.read_vectored(&mut buffers).unwrap(), 7);
        assert_eq!((&first, &second[..4]), (b"abc", &b"defg"[..]));
    });
}

#[test]
fn a_vectored_write_sends_its_buffers_in_order() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let buffers = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(client.write_vectored(&buffers).unwrap(), 5);
        let mut received = [0; 5];
        server.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"abcde");
    });
}

#[test]
fn read_exact_says_that_the_end_came_early() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"abc").unwrap();
        drop(client);
        assert_eq!(kind(server.read_exact(&mut [0; 4])), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_connection_is_read_and_written_through_a_shared_reference() {
    bounded(|| {
        let (client, server) = pair();
        (&client).write_all(b"shared").unwrap();
        let mut received = [0; 6];
        (&server).read_exact(&mut received).unwrap();
        assert_eq!(&received, b"shared");
    });
}

#[test]
fn a_clone_is_the_same_connection() {
    bounded(|| {
        let (mut client, server) = pair();
        let mut clone = server.try_clone().unwrap();
        assert_eq!(clone.local_addr().unwrap(), server.local_addr().unwrap());
        drop(server);
        client.write_all(b"for both").unwrap();
        let mut received = [0; 8];
        clone.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"for both");
    });
}

#[test]
fn dropping_a_clone_does_not_end_the_connection() {
    bounded(|| {
        let (mut client, mut server) = pair();
        drop(server.try_clone().unwrap());
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn options_and_addresses_are_those_of_the_socket() {
    bounded(|| {
        let (client, server) = pair();
        assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        client.set_ttl(42).unwrap();
        assert_eq!(client.ttl().unwrap(), 42);
        assert_eq!(kind(client.set_ttl(0)), ErrorKind::InvalidInput);
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn debug_names_both_ends() {
    bounded(|| {
        let (client, _server) = pair();
        let text = format!("{client:?}");
        assert!(text.starts_with("TcpStream { addr: 127.0.0.1:"), "{text}");
        assert!(text.contains(&client.peer_addr().unwrap().to_string()), "{text}");
    });
}

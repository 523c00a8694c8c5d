//! Timeouts of a connection, and calls that must not wait.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::common::{kind, pair};
use super::world::thread;
use crate::support::bounded;

const SHORT: Duration = Duration::from_millis(40);

#[test]
fn a_timeout_of_zero_is_refused() {
    bounded(|| {
        let (client, _server) = pair();
        assert_eq!(kind(client.set_read_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert_eq!(kind(client.set_write_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert_eq!(client.read_timeout().unwrap(), None);
        assert_eq!(client.write_timeout().unwrap(), None);
    });
}

#[test]
fn timeouts_are_what_was_set() {
    bounded(|| {
        let (client, _server) = pair();
        client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        client.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(client.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(client.write_timeout().unwrap(), Some(Duration::from_secs(3)));
        client.set_read_timeout(None).unwrap();
        assert_eq!(client.read_timeout().unwrap(), None);
        assert_eq!(client.write_timeout().unwrap(), Some(Duration::from_secs(3)));
    });
}

#[test]
fn a_clone_shares_its_timeouts_both_ways() {
    bounded(|| {
        let (client, _server) = pair();
        client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let clone = client.try_clone().unwrap();
        assert_eq!(clone.read_timeout().unwrap(), Some(Duration::from_secs(2)));
        clone.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        clone.set_write_timeout(Some(Duration::from_secs(6))).unwrap();
        assert_eq!(client.read_timeout().unwrap(), Some(Duration::from_secs(5)));
        assert_eq!(client.write_timeout().unwrap(), Some(Duration::from_secs(6)));
    });
}

#[test]
fn a_read_that_times_out_would_block() {
    bounded(|| {
        let (_client, mut server) = pair();
        server.set_read_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        let error = server.read(&mut [0; 4]).unwrap_err();
        assert!(start.elapsed() >= SHORT);
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(kind(server.peek(&mut [0; 4])), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_read_that_timed_out_leaves_the_connection_usable() {
    bounded(|| {
        let (mut client, mut server) = pair();
        server.set_read_timeout(Some(SHORT)).unwrap();
        for word in [b"one", b"two"] {
            assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
            client.write_all(word).unwrap();
            let mut received = [0; 3];
            server.read_exact(&mut received).unwrap();
            assert_eq!(&received, word);
        }
    });
}

#[test]
fn a_timeout_counts_from_each_call() {
    bounded(|| {
        let (_client, mut server) = pair();
        server.set_read_timeout(Some(SHORT)).unwrap();
        for _ in 0..3 {
            thread::sleep(SHORT);
            let start = Instant::now();
            assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
            assert!(start.elapsed() >= SHORT);
        }
    });
}

#[test]
fn a_write_to_a_peer_that_never_reads_times_out() {
    bounded(|| {
        let (mut client, _server) = pair();
        client.set_write_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind(client.write_all(&vec![0; 64 << 20])), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_read_timeout_is_no_write_timeout() {
    bounded(|| {
        let (client, mut server) = pair();
        client.set_read_timeout(Some(SHORT)).unwrap();
        let writer = thread::spawn(move || (&client).write_all(&vec![0; 16 << 20]));
        thread::sleep(SHORT * 4);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(received.len(), 16 << 20);
    });
}

#[test]
fn a_non_blocking_read_does_not_wait() {
    bounded(|| {
        let (mut client, mut server) = pair();
        server.set_nonblocking(true).unwrap();
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
        assert_eq!(kind(server.peek(&mut [0; 4])), ErrorKind::WouldBlock);
        client.write_all(b"x").unwrap();
        // Loopback delivers within the write.
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
        client.write_all(b"y").unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_non_blocking_read_sees_the_peers_close() {
    bounded(|| {
        let (client, mut server) = pair();
        server.set_nonblocking(true).unwrap();
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
        drop(client);
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_non_blocking_write_stops_when_the_peer_is_full() {
    bounded(|| {
        let (mut client, mut server) = pair();
        client.set_nonblocking(true).unwrap();
        let mut sent = 0;
        let stopped = loop {
            match client.write(&[7; 65536]) {
                Ok(length) => sent += length,
                Err(error) => break error,
            }
        };
        assert_eq!(stopped.kind(), ErrorKind::WouldBlock);
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), sent);
    });
}

#[test]
fn blocking_again_waits_again() {
    bounded(|| {
        let (mut client, mut server) = pair();
        server.set_nonblocking(true).unwrap();
        assert_eq!(kind(server.read(&mut [0; 4])), ErrorKind::WouldBlock);
        server.set_nonblocking(false).unwrap();
        let reader = thread::spawn(move || server.read(&mut [0; 4]));
        thread::sleep(Duration::from_millis(5));
        client.write_all(b"abc").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 3);
    });
}

#[test]
fn a_clone_shares_the_mode() {
    bounded(|| {
        let (_client, server) = pair();
        let mut clone = server.try_clone().unwrap();
        server.set_nonblocking(true).unwrap();
        assert_eq!(kind(clone.read(&mut [0; 4])), ErrorKind::WouldBlock);
    });
}

//! std's adapters, which `monkey` leaves as they are.

use std::cell::Cell;
use std::io::{
    self, BufRead, BufReader, BufWriter, Cursor, ErrorKind, IoSlice, LineWriter, Read, Write,
};
use std::net::Shutdown;
use std::rc::Rc;

use greenhub::monkey::net::TcpStream;
use greenhub::{JoinError, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, noise, pair, ticks_beside};

const LARGE: usize = 16 << 20;

/// Copies noise to the other side while it copies what comes from there; returns that.
fn exchange(stream: TcpStream, seed: u32) -> Vec<u8> {
    let mut other = stream.try_clone().unwrap();
    let writer = spawn(move || {
        let copied = io::copy(&mut Cursor::new(noise(LARGE, seed)), &mut other).unwrap();
        assert_eq!(copied, LARGE as u64);
        // The other way stays open.
        other.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    io::copy(&mut &stream, &mut received).unwrap();
    writer.join().unwrap();
    received
}

#[test]
fn copies_go_both_ways_of_one_connection_at_once() {
    bounded(|| {
        let (here, there) = pair();
        let there = spawn(move || exchange(there, 1));
        let (ticks, received) = ticks_beside(|| exchange(here, 2));
        assert!(ticks > 0);
        assert!(received == noise(LARGE, 1));
        assert!(there.join().unwrap() == noise(LARGE, 2));
    });
}

#[test]
fn a_copy_between_two_connections_hands_on_all_and_the_end() {
    bounded(|| {
        let ((mut source, mut near), (mut far, mut sink)) = (pair(), pair());
        let between = spawn(move || io::copy(&mut near, &mut far).unwrap());
        let sender = spawn(move || source.write_all(&noise(LARGE, 1)).unwrap());
        let mut received = Vec::new();
        sink.read_to_end(&mut received).unwrap();
        assert!(received == noise(LARGE, 1));
        assert_eq!(between.join().unwrap(), LARGE as u64);
        sender.join().unwrap();
    });
}

#[test]
fn lines_are_read_however_they_come() {
    bounded(|| {
        let (mut client, server) = pair();
        let reading = spawn(move || {
            let lines: Result<Vec<_>, _> = BufReader::with_capacity(4, server).lines().collect();
            lines.unwrap()
        });
        for piece in ["on", "e\ntwo", "\n", "\nfour\nthe last"] {
            client.write_all(piece.as_bytes()).unwrap();
            sleep(millis(1));
        }
        drop(client);
        assert_eq!(reading.join().unwrap(), ["one", "two", "", "four", "the last"]);
    });
}

#[test]
fn pieces_that_came_before_a_limit_are_not_lost() {
    bounded(|| {
        let (mut client, server) = pair();
        let mut server = BufReader::new(server);
        client.write_all(b"half a ").unwrap();
        let mut line = Vec::new();
        let late = with_timeout(millis(20), || server.read_until(b'\n', &mut line));
        assert!(late.is_err());
        client.write_all(b"line\nnext\n").unwrap();
        server.read_until(b'\n', &mut line).unwrap();
        assert_eq!(line, b"half a line\n");
    });
}

#[test]
fn half_a_line_is_kept_by_a_limit_of_the_socket_and_not_by_one_that_unwinds() {
    bounded(|| {
        let (mut client, server) = pair();
        server.set_read_timeout(Some(millis(20))).unwrap();
        let mut server = BufReader::new(server);
        client.write_all(b"half a ").unwrap();
        let mut line = String::new();
        assert_eq!(server.read_line(&mut line).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.write_all(b"line\nhalf").unwrap();
        server.read_line(&mut line).unwrap();
        assert_eq!(line, "half a line\n");
        server.get_ref().set_read_timeout(None).unwrap();
        assert!(with_timeout(millis(20), || server.read_line(&mut line)).is_err());
        assert_eq!(line, "half a line\n");
        client.write_all(b" of it\n").unwrap();
        server.read_line(&mut line).unwrap();
        assert_eq!(line, "half a line\n of it\n");
    });
}

#[test]
fn a_line_writer_sends_at_the_end_of_a_line() {
    bounded(|| {
        let (client, mut server) = pair();
        let mut client = LineWriter::new(client);
        client.write_all(b"one\ntw").unwrap();
        let mut received = [0; 16];
        assert_eq!(server.read(&mut received).unwrap(), 4);
        server.set_read_timeout(Some(millis(10))).unwrap();
        assert_eq!(server.read(&mut received).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.write_all(b"o\n").unwrap();
        assert_eq!(server.read(&mut received).unwrap(), 4);
        assert_eq!(&received[..4], b"two\n");
    });
}

#[test]
fn a_buffered_writer_waits_for_room_beside_others() {
    bounded(|| {
        let (client, mut server) = pair();
        let reading = spawn(move || {
            (0..20).for_each(|_| sleep(millis(2)));
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received.len()
        });
        let (ticks, written) = ticks_beside(|| {
            let mut client = BufWriter::with_capacity(1000, client);
            (0..1_000_000).try_for_each(|number| writeln!(client, "{number}")).unwrap();
            client.flush()
        });
        written.unwrap();
        assert!(ticks > 5, "{ticks}");
        assert_eq!(reading.join().unwrap(), 6_888_890);
    });
}

#[test]
fn a_buffered_writer_of_a_killed_greenlet_sends_what_it_holds() {
    bounded(|| {
        let (client, mut server) = pair();
        let writer = spawn(move || {
            let mut client = BufWriter::new(client);
            client.write_all(b"held").unwrap();
            sleep(millis(60_000));
        });
        yield_now();
        writer.kill();
        assert!(matches!(writer.join(), Err(JoinError::Killed)));
        let mut received = String::new();
        server.read_to_string(&mut received).unwrap();
        assert_eq!(received, "held");
    });
}

#[test]
fn parts_and_chains_of_streams_read_no_further_than_they_say() {
    bounded(|| {
        let ((mut one, mut first), (mut two, second)) = (pair(), pair());
        one.write_all(b"0123456789").unwrap();
        two.write_all(b"abc").unwrap();
        drop(two);
        let mut text = String::new();
        Read::by_ref(&mut first).take(4).chain(second).read_to_string(&mut text).unwrap();
        assert_eq!(text, "0123abc");
        drop(one);
        let rest: Result<Vec<_>, _> = BufReader::new(&first).bytes().collect();
        assert_eq!(rest.unwrap(), b"456789");
        assert_eq!(first.read_exact(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn pieces_that_are_written_together_arrive_in_order() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(client.write_vectored(&pieces).unwrap(), 7);
        drop(client);
        assert_eq!(io::read_to_string(&mut server).unwrap(), "one two");
    });
}

#[test]
fn a_peer_that_vanishes_ends_a_copy_with_an_error() {
    bounded(|| {
        let (mut client, server) = pair();
        let copied = Rc::new(Cell::new(false));
        let copying = Rc::clone(&copied);
        let copy = spawn(move || {
            let error = io::copy(&mut io::repeat(7), &mut client).unwrap_err();
            copying.set(true);
            error.kind()
        });
        sleep(millis(10));
        assert!(!copied.get());
        drop(server);
        let kind = copy.join().unwrap();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    });
}

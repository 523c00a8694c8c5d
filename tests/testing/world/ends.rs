//! How a connection ends. `world` is TCP, or memory.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use super::world::pair;
use crate::support::bounded;

/// Reads until there is no more, and keeps the errors on the way.
fn reads(stream: &mut impl Read, count: usize) -> Vec<Result<Vec<u8>, ErrorKind>> {
    let mut buf = [0; 64];
    let mut read = || match stream.read(&mut buf) {
        Ok(length) => Ok(buf[..length].to_vec()),
        Err(error) => Err(error.kind()),
    };
    (0..count).map(|_| read()).collect()
}

fn writes(stream: &mut impl Write, count: usize) -> Vec<Result<usize, ErrorKind>> {
    (0..count).map(|_| stream.write(b"x").map_err(|error| error.kind())).collect()
}

#[test]
fn one_half_ends_and_the_other_goes_on() {
    bounded(|| {
        let (mut near, mut far) = pair();
        near.write_all(b"question").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(writes(&mut near, 2), [Err(ErrorKind::BrokenPipe); 2]);
        assert_eq!(reads(&mut far, 3), [Ok(b"question".to_vec()), Ok(vec![]), Ok(vec![])]);
        far.write_all(b"answer").unwrap();
        drop(far);
        assert_eq!(reads(&mut near, 3), [Ok(b"answer".to_vec()), Ok(vec![]), Ok(vec![])]);
    });
}

#[test]
fn who_closes_with_data_unread_resets() {
    bounded(|| {
        let (mut near, mut far) = pair();
        near.write_all(b"unread").unwrap();
        far.write_all(b"sent before").unwrap();
        // It has come: there is a byte to see.
        assert_eq!(far.peek(&mut [0]).unwrap(), 1);
        assert_eq!(near.peek(&mut [0]).unwrap(), 1);
        drop(far);
        let said = reads(&mut near, 4);
        assert_eq!(said[0], Ok(b"sent before".to_vec()));
        assert_eq!(said[1..], [Err(ErrorKind::ConnectionReset), Ok(vec![]), Ok(vec![])]);
        assert_eq!(writes(&mut near, 2), [Err(ErrorKind::BrokenPipe); 2]);
        assert_eq!(near.shutdown(Shutdown::Both).unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn a_reset_is_told_once_and_to_whoever_asks_first() {
    bounded(|| {
        let (mut near, far) = pair();
        near.write_all(b"unread").unwrap();
        far.peek(&mut [0]).unwrap();
        drop(far);
        let said = writes(&mut near, 2);
        assert_eq!(said, [Err(ErrorKind::ConnectionReset), Err(ErrorKind::BrokenPipe)]);
        assert_eq!(reads(&mut near, 2), [Ok(vec![]), Ok(vec![])]);
        let (near, mut far) = pair();
        far.write_all(b"more").unwrap();
        near.peek(&mut [0]).unwrap();
        drop(near);
        let error = far.take_error().unwrap().map(|error| error.kind());
        assert_eq!(error, Some(ErrorKind::ConnectionReset));
        assert!(far.take_error().unwrap().is_none());
        assert_eq!(reads(&mut far, 1), [Ok(vec![])]);
    });
}

#[test]
fn what_is_written_to_one_who_has_closed_breaks_the_next_write() {
    bounded(|| {
        let (mut near, far) = pair();
        drop(far);
        assert_eq!(reads(&mut near, 1), [Ok(vec![])]);
        assert_eq!(writes(&mut near, 3)[..2], [Ok(1), Err(ErrorKind::BrokenPipe)]);
        assert_eq!(reads(&mut near, 2), [Ok(vec![]), Ok(vec![])]);
    });
}

#[test]
fn reading_that_was_ended_gives_what_is_there_and_then_the_end() {
    bounded(|| {
        let (mut near, mut far) = pair();
        far.write_all(b"there").unwrap();
        near.peek(&mut [0]).unwrap();
        near.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reads(&mut near, 2), [Ok(b"there".to_vec()), Ok(vec![])]);
        far.write_all(b"still").unwrap();
        assert_eq!(reads(&mut near, 2), [Ok(b"still".to_vec()), Ok(vec![])]);
        near.write_all(b"back").unwrap();
        assert_eq!(reads(&mut far, 1), [Ok(b"back".to_vec())]);
    });
}

#[test]
fn a_half_can_be_ended_twice_and_a_whole_connection_once() {
    bounded(|| {
        let (mut near, mut far) = pair();
        near.shutdown(Shutdown::Write).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(reads(&mut far, 1), [Ok(vec![])]);
        far.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reads(&mut near, 1), [Ok(vec![])]);
        for end in [&near, &far] {
            let error = end.shutdown(Shutdown::Write).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
    });
}

#[test]
fn an_end_lasts_as_long_as_its_last_clone() {
    bounded(|| {
        let (mut near, far) = pair();
        let mut clone = far.try_clone().unwrap();
        drop(far);
        clone.write_all(b"still").unwrap();
        assert_eq!(reads(&mut near, 1), [Ok(b"still".to_vec())]);
        drop(clone);
        assert_eq!(reads(&mut near, 1), [Ok(vec![])]);
    });
}

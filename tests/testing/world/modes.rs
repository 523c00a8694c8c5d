//! Limits, modes and odd calls. `world` is TCP, or memory.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::Duration;

use super::world::{Stream, pair};
use crate::support::{bounded, millis};

#[test]
fn a_read_that_waits_too_long_would_block_and_nothing_is_lost() {
    bounded(|| {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(millis(5))).unwrap();
        let error = near.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        far.write_all(b"late").unwrap();
        let mut all = [0; 4];
        near.read_exact(&mut all).unwrap();
        assert_eq!(&all, b"late");
        assert_eq!(near.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_write_for_which_no_room_comes_would_block() {
    bounded(|| {
        let (mut near, _far) = pair();
        near.set_write_timeout(Some(millis(5))).unwrap();
        let error = loop {
            match near.write(&[0; 65_536]) {
                Ok(length) => assert!(length > 0),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn limits_are_shared_by_clones_and_none_is_zero() {
    bounded(|| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        near.set_read_timeout(Some(millis(20))).unwrap();
        near.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        assert_eq!(clone.read_timeout().unwrap(), Some(millis(20)));
        assert_eq!(clone.write_timeout().unwrap(), Some(Duration::from_secs(2)));
        for error in [
            near.set_read_timeout(Some(Duration::ZERO)).unwrap_err(),
            near.set_write_timeout(Some(Duration::ZERO)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), "cannot set a 0 duration timeout");
        }
        assert_eq!(clone.read_timeout().unwrap(), Some(millis(20)));
        clone.set_read_timeout(None).unwrap();
        assert_eq!(near.read_timeout().unwrap(), None);
    });
}

#[test]
fn one_that_does_not_wait_says_so() {
    bounded(|| {
        let (mut near, mut far) = pair();
        let clone = near.try_clone().unwrap();
        clone.set_nonblocking(true).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(near.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        while near.write(&[0; 65_536]).is_ok() {}
        let error = near.write(&[0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        near.set_nonblocking(false).unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(near.read(&mut [0]).unwrap(), 1);
    });
}

#[test]
fn a_peek_leaves_what_it_sees() {
    bounded(|| {
        let (mut near, mut far) = pair();
        far.write_all(b"seen").unwrap();
        let mut seen = [0; 8];
        assert_eq!(near.peek(&mut seen[..2]).unwrap(), 2);
        assert_eq!(near.peek(&mut seen).unwrap(), 4);
        assert_eq!(near.read(&mut seen).unwrap(), 4);
        assert_eq!(&seen[..4], b"seen");
    });
}

#[test]
fn an_empty_write_returns_at_once_and_an_empty_read_when_there_is_data() {
    bounded(|| {
        let (mut near, mut far) = pair();
        assert_eq!(near.write(&[]).unwrap(), 0);
        near.set_nonblocking(true).unwrap();
        assert_eq!(near.read(&mut []).unwrap_err().kind(), ErrorKind::WouldBlock);
        near.set_nonblocking(false).unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(near.read(&mut []).unwrap(), 0);
        assert_eq!(near.read(&mut [0; 2]).unwrap(), 1);
    });
}

#[test]
fn several_buffers_are_written_and_read() {
    bounded(|| {
        let (mut near, mut far) = pair();
        let written = near.write_vectored(&[IoSlice::new(b"on"), IoSlice::new(b"e")]).unwrap();
        near.write_all(&b"one"[written..]).unwrap();
        near.flush().unwrap();
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert!((1..=3).contains(&far.read_vectored(&mut bufs).unwrap()));
        assert_eq!(&first[..1], b"o");
    });
}

#[test]
fn addresses_name_each_other_and_options_are_kept() {
    bounded(|| {
        let (near, far) = pair();
        assert_eq!(near.peer_addr().unwrap(), far.local_addr().unwrap());
        assert_eq!(near.local_addr().unwrap(), far.peer_addr().unwrap());
        near.set_nodelay(true).unwrap();
        assert!(near.nodelay().unwrap() && !far.nodelay().unwrap());
        assert!(format!("{near:?}").starts_with("TcpStream { addr: ") || is_in_memory(&near));
    });
}

/// Only its name differs.
fn is_in_memory(stream: &Stream) -> bool {
    format!("{stream:?}").starts_with("Stream { addr: ")
}

#[test]
fn ends_go_to_other_threads() {
    fn is_for_all_threads<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    is_for_all_threads::<Stream>();
    bounded(|| {
        let (mut near, mut far) = pair();
        let thread = std::thread::spawn(move || {
            for _ in 0..100 {
                let mut byte = [0];
                far.read_exact(&mut byte).unwrap();
                far.write_all(&[byte[0] + 1]).unwrap();
            }
        });
        for n in 0..100 {
            near.write_all(&[n]).unwrap();
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], n + 1);
        }
        thread.join().unwrap();
    });
}

//! Several descriptors at once.

use std::io::{Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use greenhub::io::{Interest, PollFd, Selected, poll, select};
use greenhub::{Hub, sleep, spawn};

use crate::support::{bounded, pair};

const BRIEF: Option<Duration> = Some(Duration::from_millis(5));

#[test]
fn a_descriptor_may_be_there_twice_and_in_both_lists() {
    bounded(|| {
        let (here, mut there) = UnixStream::pair().unwrap();
        let ready = select(&[&here, &here], &[&here], None).unwrap();
        assert_eq!(ready, Selected { readable: vec![], writable: vec![0] });
        there.write_all(b"x").unwrap();
        let ready = select(&[&here, &here], &[&here], None).unwrap();
        assert_eq!(ready, Selected { readable: vec![0, 1], writable: vec![0] });
    });
}

#[test]
fn one_that_is_there_twice_is_reported_in_both_places_after_a_wait() {
    bounded(|| {
        let (here, mut there) = UnixStream::pair().unwrap();
        let waiter = spawn(move || select(&[&here, &here], &[], None).unwrap().readable);
        sleep(Duration::from_millis(5));
        assert_eq!(Hub::current().stats().sources, 1);
        there.write_all(b"x").unwrap();
        assert_eq!(waiter.join().unwrap(), [0, 1]);
    });
}

#[test]
fn many_pairs_are_all_reported_in_one_call() {
    bounded(|| {
        let pairs: Vec<_> = (0..10).map(|_| UnixStream::pair().unwrap()).collect();
        let read: Vec<&dyn AsFd> = pairs.iter().map(|pair| &pair.0 as &dyn AsFd).collect();
        assert!(select(&read, &[], BRIEF).unwrap().is_empty());
        for (_, there) in &pairs {
            (&*there).write_all(b"x").unwrap();
        }
        assert_eq!(select(&read, &[], None).unwrap().readable, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_limit_that_is_over_gives_empty_lists() {
    bounded(|| {
        let (reader, _writer) = pipe().unwrap();
        assert!(select(&[&reader], &[], BRIEF).unwrap().is_empty());
        assert!(select(&[&reader], &[], Some(Duration::ZERO)).unwrap().is_empty());
        assert!(select(&[], &[], BRIEF).unwrap().is_empty());
    });
}

#[test]
#[allow(unsafe_code)]
fn a_descriptor_that_is_not_open_fails_the_call() {
    bounded(|| {
        let (reader, _writer) = pipe().unwrap();
        // SAFETY: nobody has this descriptor open, which is the point: the kernel refuses it.
        let not_open = unsafe { BorrowedFd::borrow_raw(0x7fff_fff0) };
        let error = select(&[&reader, &not_open], &[], None).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    });
}

#[test]
fn a_socket_that_is_closed_meanwhile_is_ready() {
    bounded(|| {
        let (_client, server) = pair();
        let server = std::rc::Rc::new(server);
        let selects = server.clone();
        let waiter = spawn(move || select(&[&*selects], &[], None).unwrap().readable);
        sleep(Duration::from_millis(5));
        server.close().unwrap();
        assert_eq!(waiter.join().unwrap(), [0]);
    });
}

#[test]
fn one_whose_other_side_is_gone_is_ready_in_both_lists() {
    bounded(|| {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let ready = select(&[&here], &[&here], None).unwrap();
        assert_eq!(ready, Selected { readable: vec![0], writable: vec![0] });
        let mut asked = [PollFd::new(&here, Interest::NONE)];
        assert_eq!(poll(&mut asked, None).unwrap(), 1);
        assert!(asked[0].is_hung_up());
    });
}

#[test]
fn data_for_another_list_does_not_end_a_wait() {
    bounded(|| {
        let (mut here, there) = UnixStream::pair().unwrap();
        there.set_nonblocking(true).unwrap();
        while (&there).write(&[0; 65536]).is_ok() {}
        let waiter = spawn(move || select(&[], &[&there], Some(Duration::from_millis(20))));
        sleep(Duration::from_millis(2));
        here.write_all(b"x").unwrap();
        assert!(waiter.join().unwrap().unwrap().is_empty());
    });
}

#[test]
fn one_in_both_lists_is_waited_for_in_both_directions() {
    bounded(|| {
        for to_read in [true, false] {
            let (here, mut there) = UnixStream::pair().unwrap();
            here.set_nonblocking(true).unwrap();
            there.set_nonblocking(true).unwrap();
            while (&here).write(&[0; 65536]).is_ok() {}
            let waiter = spawn(move || select(&[&here], &[&here], None).unwrap());
            sleep(Duration::from_millis(5));
            assert!(!waiter.any().is_dead());
            if to_read {
                there.write_all(b"x").unwrap();
            } else {
                while there.read(&mut [0; 65536]).is_ok() {}
            }
            let ready = waiter.join().unwrap();
            assert_eq!(
                (ready.readable.len(), ready.writable.len()),
                (to_read.into(), (!to_read).into())
            );
        }
    });
}

//! Waiting for descriptors that someone else owns.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use greenhub::io::{
    Interest, PollFd, poll, read, wait_readable, wait_readwrite, wait_writable, write,
};
use greenhub::{Hub, sleep, spawn, with_timeout};

use rustix::event::epoll;

use crate::support::{Scratch, alone, bounded, open_descriptors, pair};

const BRIEF: Option<Duration> = Some(Duration::from_millis(5));

fn sources() -> usize {
    Hub::current().stats().sources
}

/// A descriptor that is not open.
#[allow(unsafe_code)]
fn not_open() -> BorrowedFd<'static> {
    // SAFETY: nobody has this descriptor open, which is the point: the kernel refuses it.
    unsafe { BorrowedFd::borrow_raw(0x7fff_fff0) }
}

#[test]
fn a_wait_ends_when_something_can_be_read() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let waiter = spawn(move || {
            wait_readable(&reader, None).unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            byte[0]
        });
        sleep(Duration::from_millis(5));
        assert!(!waiter.any().is_dead());
        writer.write_all(b"x").unwrap();
        assert_eq!(waiter.join().unwrap(), b'x');
        assert_eq!(sources(), 0);
    });
}

#[test]
fn a_wait_ends_when_the_other_side_is_gone() {
    bounded(|| {
        let (reader, writer) = pipe().unwrap();
        let waiter = spawn(move || wait_readable(&reader, None).is_ok());
        sleep(Duration::from_millis(5));
        drop(writer);
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn a_wait_ends_when_there_is_room_to_write() {
    bounded(|| {
        let (here, mut there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        while (&here).write(&[0; 65536]).is_ok() {}
        let error = wait_writable(&here, BRIEF).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let waiter = spawn(move || wait_writable(&here, None).is_ok());
        sleep(Duration::from_millis(5));
        there.set_nonblocking(true).unwrap();
        while there.read(&mut [0; 65536]).is_ok() {}
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn either_direction_ends_a_wait_for_both() {
    bounded(|| {
        let (here, _there) = UnixStream::pair().unwrap();
        wait_readwrite(&here, None).unwrap();
    });
}

#[test]
fn a_limit_of_zero_only_looks() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        let other = spawn(|| ());
        let waited = wait_readable(&reader, Some(Duration::ZERO));
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(!other.any().is_dead(), "nobody else has run");
        writer.write_all(b"x").unwrap();
        wait_readable(&reader, Some(Duration::ZERO)).unwrap();
    });
}

#[test]
fn a_descriptor_that_is_not_open_is_an_error() {
    bounded(|| {
        let waited = wait_readable(not_open(), None);
        assert_eq!(waited.unwrap_err().raw_os_error(), Some(libc::EBADF));
        let fd = not_open();
        let mut asked = [PollFd::new(&fd, Interest::READABLE)];
        assert_eq!(poll(&mut asked, None).unwrap(), 1);
        assert!(asked[0].is_invalid() && !asked[0].is_readable());
    });
}

#[test]
fn a_regular_file_is_always_ready() {
    bounded(|| {
        let scratch = Scratch::holding(b"content");
        let file = File::open(&scratch).unwrap();
        wait_readable(&file, None).unwrap();
        let (quiet, _writer) = pipe().unwrap();
        let mut asked =
            [PollFd::new(&quiet, Interest::READABLE), PollFd::new(&file, Interest::READABLE)];
        assert_eq!(poll(&mut asked, None).unwrap(), 1);
        assert!(asked[1].is_readable());
        let mut buffer = [0; 16];
        assert_eq!(read(&file, &mut buffer).unwrap(), 7);
    });
}

#[test]
fn a_file_asked_for_what_it_never_has_does_not_disturb_the_others() {
    bounded(|| {
        let scratch = Scratch::holding(b"");
        let file = File::open(&scratch).unwrap();
        let (reader, mut writer) = pipe().unwrap();
        let waiter = spawn(move || {
            let mut asked =
                [PollFd::new(&file, Interest::URGENT), PollFd::new(&reader, Interest::READABLE)];
            (poll(&mut asked, None).unwrap(), asked[1].is_readable())
        });
        sleep(Duration::from_millis(5));
        writer.write_all(b"x").unwrap();
        assert_eq!(waiter.join().unwrap(), (1, true));
    });
}

#[test]
fn several_greenlets_wait_for_one_descriptor_in_both_directions() {
    bounded(|| {
        let (here, mut there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        while (&here).write(&[0; 65536]).is_ok() {}
        let copies: Vec<_> = (0..3).map(|_| here.try_clone().unwrap()).collect();
        let mut waiters: Vec<_> =
            copies.into_iter().map(|copy| spawn(move || wait_readable(&copy, None))).collect();
        let same = std::rc::Rc::new(here);
        for _ in 0..3 {
            let (reads, writes) = (same.clone(), same.clone());
            waiters.push(spawn(move || wait_readable(reads.as_fd(), None)));
            waiters.push(spawn(move || wait_writable(writes.as_fd(), None)));
        }
        sleep(Duration::from_millis(5));
        assert_eq!(sources(), 9);
        there.write_all(b"x").unwrap();
        there.set_nonblocking(true).unwrap();
        while there.read(&mut [0; 65536]).is_ok() {}
        for waiter in waiters {
            waiter.join().unwrap().unwrap();
        }
        assert_eq!(sources(), 0);
    });
}

#[test]
fn a_socket_keeps_its_own_registration_while_others_wait_for_its_descriptor() {
    bounded(|| {
        let (mut client, server) = pair();
        let server = std::rc::Rc::new(server);
        let reads = server.clone();
        let reader = spawn(move || {
            let mut seen = Vec::new();
            (&*reads).read_to_end(&mut seen).map(|_| seen)
        });
        sleep(Duration::from_millis(5));
        let looks = server.clone();
        let watcher = spawn(move || wait_readable(looks.as_fd(), None));
        let impatient = server.clone();
        let gives_up = spawn(move || wait_readable(impatient.as_fd(), BRIEF).is_err());
        assert!(gives_up.join().unwrap());
        client.write_all(b"one ").unwrap();
        watcher.join().unwrap().unwrap();
        client.write_all(b"two").unwrap();
        drop(client);
        assert_eq!(reader.join().unwrap().unwrap(), b"one two");
    });
}

#[test]
fn a_greenlet_waits_again_and_again_and_misses_nothing() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let receiver = spawn(move || {
            let mut bytes = 0;
            loop {
                wait_readable(&reader, None).unwrap();
                match reader.read(&mut [0]).unwrap() {
                    0 => return bytes,
                    read => bytes += read,
                }
            }
        });
        let thread = std::thread::spawn(move || {
            for turn in 0..500 {
                writer.write_all(&[0; 3][..1 + turn % 3]).unwrap();
                if turn % 7 == 0 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
        assert_eq!(receiver.join().unwrap(), 999);
        thread.join().unwrap();
    });
}

#[test]
fn a_kill_and_a_timeout_leave_no_registration_and_no_descriptor() {
    alone("polling::a_kill_and_a_timeout_leave_no_registration_and_no_descriptor", || {
        let (reader, _writer) = pipe().unwrap();
        let _ = wait_readable(&reader, BRIEF);
        let before = open_descriptors();
        let reader = std::rc::Rc::new(reader);
        for _ in 0..50 {
            let waits = reader.clone();
            let waiter = spawn(move || wait_readable(waits.as_fd(), None));
            sleep(Duration::from_micros(10));
            assert_eq!(sources(), 1);
            waiter.kill();
            assert_eq!(sources(), 0);
            let block = with_timeout(Duration::from_micros(10), || wait_readable(&*reader, None));
            assert!(block.is_err());
            assert!(wait_readable(&*reader, Some(Duration::from_micros(10))).is_err());
        }
        assert_eq!((sources(), open_descriptors()), (0, before));
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn while_it_unwinds_a_greenlet_only_looks() {
    struct AtTheEnd(PipeReader);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert!(wait_readable(&self.0, Some(Duration::ZERO)).is_err());
            let error = wait_readable(&self.0, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other);
        }
    }
    bounded(|| {
        let (reader, _writer) = pipe().unwrap();
        let greenlet = spawn(move || {
            let _end = AtTheEnd(reader);
            sleep(Duration::MAX);
        });
        sleep(Duration::from_millis(1));
        greenlet.kill();
        assert_eq!(sources(), 0);
    });
}

#[test]
fn waiting_for_no_descriptor_is_a_sleep_or_is_reported() {
    bounded(|| {
        assert_eq!(poll(&mut [], BRIEF).unwrap(), 0);
        let report = std::panic::catch_unwind(|| poll(&mut [], None)).unwrap_err();
        let report = report.downcast_ref::<String>().unwrap();
        assert!(report.contains("main waits for one of no descriptors"), "{report}");
    });
}

#[test]
fn a_greenlet_that_always_finds_something_lets_others_run() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"x").unwrap();
        let other = spawn(|| ());
        while !other.any().is_dead() {
            wait_readable(&reader, None).unwrap();
        }
    });
}

#[test]
fn read_and_write_make_only_the_greenlet_wait_in_either_mode() {
    for nonblocking in [false, true] {
        bounded(move || {
            let (here, there) = UnixStream::pair().unwrap();
            here.set_nonblocking(nonblocking).unwrap();
            there.set_nonblocking(nonblocking).unwrap();
            let sent: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
            let expected = sent.clone();
            let sender = spawn(move || {
                let mut rest = &sent[..];
                while !rest.is_empty() {
                    rest = &rest[write(&here, rest).unwrap()..];
                }
            });
            let mut seen = Vec::new();
            let mut buffer = vec![0; 10_000];
            loop {
                match read(&there, &mut buffer).unwrap() {
                    0 => break,
                    read => seen.extend_from_slice(&buffer[..read]),
                }
            }
            sender.join().unwrap();
            assert!(seen == expected, "all that was sent, in order");
            assert_eq!(sources(), 0);
        });
    }
}

#[test]
fn nothing_to_read_or_to_write_is_no_wait() {
    bounded(|| {
        let (here, _there) = UnixStream::pair().unwrap();
        assert_eq!(read(&here, &mut []).unwrap(), 0);
        assert_eq!(write(&here, &[]).unwrap(), 0);
        assert_eq!(
            read(not_open(), &mut [0]).unwrap_err().raw_os_error(),
            Some(libc::EBADF),
            "and an error is an error"
        );
    });
}

#[test]
fn an_epoll_can_be_waited_for_as_any_other() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        let own = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        epoll::add(&own, &reader, epoll::EventData::new_u64(0), epoll::EventFlags::IN).unwrap();
        let waited = wait_readable(&own, BRIEF);
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::TimedOut);
        let waiter = spawn(move || wait_readable(&own, None));
        sleep(Duration::from_millis(5));
        writer.write_all(b"x").unwrap();
        waiter.join().unwrap().unwrap();
    });
}

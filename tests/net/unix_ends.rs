//! Unix sockets that are closed, and greenlets that are killed or unwind while they use one.

use std::fmt::Debug;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use greenhub::{Hub, JoinError, sleep, spawn};

use crate::support::{Scratch, alone, bounded, open_descriptors};
use crate::unix::{full_listener, full_receiver, ticker};

fn errno<T: Debug>(answer: io::Result<T>) -> Option<i32> {
    answer.unwrap_err().raw_os_error()
}

#[test]
fn close_wakes_readers_writers_and_accepters_with_ebadf() {
    bounded(|| {
        let path = Scratch::new();
        let listener = Rc::new(UnixListener::bind(&path).unwrap());
        let (stream, _peer) = UnixStream::pair().unwrap();
        let stream = Rc::new(stream);
        let (reading, writing, accepting) =
            (Rc::clone(&stream), Rc::clone(&stream), Rc::clone(&listener));
        let waiting = [
            spawn(move || errno((&*reading).read(&mut [0; 4]))),
            spawn(move || errno((&*writing).write_all(&vec![0; 8 << 20]))),
            spawn(move || errno(accepting.accept())),
        ];
        sleep(Duration::from_millis(20));
        stream.close().unwrap();
        listener.close().unwrap();
        for greenlet in waiting {
            assert_eq!(greenlet.join().unwrap(), Some(libc::EBADF));
        }
        assert_eq!(errno((&*stream).read(&mut [])), Some(libc::EBADF));
        assert_eq!(errno((&*stream).write(b"")), Some(libc::EBADF));
        assert_eq!(errno(stream.close()), Some(libc::EBADF));
        assert_eq!(errno(listener.accept()), Some(libc::EBADF));
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn close_wakes_a_receiver_and_senders_with_ebadf() {
    bounded(|| {
        let path = Rc::new(Scratch::new());
        let (receiver, _) = full_receiver(&path);
        let (idle, _peer) = UnixDatagram::pair().unwrap();
        let (patient, connected) =
            (UnixDatagram::unbound().unwrap(), UnixDatagram::unbound().unwrap());
        connected.connect(&*path).unwrap();
        let sockets = [Rc::new(idle), Rc::new(patient), Rc::new(connected)];
        let [receiving, sending, sending_connected] = sockets.clone();
        let to = Rc::clone(&path);
        let waiting = [
            spawn(move || errno(receiving.recv(&mut [0; 4]))),
            spawn(move || errno(sending.send_to(b"x", &*to))),
            spawn(move || errno(sending_connected.send(b"x"))),
        ];
        sleep(Duration::from_millis(20));
        assert!(waiting.iter().all(|greenlet| !greenlet.is_finished()));
        for socket in &sockets {
            socket.close().unwrap();
        }
        for greenlet in waiting {
            assert_eq!(greenlet.join().unwrap(), Some(libc::EBADF));
        }
        for socket in &sockets {
            assert_eq!(errno(socket.send_to(b"x", &*path)), Some(libc::EBADF));
            assert_eq!(errno(socket.send(b"x")), Some(libc::EBADF));
            assert_eq!(errno(socket.recv_from(&mut [0; 4])), Some(libc::EBADF));
        }
        drop(receiver);
    });
}

#[test]
fn killed_greenlets_leave_no_waiter_no_source_and_no_descriptor() {
    alone("unix_ends::killed_greenlets_leave_no_waiter_no_source_and_no_descriptor", || {
        let (at, to) = (Rc::new(Scratch::new()), Rc::new(Scratch::new()));
        let full = (full_listener(&at), full_receiver(&to));
        spawn(|| ()).join().unwrap();
        let (sources, open) = (Hub::current().stats().sources, open_descriptors());
        for _ in 0..20 {
            let ((_silent, mut reading), (mut writing, _deaf)) =
                (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
            let (receiving, _quiet) = UnixDatagram::pair().unwrap();
            let place = Scratch::new();
            let listener = UnixListener::bind(&place).unwrap();
            let (at, to, again) = (Rc::clone(&at), Rc::clone(&to), Rc::clone(&to));
            let greenlets = [
                spawn(move || drop(reading.read(&mut [0; 4]))),
                spawn(move || drop(writing.write_all(&vec![0; 8 << 20]))),
                spawn(move || drop(listener.accept())),
                spawn(move || drop(receiving.recv(&mut [0; 4]))),
                spawn(move || drop(UnixStream::connect(&*at))),
                spawn(move || drop(UnixDatagram::unbound().unwrap().send_to(b"x", &*to))),
                spawn(move || {
                    let socket = UnixDatagram::unbound().unwrap();
                    socket.connect(&*again).unwrap();
                    drop(socket.send(b"x"));
                }),
            ];
            sleep(Duration::from_millis(2));
            for greenlet in greenlets {
                assert!(!greenlet.is_finished());
                greenlet.kill();
                assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
            }
        }
        let stats = Hub::current().stats();
        assert_eq!((stats.sources, stats.stacks_in_use), (sources, 0));
        assert_eq!(open_descriptors(), open);
        drop(full);
    });
}

#[test]
fn a_datagram_of_a_killed_sender_is_not_sent() {
    bounded(|| {
        let path = Rc::new(Scratch::new());
        let (receiver, held) = full_receiver(&path);
        let to = Rc::clone(&path);
        let sending = spawn(move || UnixDatagram::unbound().unwrap().send_to(b"killed", &*to));
        sleep(Duration::from_millis(2));
        sending.kill();
        receiver.set_nonblocking(true).unwrap();
        for _ in 0..held {
            let mut buffer = [0; 6];
            receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer, b"filler");
        }
        assert_eq!(receiver.recv(&mut [0; 6]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// Connects and sends where there is no room.
struct Waits(Rc<(Scratch, Scratch)>);

impl Drop for Waits {
    fn drop(&mut self) {
        let socket = UnixDatagram::unbound().unwrap();
        let errors = [
            UnixStream::connect(&self.0.0).unwrap_err(),
            socket.send_to(b"x", &self.0.1).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Other);
            assert!(error.to_string().contains("unwinds"), "{error}");
        }
    }
}

#[test]
fn a_destructor_that_would_have_to_wait_for_room_gets_an_error() {
    bounded(|| {
        let paths = Rc::new((Scratch::new(), Scratch::new()));
        let _full = (full_listener(&paths.0), full_receiver(&paths.1));
        let (ticker, ticks) = ticker();
        let waits = Waits(Rc::clone(&paths));
        let greenlet = spawn(move || {
            let _waits = waits;
            sleep(Duration::from_secs(3600));
        });
        sleep(Duration::from_millis(5));
        greenlet.kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
        let before = ticks.get();
        sleep(Duration::from_millis(5));
        assert!(ticks.get() > before);
        ticker.kill();
    });
}

//! Unix sockets where the kernel says nothing, and beside others who run.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net as theirs;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use greenhub::{Greenlet, TimedOut, joinall, sleep, spawn, with_timeout};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::{Scratch, bounded};

/// Counts the milliseconds in which others could run.
pub(crate) fn ticker() -> (Greenlet<()>, Rc<Cell<u32>>) {
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let ticker = spawn(move || {
        loop {
            sleep(Duration::from_millis(1));
            counted.set(counted.get() + 1);
        }
    });
    (ticker, ticks)
}

/// A listener whose queue is full, and those who fill it.
pub(crate) fn full_listener(path: &Scratch) -> (Socket, Vec<Socket>) {
    let address = SockAddr::unix(path).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut fillers = Vec::new();
    loop {
        let filler = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        match filler.connect(&address) {
            Ok(()) => fillers.push(filler),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return (listener, fillers);
            }
        }
    }
}

/// A receiver that has no room, and how many datagrams it holds.
pub(crate) fn full_receiver(path: &Scratch) -> (UnixDatagram, usize) {
    let receiver = UnixDatagram::bind(path).unwrap();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    let mut held = 0;
    while filler.send_to(b"filler", path).is_ok() {
        held += 1;
    }
    (receiver, held)
}

#[test]
fn connecting_to_a_listener_without_room_waits_beside_others() {
    bounded(|| {
        let path = Scratch::new();
        let (listener, fillers) = full_listener(&path);
        let (ticker, ticks) = ticker();
        let connecting = spawn(move || {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(b"here").unwrap();
            path
        });
        while ticks.get() < 30 {
            sleep(Duration::from_millis(1));
        }
        assert!(!connecting.is_finished());
        for _ in &fillers {
            listener.accept().unwrap();
        }
        let _path = connecting.join().unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        accepted.read_exact(&mut [0; 4]).unwrap();
        ticker.kill();
    });
}

#[test]
fn a_limit_ends_connecting_to_a_listener_without_room() {
    bounded(|| {
        let path = Scratch::new();
        let (_listener, _fillers) = full_listener(&path);
        let ended = with_timeout(Duration::from_millis(30), || UnixStream::connect(&path));
        assert!(matches!(ended, Err(TimedOut { .. })));
    });
}

#[test]
fn a_listener_that_goes_refuses_those_who_wait_for_room() {
    bounded(|| {
        let path = Scratch::new();
        let (listener, fillers) = full_listener(&path);
        let connecting = spawn(move || (UnixStream::connect(&path).unwrap_err().kind(), path));
        sleep(Duration::from_millis(5));
        drop((listener, fillers));
        assert_eq!(connecting.join().unwrap().0, ErrorKind::ConnectionRefused);
    });
}

#[test]
fn sending_to_a_full_receiver_waits_beside_others_and_goes_on_when_it_reads() {
    bounded(|| {
        let path = Scratch::new();
        let (receiver, held) = full_receiver(&path);
        let (ticker, ticks) = ticker();
        let sender = UnixDatagram::unbound().unwrap();
        let sending = spawn(move || {
            assert_eq!(sender.send_to(b"through", &path).unwrap(), 7);
            path
        });
        while ticks.get() < 30 {
            sleep(Duration::from_millis(1));
        }
        assert!(!sending.is_finished());
        for _ in 0..held {
            assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 6);
        }
        assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 7);
        let _path = sending.join().unwrap();
        ticker.kill();
    });
}

#[test]
fn a_connected_sender_waits_beside_others_and_goes_on_when_its_receiver_reads() {
    bounded(|| {
        let path = Scratch::new();
        let (receiver, held) = full_receiver(&path);
        let (ticker, ticks) = ticker();
        let sender = UnixDatagram::unbound().unwrap();
        sender.connect(&path).unwrap();
        let sending = spawn(move || {
            // Several times full and room again: each change has to be told.
            for _ in 0..200 {
                assert_eq!(sender.send(b"through").unwrap(), 7);
            }
        });
        while ticks.get() < 30 {
            sleep(Duration::from_millis(1));
        }
        assert!(!sending.is_finished());
        for _ in 0..held {
            assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 6);
        }
        for _ in 0..200 {
            assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 7);
        }
        sending.join().unwrap();
        ticker.kill();
    });
}

#[test]
fn a_connected_socket_that_has_waited_before_is_told_of_room() {
    bounded(|| {
        let path = Scratch::new();
        let receiver = UnixDatagram::bind(&path).unwrap();
        let reply = Scratch::new();
        let sender = Rc::new(UnixDatagram::bind(&reply).unwrap());
        sender.connect(&path).unwrap();
        // It is known to the kernel from here on, as one that can write.
        let listening = Rc::clone(&sender);
        let reading = spawn(move || listening.recv(&mut [0; 4]).unwrap());
        sleep(Duration::from_millis(5));
        for round in 0..50 {
            let sending = Rc::clone(&sender);
            let writing = spawn(move || {
                for _ in 0..40 {
                    sending.send(b"x").unwrap();
                }
            });
            if round % 2 == 0 {
                sleep(Duration::from_millis(1));
            }
            for _ in 0..40 {
                receiver.recv(&mut [0; 4]).unwrap();
            }
            writing.join().unwrap();
        }
        receiver.send_to(b"end", &reply).unwrap();
        assert_eq!(reading.join().unwrap(), 3);
    });
}

#[test]
fn many_who_send_to_one_receiver_all_get_through_each_in_its_order() {
    bounded(|| {
        let path = Rc::new(Scratch::new());
        let receiver = UnixDatagram::bind(&*path).unwrap();
        let senders: Vec<_> = (0..20_u8)
            .map(|number| {
                let path = Rc::clone(&path);
                spawn(move || {
                    let socket = UnixDatagram::unbound().unwrap();
                    if number % 2 == 0 {
                        socket.connect(&*path).unwrap();
                    }
                    for count in 0..50_u8 {
                        let datagram = [number, count];
                        match number % 2 {
                            0 => socket.send(&datagram).unwrap(),
                            _ => socket.send_to(&datagram, &*path).unwrap(),
                        };
                    }
                })
            })
            .collect();
        let mut expected = [0; 20];
        for _ in 0..20 * 50 {
            let mut datagram = [0; 2];
            receiver.recv(&mut datagram).unwrap();
            let [number, count] = datagram;
            assert_eq!(count, expected[usize::from(number)], "of sender {number}");
            expected[usize::from(number)] += 1;
        }
        joinall(&senders);
    });
}

#[test]
fn a_greenlet_that_never_has_to_wait_lets_others_run() {
    bounded(|| {
        let path = Scratch::new();
        let here = UnixDatagram::bind(&path).unwrap();
        let there = UnixDatagram::unbound().unwrap();
        let done = Rc::new(Cell::new(false));
        let setting = Rc::clone(&done);
        spawn(move || setting.set(true));
        while !done.get() {
            there.send_to(b"x", &path).unwrap();
            here.recv(&mut [0; 4]).unwrap();
        }
    });
}

#[test]
fn a_ticker_goes_on_beside_each_call_that_waits() {
    bounded(|| {
        let path = Scratch::new();
        let listener = UnixListener::bind(&path).unwrap();
        let (silent, mut reading) = UnixStream::pair().unwrap();
        let (mut writing, deaf) = UnixStream::pair().unwrap();
        let (quiet, receiving) = UnixDatagram::pair().unwrap();
        let (ticker, ticks) = ticker();
        let waiting = [
            spawn(move || drop(listener.accept().unwrap())),
            spawn(move || assert_eq!(reading.read(&mut [0; 4]).unwrap(), 0)),
            spawn(move || assert!(writing.write_all(&vec![0; 8 << 20]).is_err())),
            spawn(move || assert_eq!(receiving.recv(&mut [0; 4]).unwrap(), 1)),
        ];
        while ticks.get() < 30 {
            sleep(Duration::from_millis(1));
        }
        assert!(waiting.iter().all(|greenlet| !greenlet.is_finished()));
        UnixStream::connect(&path).unwrap();
        drop((silent, deaf));
        quiet.send(b"x").unwrap();
        for greenlet in waiting {
            greenlet.join().unwrap();
        }
        ticker.kill();
    });
}

#[test]
fn sockets_of_std_go_in_and_out_with_their_timeouts() {
    bounded(|| {
        let limit = Some(Duration::from_secs(2));
        let (one, mut two) = theirs::UnixStream::pair().unwrap();
        one.set_read_timeout(limit).unwrap();
        let mut one = UnixStream::from(one);
        assert_eq!(one.read_timeout().unwrap(), limit);
        let reading = spawn(move || {
            one.read_exact(&mut [0; 3]).unwrap();
            one.set_write_timeout(limit).unwrap();
            one
        });
        sleep(Duration::from_millis(5));
        two.write_all(b"abc").unwrap();
        let mut one = theirs::UnixStream::from(reading.join().unwrap());
        assert_eq!((one.read_timeout().unwrap(), one.write_timeout().unwrap()), (limit, limit));
        // It blocks again: this one waits for the thread.
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            two.write_all(b"defg").unwrap();
        });
        one.read_exact(&mut [0; 4]).unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn listeners_and_datagram_sockets_of_std_go_in_and_out() {
    bounded(|| {
        let path = Scratch::new();
        let listener = UnixListener::from(theirs::UnixListener::bind(&path).unwrap());
        let accepting = spawn(move || {
            listener.accept().unwrap();
            theirs::UnixListener::from(listener)
        });
        sleep(Duration::from_millis(2));
        let _first = UnixStream::connect(&path).unwrap();
        let listener = accepting.join().unwrap();
        let _second = theirs::UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();

        let (one, two) = theirs::UnixDatagram::pair().unwrap();
        one.set_nonblocking(true).unwrap();
        let one = UnixDatagram::from(one);
        assert_eq!(one.recv(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        one.set_nonblocking(false).unwrap();
        two.send(b"abc").unwrap();
        assert_eq!(one.recv(&mut [0; 4]).unwrap(), 3);
        one.shutdown(Shutdown::Write).unwrap();
        let one = theirs::UnixDatagram::from(one);
        assert_eq!(one.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

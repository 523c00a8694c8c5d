//! Closing, by this end and by the other.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream, UdpSocket};
use greenhub::{Hub, sleep, spawn, yield_now};

use crate::support::{alone, bounded, pair};

fn errno<T: std::fmt::Debug>(answer: io::Result<T>) -> Option<i32> {
    answer.unwrap_err().raw_os_error()
}

#[test]
fn close_wakes_readers_and_writers_with_ebadf() {
    bounded(|| {
        let (client, _server) = pair();
        let client = Rc::new(client);
        let (reading, peeking, writing) =
            (Rc::clone(&client), Rc::clone(&client), Rc::clone(&client));
        let reader = spawn(move || errno((&*reading).read(&mut [0; 4])));
        let peeker = spawn(move || errno(peeking.peek(&mut [0; 4])));
        let writer = spawn(move || errno((&*writing).write_all(&vec![0; 64 << 20])));
        sleep(Duration::from_millis(20));
        client.close().unwrap();
        for greenlet in [reader, peeker, writer] {
            assert_eq!(greenlet.join().unwrap(), Some(libc::EBADF));
        }
    });
}

#[test]
fn close_wakes_every_accepter_with_ebadf() {
    bounded(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let accepters: Vec<_> = (0..3)
            .map(|_| {
                let listener = Rc::clone(&listener);
                spawn(move || errno(listener.accept()))
            })
            .collect();
        yield_now();
        listener.close().unwrap();
        for accepter in accepters {
            assert_eq!(accepter.join().unwrap(), Some(libc::EBADF));
        }
        assert!(TcpStream::connect(listener.local_addr().unwrap()).is_err());
    });
}

#[test]
fn close_wakes_a_receiver_with_ebadf() {
    bounded(|| {
        let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let receiving = Rc::clone(&socket);
        let receiver = spawn(move || errno(receiving.recv_from(&mut [0; 4])));
        yield_now();
        socket.close().unwrap();
        assert_eq!(receiver.join().unwrap(), Some(libc::EBADF));
        assert_eq!(errno(socket.recv(&mut [0; 4])), Some(libc::EBADF));
        assert_eq!(errno(socket.send_to(b"x", "127.0.0.1:9")), Some(libc::EBADF));
    });
}

#[test]
fn every_call_after_close_gets_ebadf() {
    bounded(|| {
        let (mut client, _server) = pair();
        client.close().unwrap();
        assert_eq!(errno(client.read(&mut [0; 4])), Some(libc::EBADF));
        assert_eq!(errno(client.read(&mut [])), Some(libc::EBADF));
        assert_eq!(errno(client.peek(&mut [0; 4])), Some(libc::EBADF));
        assert_eq!(errno(client.write(b"x")), Some(libc::EBADF));
        assert_eq!(errno(client.write(b"")), Some(libc::EBADF));
        assert_eq!(errno(client.close()), Some(libc::EBADF));
    });
}

#[test]
fn the_peer_and_a_clone_see_a_close_as_the_end() {
    bounded(|| {
        let (client, mut server) = pair();
        let mut clone = client.try_clone().unwrap();
        let reader = spawn(move || clone.read(&mut [0; 4]));
        yield_now();
        client.close().unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn close_from_another_thread_wakes_a_reader() {
    bounded(|| {
        let (client, _server) = pair();
        let client = std::sync::Arc::new(client);
        let closing = std::sync::Arc::clone(&client);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            closing.close()
        });
        assert_eq!(errno((&*client).read(&mut [0; 4])), Some(libc::EBADF));
        thread.join().unwrap().unwrap();
    });
}

#[test]
fn what_the_peer_sends_before_it_closes_arrives_with_any_timing() {
    bounded(|| {
        for round in 0..600u32 {
            let (mut client, mut server) = pair();
            let sender = spawn(move || {
                client.write_all(b"first").unwrap();
                match round % 6 {
                    0 => {}
                    1 => yield_now(),
                    2 => sleep(Duration::from_micros(100)),
                    3 => client.shutdown(Shutdown::Write).unwrap(),
                    4 => client.write_all(b"second").unwrap(),
                    _ => sleep(Duration::from_micros(u64::from(round))),
                }
            });
            if round % 2 == 0 {
                sender.wait();
            }
            if round % 5 == 0 {
                // It is a source before anything comes.
                server.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
                let mut buffer = [0; 3];
                let _ = server.peek(&mut buffer);
                server.set_read_timeout(None).unwrap();
            }
            let mut received = Vec::new();
            let mut buffer = [0; 64];
            loop {
                match server.read(&mut buffer).unwrap() {
                    0 => break,
                    length => received.extend_from_slice(&buffer[..length]),
                }
                if round % 3 == 0 {
                    sleep(Duration::from_micros(50));
                }
            }
            let expected: &[u8] = if round % 6 == 4 { b"firstsecond" } else { b"first" };
            assert_eq!(received, expected, "round {round}");
        }
    });
}

#[test]
fn a_reset_with_any_timing_ends_a_reader() {
    bounded(|| {
        for round in 0..200u64 {
            let (mut client, mut server) = pair();
            let reader = spawn(move || server.read_to_end(&mut Vec::new()));
            if round % 2 == 0 {
                yield_now();
            }
            client.write_all(b"abc").unwrap();
            if round % 3 == 0 {
                sleep(Duration::from_micros(round));
            }
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            let error = reader.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn an_event_for_a_closed_descriptor_never_reaches_its_successor() {
    alone("closing::an_event_for_a_closed_descriptor_never_reaches_its_successor", || {
        let before = Hub::current().stats().sources;
        for round in 0..500u32 {
            // Both become sources, and the first is dropped with an event on its way.
            let (mut client, mut server) = pair();
            let number = std::os::fd::AsRawFd::as_raw_fd(&server);
            server.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
            assert!(server.read(&mut [0; 4]).is_err());
            client.write_all(b"for the first").unwrap();
            drop(server);
            drop(client);
            // Its number is given out again.
            let (mut client, mut server) = pair();
            let same = [&client, &server].map(std::os::fd::AsRawFd::as_raw_fd).contains(&number);
            assert!(same, "the kernel gives out the lowest number");
            let reader = spawn(move || {
                let mut buffer = [0; 16];
                server.read(&mut buffer).map(|length| buffer[..length].to_vec())
            });
            yield_now();
            assert!(!reader.is_finished(), "round {round}");
            client.write_all(b"second").unwrap();
            assert_eq!(reader.join().unwrap().unwrap(), b"second");
        }
        assert_eq!(Hub::current().stats().sources, before);
    });
}

//! Greenlets that are killed, or unwind, while they use a descriptor.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream, UdpSocket};
use greenhub::{Hub, JoinError, sleep, spawn, yield_now};
use socket2::{Domain, Socket, Type};

use crate::support::{alone, bounded, open_descriptors, pair};

/// A listener that has no room, and the connections that fill it: whoever connects waits.
fn full_listener() -> (Socket, Vec<Socket>, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let fillers = (0..4)
        .map(|_| {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            filler.set_nonblocking(true).unwrap();
            // In progress: the first are taken in, the others wait.
            let _ = filler.connect(&address.into());
            filler
        })
        .collect();
    (listener, fillers, address)
}

#[test]
fn a_killed_greenlet_leaves_no_waiter_no_source_and_no_descriptor() {
    alone("killing::a_killed_greenlet_leaves_no_waiter_no_source_and_no_descriptor", || {
        let (full, fillers, address) = full_listener();
        spawn(|| ()).join().unwrap();
        let (sources, open) = (Hub::current().stats().sources, open_descriptors());
        for _ in 0..20 {
            let ((_silent, mut reading), (writing, _deaf)) = (pair(), pair());
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let greenlets = [
                spawn(move || drop(reading.read(&mut [0; 4]))),
                spawn(move || drop((&writing).write_all(&vec![0; 64 << 20]))),
                spawn(move || drop(listener.accept())),
                spawn(move || drop(socket.recv(&mut [0; 4]))),
                spawn(move || drop(TcpStream::connect(address))),
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
        drop((full, fillers));
    });
}

#[test]
fn connect_to_a_listener_without_room_times_out_and_then_leaves_nothing() {
    bounded(|| {
        let (_full, _fillers, address) = full_listener();
        let limit = Duration::from_millis(50);
        let start = std::time::Instant::now();
        let error = TcpStream::connect_timeout(&address, limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(start.elapsed() >= limit);
        assert_eq!(Hub::current().stats().sources, 0);
    });
}

#[test]
fn a_killed_reader_does_not_take_the_data_of_the_next() {
    bounded(|| {
        let (mut client, server) = pair();
        let server = Rc::new(server);
        for _ in 0..100 {
            let (first, second) = (Rc::clone(&server), Rc::clone(&server));
            let killed = spawn(move || drop((&*first).read(&mut [0; 4])));
            let reader = spawn(move || (&*second).read(&mut [0; 4]));
            yield_now();
            client.write_all(b"abc").unwrap();
            killed.start_kill();
            assert_eq!(reader.join().unwrap().unwrap(), 3);
        }
    });
}

#[test]
fn an_accepter_killed_as_its_connection_comes_leaves_it_to_the_next() {
    bounded(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        for _ in 0..50 {
            let accepting = Rc::clone(&listener);
            let killed = spawn(move || drop(accepting.accept()));
            yield_now();
            let client = TcpStream::connect(address).unwrap();
            killed.kill();
            if killed.join().is_err() {
                assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
            }
        }
    });
}

struct Farewell(TcpStream);

impl Drop for Farewell {
    fn drop(&mut self) {
        let said = self.0.write_all(b"QUIT");
        let mut answer = [0; 16];
        let heard = self.0.read(&mut answer);
        assert!(said.is_ok(), "{said:?}");
        assert_eq!(heard.unwrap(), 3);
    }
}

#[test]
fn a_destructor_of_an_unwinding_greenlet_uses_what_is_ready() {
    bounded(|| {
        let (mut client, server) = pair();
        let greenlet = spawn(move || {
            let mut farewell = Farewell(server);
            // Drained, and the report of what comes next is not in yet when the kill comes.
            farewell.0.read_exact(&mut [0; 1]).unwrap();
            let _ = farewell.0.read(&mut [0; 16]);
        });
        client.write_all(b"x").unwrap();
        sleep(Duration::from_millis(5));
        client.write_all(b"bye").unwrap();
        greenlet.start_kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
        let mut received = String::new();
        client.read_to_string(&mut received).unwrap();
        assert_eq!(received, "QUIT");
    });
}

struct Waits(TcpStream);

impl Drop for Waits {
    fn drop(&mut self) {
        let error = self.0.read(&mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(error.to_string().contains("unwinds"), "{error}");
    }
}

#[test]
fn a_destructor_that_would_have_to_wait_gets_an_error() {
    bounded(|| {
        let (_client, server) = pair();
        let greenlet = spawn(move || {
            let _waits = Waits(server);
            sleep(Duration::from_secs(3600));
        });
        yield_now();
        greenlet.kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn a_busy_greenlet_that_never_has_to_wait_can_be_killed() {
    bounded(|| {
        let (client, server) = pair();
        let writer = spawn(move || while (&client).write_all(&[0; 100]).is_ok() {});
        let reader = spawn(move || while (&server).read(&mut [0; 1]).is_ok() {});
        sleep(Duration::from_millis(5));
        reader.kill();
        writer.kill();
    });
}

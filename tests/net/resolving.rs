//! Names.

use std::time::{Duration, Instant};

use greenhub::monkey::net::{TcpListener, TcpStream, ToSocketAddrs};
use greenhub::{JoinError, sleep, spawn, yield_now};

use crate::support::bounded;

#[test]
fn five_hundred_names_are_resolved_at_once() {
    bounded(|| {
        let greenlets: Vec<_> = (0..500u16)
            .map(|port| {
                spawn(move || {
                    let mut found = ("localhost", port).to_socket_addrs().unwrap();
                    found.all(|address| address.ip().is_loopback() && address.port() == port)
                })
            })
            .collect();
        assert!(greenlets.iter().all(|greenlet| greenlet.join().unwrap()));
    });
}

/// Kills greenlets that resolve; returns how many had not got their answer before that.
fn kill_resolvers() -> usize {
    let greenlets: Vec<_> = (0..50)
        .map(|_| spawn(|| "localhost:80".to_socket_addrs().map(|found| found.count())))
        .collect();
    yield_now();
    for greenlet in &greenlets {
        greenlet.start_kill();
    }
    greenlets.iter().filter(|it| matches!(it.join(), Err(JoinError::Killed))).count()
}

#[test]
fn a_resolve_is_interrupted_by_a_kill() {
    bounded(|| {
        // On a busy machine the answers may be there before anyone has to wait.
        while kill_resolvers() == 0 {}
        // The answers come, and find nobody.
        sleep(Duration::from_millis(20));
        assert!("localhost:80".to_socket_addrs().unwrap().count() > 0);
    });
}

#[test]
fn addresses_in_numbers_ask_no_other_thread() {
    bounded(|| {
        let before = Instant::now();
        let neighbour = spawn(|| ());
        assert_eq!("127.0.0.1:80".to_socket_addrs().unwrap().count(), 1);
        assert_eq!(("::1", 80).to_socket_addrs().unwrap().count(), 1);
        assert!("localhost".to_socket_addrs().is_err());
        assert!(!neighbour.is_finished(), "nobody waited in {:?}", before.elapsed());
    });
}

#[test]
fn a_name_is_connected_to() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // If it has another address as well, the last that is tried is the one that answers.
        let stream = TcpStream::connect(("localhost", port)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    });
}

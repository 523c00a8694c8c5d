//! Listeners in memory.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use greenhub::testing::net::{Link, Listener, Network, Stream};
use greenhub::testing::{self, Simulation};
use greenhub::{joinall, sleep, spawn, yield_now};

use crate::support::{bounded, secs};

const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 80);

/// A server of lines: `+n` adds, `?` asks for the sum.
fn serve(mut stream: Stream, sum: &RefCell<u64>) -> std::io::Result<()> {
    let mut byte = [0];
    let mut line = Vec::new();
    while stream.read(&mut byte)? > 0 {
        if byte != *b"\n" {
            line.extend(byte);
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
        match text.strip_prefix('+') {
            Some(number) => *sum.borrow_mut() += number.parse::<u64>().unwrap(),
            None => {
                let answer = sum.borrow().to_string();
                writeln!(stream, "{answer}")?;
            }
        }
    }
    Ok(())
}

#[test]
fn a_server_and_its_clients_agree_under_every_seed() {
    bounded(|| {
        testing::check(100, || {
            let link = Link::new().short_reads().short_writes().jitter(secs(1));
            let network = Network::with_link(link);
            let listener = network.listen(SERVER).unwrap();
            let sum = Rc::new(RefCell::new(0));
            let shared = Rc::clone(&sum);
            let server = spawn(move || {
                for stream in listener.incoming() {
                    let (stream, sum) = (stream.unwrap(), Rc::clone(&shared));
                    spawn(move || serve(stream, &sum).unwrap());
                }
            });
            let clients: Vec<_> = (1..=5u64)
                .map(|n| {
                    let network = network.clone();
                    spawn(move || {
                        let mut stream = network.connect(SERVER).unwrap();
                        writeln!(stream, "+{n}").unwrap();
                        writeln!(stream, "?").unwrap();
                        let mut answer = vec![0];
                        while answer.last() != Some(&b'\n') {
                            let mut byte = [0];
                            stream.read_exact(&mut byte).unwrap();
                            answer.extend(byte);
                        }
                        let answer = String::from_utf8(answer[1..].to_vec()).unwrap();
                        assert!(answer.trim().parse::<u64>().unwrap() >= n);
                    })
                })
                .collect();
            joinall(&clients);
            clients.iter().for_each(|client| client.join().unwrap());
            assert_eq!(*sum.borrow(), 15);
            server.kill();
        });
    });
}

#[test]
fn nobody_there_refuses_and_an_address_is_one_listeners() {
    bounded(|| {
        let network = Network::new();
        let error = network.connect(SERVER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let listener = network.listen(SERVER).unwrap();
        assert_eq!(network.listen(SERVER).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(listener.local_addr().unwrap(), SocketAddr::from(SERVER));
        let any = network.listen(([10, 0, 0, 1], 0)).unwrap().local_addr().unwrap();
        assert_ne!(any.port(), 0);
        assert!(Network::new().connect(SERVER).is_err(), "it is another network");
        let clone = listener.try_clone().unwrap();
        drop(listener);
        network.connect(SERVER).unwrap();
        drop(clone);
        let error = network.connect(SERVER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        network.listen(SERVER).unwrap();
    });
}

#[test]
fn to_connect_takes_a_round_trip_and_no_longer_than_its_limit() {
    bounded(|| {
        Simulation::new().run(|| {
            let network = Network::with_link(Link::new().delay(secs(2)));
            let _listener = network.listen(SERVER).unwrap();
            network.connect(SERVER).unwrap();
            assert_eq!(testing::now(), secs(4));
            let error = network.connect_timeout(SERVER, secs(3)).unwrap_err();
            assert_eq!((error.kind(), testing::now()), (ErrorKind::TimedOut, secs(7)));
            network.connect_timeout(SERVER, secs(4)).unwrap();
            let error = network.connect_timeout(SERVER, secs(0)).unwrap_err();
            assert_eq!((error.kind(), testing::now()), (ErrorKind::InvalidInput, secs(11)));
        });
    });
}

#[test]
fn who_finds_the_backlog_full_waits_and_is_refused_when_the_listener_goes() {
    bounded(|| {
        Simulation::new().run(|| {
            let network = Network::new();
            let listener = network.listen(SERVER).unwrap();
            let mut early: Vec<_> = (0..128).map(|_| network.connect(SERVER).unwrap()).collect();
            let error = network.connect_timeout(SERVER, secs(1)).unwrap_err();
            assert_eq!((error.kind(), testing::now()), (ErrorKind::TimedOut, secs(1)));
            let connect = || {
                let network = network.clone();
                spawn(move || network.connect(SERVER).map_err(|error| error.kind()).err())
            };
            let (first, second) = (connect(), connect());
            yield_now();
            let (mut accepted, peer) = listener.accept().unwrap();
            assert_eq!(early[0].local_addr().unwrap(), peer);
            assert_eq!(first.join().unwrap(), None);
            drop(listener);
            assert_eq!(second.join().unwrap(), Some(ErrorKind::ConnectionRefused));
            accepted.write_all(b"x").unwrap();
            assert_eq!(early[0].read(&mut [0]).unwrap(), 1, "what was accepted goes on");
            let error = early[1].read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "what was not is reset");
        });
    });
}

#[test]
fn networks_and_listeners_go_to_other_threads() {
    fn is_for_all_threads<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    is_for_all_threads::<Network>();
    is_for_all_threads::<Listener>();
    bounded(|| {
        let network = Network::new();
        let listener = network.listen(SERVER).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"x").unwrap();
        });
        network.connect(SERVER).unwrap().read_exact(&mut [0]).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn a_listener_that_does_not_wait_says_so() {
    bounded(|| {
        let network = Network::new();
        let listener = network.listen(SERVER).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let _client = network.connect(SERVER).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn who_is_killed_in_accept_takes_no_connection_along() {
    bounded(|| {
        testing::check(100, || {
            let network = Network::new();
            let listener = network.listen(SERVER).unwrap();
            let killed = {
                let listener = listener.try_clone().unwrap();
                spawn(move || drop(listener.accept()))
            };
            let client = {
                let network = network.clone();
                spawn(move || network.connect(SERVER).unwrap())
            };
            yield_now();
            let is_first = killed.is_finished();
            killed.kill();
            let accepted = spawn(move || drop(listener.accept().unwrap()));
            sleep(secs(1));
            assert!(client.is_finished());
            assert!(accepted.is_finished() || is_first || killed.is_successful());
        });
    });
}

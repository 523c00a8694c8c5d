//! What a stop ends, and what it leaves.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::monkey::net::TcpStream;
use greenhub::server::StreamServer;
use greenhub::{
    AnyGreenlet, Pool, add_spawn_hook, killall, remove_spawn_hook, sleep, spawn, with_timeout,
    yield_now,
};

use crate::support::{
    SECOND, alone, ask, assert_refused, assert_serves, bounded, echo, echo_server, held, millis,
    started, until,
};

#[test]
fn a_stop_lets_handlers_end_until_its_limit() {
    bounded(|| {
        let (server, address) = started(StreamServer::bind("127.0.0.1:0", |mut stream, _| {
            sleep(millis(50));
            stream.write_all(b"done")
        }));
        let mut client = TcpStream::connect(address).unwrap();
        until(|| server.handler_count() == 1);
        server.stop(SECOND * 30).unwrap();
        assert_eq!(server.handler_count(), 0);
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "done");
    });
}

#[test]
fn a_stop_under_load_leaves_nothing() {
    alone("ending::a_stop_under_load_leaves_nothing", || {
        // What is made once is made before the count.
        let (server, address) = echo_server();
        assert_serves(address);
        server.stop(SECOND).unwrap();
        drop(server);
        sleep(millis(20));
        let before = held();
        for pool in [None, Some(Pool::new(50)), Some(Pool::new(1000))] {
            let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
            let server = match &pool {
                Some(pool) => server.pool(pool),
                None => server,
            };
            let (server, address) = started(server.idle_limit(SECOND * 60));
            let clients: Vec<_> = (0..200)
                .map(|_| {
                    spawn(move || {
                        let mut client = TcpStream::connect(address)?;
                        loop {
                            ask(&mut client, b"load")?;
                        }
                        #[expect(unreachable_code)]
                        Ok::<(), std::io::Error>(())
                    })
                })
                .collect();
            until(|| server.handler_count() >= 50);
            let begin = Instant::now();
            server.stop(millis(30)).unwrap();
            assert!(begin.elapsed() >= millis(30), "they do not end by themselves");
            assert_eq!(server.handler_count(), 0);
            assert_refused(address);
            for client in clients {
                assert!(client.join().unwrap().is_err());
            }
            drop(server);
        }
        sleep(millis(20));
        assert_eq!(held(), before);
    });
}

#[test]
fn a_second_stop_is_harmless_and_may_be_harder() {
    bounded(|| {
        let (server, address) = echo_server();
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let stopping = server.clone();
        let patient = spawn(move || stopping.stop(Duration::MAX));
        yield_now();
        assert_eq!(ask(&mut client, b"b").unwrap(), b"b", "it goes on meanwhile");
        assert_refused(address);
        server.stop(Duration::ZERO).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        patient.join().unwrap().unwrap();
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_server_that_was_never_started_can_be_stopped() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |_, _| ());
        server.stop_accepting();
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_handler_may_stop_its_server() {
    bounded(|| {
        let own: Rc<RefCell<Option<StreamServer>>> = Rc::default();
        let found = Rc::clone(&own);
        let server = StreamServer::bind("127.0.0.1:0", move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            let server: StreamServer = found.borrow().clone().unwrap();
            server.stop(millis(10)).unwrap();
            stream.write_all(b"stopped")
        });
        own.replace(Some(server.clone()));
        let (server, address) = started(server);
        let mut other = TcpStream::connect(address).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"!").unwrap();
        server.serve_forever().unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "stopped", "it goes on itself");
        assert_eq!(other.read(&mut [0; 4]).unwrap(), 0, "the others do not");
        assert_refused(address);
        own.take();
    });
}

#[test]
fn a_start_during_a_stop_is_the_last_word() {
    bounded(|| {
        let (server, address) = echo_server();
        assert_serves(address);
        let own = server.clone();
        let stop = spawn(move || own.stop(SECOND));
        let own = server.clone();
        let start = spawn(move || own.start());
        start.join().unwrap().unwrap();
        assert_serves(server.local_addr().unwrap());
        stop.join().unwrap().unwrap();
        assert!(server.is_started() && server.is_accepting());
        assert_serves(server.local_addr().unwrap());
        server.stop(SECOND).unwrap();
        assert!(server.local_addr().is_err());
    });
}

#[test]
fn handlers_that_stop_their_server_at_once_do_not_wait_for_each_other() {
    bounded(|| {
        let own: Rc<RefCell<Option<StreamServer>>> = Rc::default();
        let found = Rc::clone(&own);
        let server = StreamServer::bind("127.0.0.1:0", move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            let server: StreamServer = found.borrow().clone().unwrap();
            server.stop(Duration::MAX).unwrap();
            stream.write_all(b"stopped")
        });
        own.replace(Some(server.clone()));
        let (server, address) = started(server);
        let mut clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        until(|| server.handler_count() == 3);
        clients.iter_mut().for_each(|client| client.write_all(b"!").unwrap());
        // Main is no handler, and waits for all of them.
        yield_now();
        server.stop(Duration::MAX).unwrap();
        assert_eq!(server.handler_count(), 0);
        for mut client in clients {
            let mut said = String::new();
            client.read_to_string(&mut said).unwrap();
            assert_eq!(said, "stopped");
        }
        own.take();
    });
}

#[test]
fn a_handler_that_was_unwound_out_of_its_stop_has_the_time_that_others_have() {
    bounded(|| {
        let own: Rc<RefCell<Option<StreamServer>>> = Rc::default();
        let found = Rc::clone(&own);
        let server = StreamServer::bind("127.0.0.1:0", move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            let server = found.borrow().clone().unwrap();
            match &order {
                b"1" => {
                    let stop = || server.stop(SECOND * 10);
                    assert!(with_timeout(millis(20), stop).is_err(), "it waits for the third");
                    sleep(millis(200));
                }
                b"2" => server.stop(SECOND * 10).unwrap(),
                _ => sleep(millis(80)),
            }
            stream.write_all(b"done")
        });
        own.replace(Some(server.clone()));
        let (_, address) = started(server);
        let mut clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        for (client, order) in clients.iter_mut().zip([b"1", b"2", b"3"]) {
            client.write_all(order).unwrap();
        }
        for (nth, client) in clients.iter_mut().enumerate() {
            let mut said = String::new();
            client.read_to_string(&mut said).unwrap();
            assert_eq!(said, "done", "of {nth}");
        }
        own.take();
    });
}

#[test]
fn one_that_catches_what_ends_it_is_told() {
    bounded(|| {
        let release = Rc::new(Cell::new(false));
        let own = Rc::clone(&release);
        let (server, address) = started(StreamServer::bind("127.0.0.1:0", move |_, _| {
            while !own.get() {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(millis(10))));
            }
        }));
        let _client = TcpStream::connect(address).unwrap();
        until(|| server.handler_count() == 1);
        assert_eq!(server.stop(Duration::ZERO).unwrap_err().count, 1);
        release.set(true);
        server.stop(SECOND).unwrap();
        assert_eq!(server.handler_count(), 0);
    });
}

#[test]
fn whoever_serves_and_is_ended_stops_the_server() {
    bounded(|| {
        let (server, address) = echo_server();
        let late = with_timeout(millis(10), || server.serve_forever());
        assert!(late.is_err());
        until(|| server.local_addr().is_err());
        assert_refused(address);

        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        yield_now();
        assert_serves(address);
        forever.kill();
        until(|| server.local_addr().is_err());
        assert_refused(address);
    });
}

#[test]
fn a_stop_that_is_ended_itself_has_closed_the_listener() {
    bounded(|| {
        let (server, address) = echo_server();
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        assert!(with_timeout(millis(10), || server.stop(Duration::MAX)).is_err());
        assert_refused(address);
        forever.join().unwrap().unwrap();
        assert_eq!(ask(&mut client, b"b").unwrap(), b"b", "its handlers run on");
        server.stop(Duration::ZERO).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn pauses_and_restarts_lose_no_connection() {
    bounded(|| {
        let (server, address) = echo_server();
        let flipping = server.clone();
        let flipper = spawn(move || {
            for round in 0u64.. {
                flipping.stop_accepting();
                sleep(Duration::from_micros(round % 7 * 50));
                flipping.start_accepting().unwrap();
                sleep(Duration::from_micros(round % 5 * 50));
            }
        });
        let clients: Vec<_> = (0..300u64)
            .map(|n| {
                spawn(move || {
                    sleep(Duration::from_micros(n * 100));
                    let mut client = TcpStream::connect(address).unwrap();
                    ask(&mut client, b"hello").unwrap()
                })
            })
            .collect();
        for client in clients {
            assert_eq!(client.join().unwrap(), b"hello");
        }
        flipper.kill();
        server.stop(SECOND).unwrap();
    });
}

/// Stops its server when it is dropped.
struct StopAtEnd(StreamServer);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        // While it unwinds, nobody waits for the handlers.
        let _ = self.0.stop(SECOND * 30);
    }
}

#[test]
fn a_stop_by_one_who_unwinds_ends_everything_a_little_later() {
    bounded(|| {
        let (server, address) = echo_server();
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let stopping = StopAtEnd(server.clone());
        let sleeper = spawn(move || {
            let _stopping = stopping;
            sleep(Duration::MAX);
        });
        yield_now();
        sleeper.kill();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        until(|| server.handler_count() == 0 && !server.is_accepting());
        assert_refused(address);
    });
}

/// Calls `start`, and returns the acceptor that it spawns.
fn acceptor_of(start: impl FnOnce()) -> AnyGreenlet {
    let found: Rc<RefCell<Vec<AnyGreenlet>>> = Rc::default();
    let sink = Rc::clone(&found);
    let hook = add_spawn_hook(move |greenlet| sink.borrow_mut().push(greenlet.clone()));
    start();
    assert!(remove_spawn_hook(hook));
    let all = found.take();
    all.into_iter().find(|greenlet| greenlet.name().as_deref() == Some("server")).unwrap()
}

#[test]
fn a_server_whose_acceptor_is_killed_has_stopped() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
        let acceptor = acceptor_of(|| server.start().unwrap());
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        let address = server.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        killall([&acceptor]);
        let error = forever.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
        assert!(!server.is_started() && !server.is_accepting());
        assert_refused(address);
        assert_eq!(ask(&mut client, b"b").unwrap(), b"b", "its handlers run on");
        server.stop(Duration::ZERO).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        server.start().unwrap();
        assert_serves(server.local_addr().unwrap());
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_server_whose_acceptor_is_killed_before_it_begins_has_stopped() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
        let acceptor = acceptor_of(|| server.start().unwrap());
        let address = server.local_addr().unwrap();
        killall([&acceptor]);
        assert!(!server.is_started() && !server.is_accepting() && server.local_addr().is_err());
        assert_refused(address);
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        server.stop_accepting();
        assert!(server.is_started(), "one that is told to end is none that was killed");
        server.start_accepting().unwrap();
        assert_serves(address);
        server.stop(SECOND).unwrap();
    });
}

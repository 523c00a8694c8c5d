//! Handlers that panic, and listeners that fail.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::panic;
use std::rc::Rc;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::server::StreamServer;
use greenhub::{
    AnyGreenlet, Hub, Pool, add_spawn_hook, remove_spawn_hook, sleep, spawn, yield_now,
};

use crate::support::{
    SECOND, ask, assert_refused, assert_serves, bounded, echo, echo_server, millis, started, told,
    until,
};

#[test]
fn a_handler_that_panics_closes_its_connection_and_nothing_else() {
    bounded(|| {
        for pool in [None, Some(Pool::new(2))] {
            let told = told();
            let server = StreamServer::bind("127.0.0.1:0", |mut stream: TcpStream, _| {
                let mut first = [0];
                stream.peek(&mut first)?;
                if &first == b"!" {
                    // As a panic, without a message on standard error.
                    panic::resume_unwind(Box::new("no luck"));
                }
                echo(&mut stream)
            });
            let server = match &pool {
                Some(pool) => server.pool(pool),
                None => server,
            };
            let (server, address) = started(server);
            let mut other = TcpStream::connect(address).unwrap();
            assert_eq!(ask(&mut other, b"a").unwrap(), b"a");
            let mut client = TcpStream::connect(address).unwrap();
            assert!(ask(&mut client, b"!").is_err(), "it is closed");
            assert_eq!(ask(&mut other, b"b").unwrap(), b"b");
            drop(other);
            assert_serves(address);
            sleep(millis(5));
            let told = told.take();
            assert_eq!(told.len(), 1, "{told:?}");
            let peer = client.local_addr().unwrap().to_string();
            assert!(told[0].0.contains(&peer) && told[0].1 == "no luck", "{told:?}");
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn a_handler_that_returns_an_error_is_not_reported() {
    bounded(|| {
        let told = told();
        let (server, address) = started(StreamServer::bind("127.0.0.1:0", |_, _| {
            Err::<(), io::Error>(io::ErrorKind::Other.into())
        }));
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        server.stop(SECOND).unwrap();
        assert!(told.borrow().is_empty());
    });
}

#[test]
fn a_killed_handler_closes_its_connection_and_is_not_reported() {
    bounded(|| {
        let (told, pool) = (told(), Pool::new(4));
        let (server, address) =
            started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool));
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        pool.kill();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        assert_serves(address);
        server.stop(SECOND).unwrap();
        assert!(told.borrow().is_empty());
    });
}

/// A listener that cannot accept: a socket that does not listen, or no socket.
fn useless(fd: impl Into<OwnedFd>) -> StreamServer {
    StreamServer::new(TcpListener::from(std::net::TcpListener::from(fd.into())), |_, _| ())
}

#[test]
fn a_useless_listener_ends_serve_forever_with_its_error() {
    bounded(|| {
        let told = told();
        let not_listening =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let server = useless(not_listening);
        let error = server.serve_forever().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert!(!server.is_started() && !server.is_accepting());
        assert_eq!(told.take().len(), 1);
        server.stop(SECOND).unwrap();
    });
}

/// A server whose every accept fails, in a way that may pass.
fn starved() -> StreamServer {
    useless(UdpSocket::bind("127.0.0.1:0").unwrap()).back_off(millis(1), millis(2))
}

#[test]
fn an_error_hook_may_stop_the_server_from_accepting() {
    bounded(|| {
        let server = starved();
        let (own, told) = (server.clone(), Rc::new(Cell::new(0)));
        let telling = Rc::clone(&told);
        let before = Hub::current().stats().stacks_in_use;
        Hub::current().set_error_hook(move |_| {
            telling.set(telling.get() + 1);
            own.stop_accepting();
        });
        server.start().unwrap();
        for times in 1..4 {
            until(|| told.get() == times);
            sleep(millis(5));
            assert!(server.is_started() && !server.is_accepting());
            assert_eq!(Hub::current().stats().stacks_in_use, before, "nobody accepts");
            server.start_accepting().unwrap();
        }
        until(|| told.get() == 4);
        server.stop(SECOND).unwrap();
        assert_eq!(Hub::current().stats().stacks_in_use, before);
        Hub::current().set_error_hook(|_| ());
    });
}

#[test]
fn an_error_hook_may_stop_the_server() {
    bounded(|| {
        let server = starved();
        let own = server.clone();
        Hub::current().set_error_hook(move |_| own.stop(SECOND).unwrap());
        server.serve_forever().unwrap();
        assert!(!server.is_started() && server.local_addr().is_err());
        Hub::current().set_error_hook(|_| ());
    });
}

#[test]
fn a_server_whose_hub_has_ended_has_stopped_and_can_start_again() {
    bounded(|| {
        // One that has begun to accept, and one that has not.
        for begins in [true, false] {
            let (server, address) = echo_server();
            if begins {
                assert_serves(address);
            }
            Hub::current().end(SECOND).unwrap();
            assert!(!server.is_started() && !server.is_accepting());
            assert_refused(address);
            server.start().unwrap();
            assert_serves(server.local_addr().unwrap());
            let own = server.clone();
            let forever = spawn(move || own.serve_forever());
            yield_now();
            server.stop(SECOND).unwrap();
            forever.join().unwrap().unwrap();
        }
    });
}

#[test]
fn whoever_serves_is_told_that_the_acceptor_was_ended() {
    bounded(|| {
        let acceptor: Rc<RefCell<Option<AnyGreenlet>>> = Rc::default();
        let found = Rc::clone(&acceptor);
        let hook = add_spawn_hook(move |greenlet| *found.borrow_mut() = Some(greenlet.clone()));
        let server = StreamServer::bind("127.0.0.1:0", |_, _| ());
        server.start().unwrap();
        remove_spawn_hook(hook);
        let acceptor = acceptor.take().unwrap();
        spawn(move || acceptor.kill());
        let error = server.serve_forever().unwrap_err();
        assert_eq!(error.to_string(), "the greenlet that accepts was ended");
        assert!(!server.is_started() && server.local_addr().is_err());
    });
}

#[test]
fn a_listener_that_is_closed_under_the_server_stops_it() {
    bounded(|| {
        let told = told();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let clone = listener.try_clone().unwrap();
        let server = StreamServer::new(listener, |stream: TcpStream, _| echo(stream));
        let (server, address) = started(server);
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        sleep(millis(5));
        clone.close().unwrap();
        let error = forever.join().unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert_eq!(ask(&mut client, b"b").unwrap(), b"b", "its handlers are left as they were");
        assert_eq!(told.take().len(), 1);
        drop(client);
        until(|| server.handler_count() == 0);
    });
}

#[test]
fn an_error_hook_may_stop_a_server_whose_listener_is_closed() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let clone = listener.try_clone().unwrap();
        let server = StreamServer::new(listener, |stream: TcpStream, _| echo(stream));
        let (server, address) = started(server);
        let stopping = server.clone();
        greenhub::Hub::current().set_error_hook(move |_| stopping.stop(millis(10)).unwrap());
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        sleep(millis(5));
        clone.close().unwrap();
        forever.join().unwrap().unwrap();
        assert!(!server.is_started() && server.handler_count() == 0);
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0, "it was stopped with the rest");
    });
}

#[test]
fn clients_that_reset_before_they_are_accepted_hold_up_nobody() {
    bounded(|| {
        let told = told();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..50 {
            let client = TcpStream::connect(address).unwrap();
            socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        }
        let server = StreamServer::new(listener, |stream: TcpStream, _| echo(stream));
        server.start().unwrap();
        assert_serves(address);
        server.stop(SECOND).unwrap();
        assert!(told.borrow().is_empty());
    });
}

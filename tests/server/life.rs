//! Starting, pausing, and serving for ever.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::monkey::os::unix::net::UnixStream;
use greenhub::server::StreamServer;
use greenhub::{sleep, spawn, yield_now};

use crate::support::{
    SECOND, Scratch, ask, assert_refused, assert_serves, bounded, echo, echo_server, millis, until,
};

#[test]
fn one_with_an_address_is_refused_served_paused_and_refused() {
    bounded(|| {
        // A port that is free now.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = StreamServer::bind(address, |stream, _| echo(stream));
        assert_refused(address);
        assert!(server.local_addr().is_err() && !server.is_started() && !server.is_accepting());

        server.start().unwrap();
        assert!(server.is_started() && server.is_accepting());
        assert_eq!(server.local_addr().unwrap(), address);
        assert_serves(address);

        server.stop_accepting();
        assert!(server.is_started() && !server.is_accepting());
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.set_read_timeout(Some(millis(20))).unwrap();
        assert_eq!(ask(&mut waiting, b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);

        server.start_accepting().unwrap();
        waiting.set_read_timeout(None).unwrap();
        assert_eq!(waiting.read(&mut [0; 8]).unwrap(), 1, "it waited in the kernel");
        assert_serves(address);
        drop(waiting);

        server.stop(SECOND).unwrap();
        assert!(!server.is_started() && !server.is_accepting());
        assert_refused(address);
        let error = server.start_accepting().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn one_with_an_address_can_start_again_after_a_stop() {
    bounded(|| {
        let (server, _) = echo_server();
        for _ in 0..3 {
            server.stop(SECOND).unwrap();
            server.start().unwrap();
            server.start().unwrap();
            assert_serves(server.local_addr().unwrap());
        }
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn one_with_a_listener_serves_who_came_before_and_starts_once() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = StreamServer::new(listener, |stream: TcpStream, _| echo(stream));
        let mut early = TcpStream::connect(address).unwrap();
        server.start().unwrap();
        assert_eq!(ask(&mut early, b"early").unwrap(), b"early");
        drop(early);
        server.stop(SECOND).unwrap();
        assert_refused(address);
        assert_eq!(server.start().unwrap_err().kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn one_that_never_starts_handles_nothing() {
    bounded(|| {
        let handled = Rc::new(Cell::new(false));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = Rc::clone(&handled);
        let server = StreamServer::new(listener, move |_, _| own.set(true));
        let mut client = TcpStream::connect(address).unwrap();
        sleep(millis(20));
        drop(server);
        assert!(client.read(&mut [0; 4]).is_err(), "the listener is closed, and it with it");
        assert!(!handled.get());
    });
}

#[test]
fn a_stop_by_another_ends_serve_forever() {
    bounded(|| {
        for start_before in [false, true] {
            let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
            if start_before {
                server.start().unwrap();
            }
            let serving = server.clone();
            let forever = spawn(move || serving.serve_forever());
            yield_now();
            assert_serves(server.local_addr().unwrap());
            assert!(!forever.is_finished());
            server.stop(SECOND).unwrap();
            forever.join().unwrap().unwrap();
        }
    });
}

#[test]
fn the_connection_is_closed_when_its_handler_returns() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |mut stream, _| stream.write_all(b"bye"));
        server.start().unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "bye");
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_backlog_is_for_an_address_and_not_for_a_listener() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).backlog(5);
        server.start().unwrap();
        assert_serves(server.local_addr().unwrap());
        server.stop(SECOND).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = StreamServer::new(listener, |_, _| ()).backlog(5);
        assert_eq!(server.start().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(!server.is_started());
    });
}

#[test]
fn settings_that_cannot_be_are_refused() {
    bounded(|| {
        let server = || StreamServer::bind("127.0.0.1:0", |_, _| ());
        for wrong in [
            server().idle_limit(Duration::ZERO),
            server().back_off(Duration::ZERO, SECOND),
            server().back_off(SECOND, millis(1)),
        ] {
            assert_eq!(wrong.start().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        assert!(StreamServer::bind("256.0.0.1:0", |_, _| ()).start().is_err());
    });
}

#[test]
fn an_address_in_use_is_told_and_can_be_tried_again() {
    bounded(|| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let server = StreamServer::bind(address, |stream, _| echo(stream));
        assert_eq!(server.serve_forever().unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(taken);
        server.start().unwrap();
        assert_serves(address);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_nonblocking_listener_of_std_is_made_to_wait() {
    bounded(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let server =
            StreamServer::new(TcpListener::from(listener), |stream: TcpStream, _| echo(stream));
        server.start().unwrap();
        assert_serves(server.local_addr().unwrap());
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_thousand_clients_are_served_at_once() {
    bounded(|| {
        let (server, address) = echo_server();
        let mut clients: Vec<_> = (0..1000).map(|_| TcpStream::connect(address).unwrap()).collect();
        for round in 0..3u8 {
            for client in &mut clients {
                client.write_all(&[round]).unwrap();
            }
            for client in &mut clients {
                let mut answer = [0xff];
                client.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [round]);
            }
        }
        assert_eq!(server.handler_count(), 1000);
        drop(clients);
        until(|| server.handler_count() == 0);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_unix_socket_is_served_as_well() {
    bounded(|| {
        let scratch = Scratch::new();
        let server = StreamServer::bind_unix(scratch.path(), |stream, _| echo(stream));
        assert!(UnixStream::connect(scratch.path()).is_err());
        server.start().unwrap();
        assert_eq!(server.local_addr().unwrap().as_pathname(), Some(scratch.path()));
        let mut clients: Vec<_> =
            (0..20).map(|_| UnixStream::connect(scratch.path()).unwrap()).collect();
        for client in &mut clients {
            assert_eq!(ask(client, b"unix").unwrap(), b"unix");
        }
        drop(clients);
        server.stop(SECOND).unwrap();
        assert!(UnixStream::connect(scratch.path()).is_err());
        // The file is left, as std leaves it.
        assert_eq!(server.start().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    });
}

#[test]
fn nobody_holds_the_server_up_by_dropping_its_handles() {
    bounded(|| {
        let (server, address) = echo_server();
        drop(server);
        assert_serves(address);
    });
}

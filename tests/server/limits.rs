//! Idle limits and handshakes.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use greenhub::monkey::net::TcpStream;
use greenhub::monkey::os::unix::net::UnixStream;
use greenhub::server::{StreamServer, with_handshake};
use greenhub::sleep;

use crate::support::{SECOND, Scratch, ask, bounded, echo, millis, started, until};

#[test]
fn a_connection_that_is_idle_for_the_limit_is_ended_and_others_are_not() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
        let (server, address) = started(server.idle_limit(SECOND));
        let begin = Instant::now();
        let mut idle = TcpStream::connect(address).unwrap();
        let mut busy = TcpStream::connect(address).unwrap();
        let ended = greenhub::spawn(move || idle.read(&mut [0; 4]));
        while begin.elapsed() < SECOND * 2 {
            assert_eq!(ask(&mut busy, b"on").unwrap(), b"on");
            sleep(millis(10));
        }
        assert_eq!(ended.join().unwrap().unwrap(), 0, "closed by the server");
        drop(busy);
        until(|| server.handler_count() == 0);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_client_that_reads_nothing_is_idle_too() {
    bounded(|| {
        let server = StreamServer::bind("127.0.0.1:0", |mut stream, _| {
            loop {
                stream.write_all(&[0; 1 << 16])?;
            }
            #[expect(unreachable_code)]
            Ok::<(), io::Error>(())
        });
        let (server, address) = started(server.idle_limit(millis(50)));
        let client = TcpStream::connect(address).unwrap();
        until(|| server.handler_count() == 1);
        until(|| server.handler_count() == 0);
        drop(client);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_unix_connection_has_an_idle_limit_as_well() {
    bounded(|| {
        let scratch = Scratch::new();
        let server = StreamServer::bind_unix(scratch.path(), |stream, _| echo(stream));
        let server = server.idle_limit(millis(20));
        server.start().unwrap();
        let mut client = UnixStream::connect(scratch.path()).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        server.stop(SECOND).unwrap();
    });
}

/// Takes one byte, which must be right.
fn shake(mut stream: TcpStream) -> io::Result<TcpStream> {
    let mut first = [0];
    stream.read_exact(&mut first)?;
    if &first == b"+" { Ok(stream) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn shaking(limit: Duration) -> StreamServer {
    StreamServer::bind("127.0.0.1:0", with_handshake(limit, shake, |stream, _| echo(stream)))
}

#[test]
fn a_handshake_comes_before_the_handler() {
    bounded(|| {
        let (server, address) = started(shaking(SECOND * 30));
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"+").unwrap();
        assert_eq!(ask(&mut client, b"in").unwrap(), b"in");
        let mut wrong = TcpStream::connect(address).unwrap();
        wrong.write_all(b"-").unwrap();
        assert_eq!(wrong.read(&mut [0; 4]).unwrap(), 0);
        drop(client);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_handshake_that_takes_too_long_ends_and_holds_up_nobody() {
    bounded(|| {
        let (server, address) = started(shaking(SECOND));
        let mut slow = TcpStream::connect(address).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"+").unwrap();
        assert_eq!(ask(&mut client, b"in").unwrap(), b"in");
        assert_eq!(slow.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(ask(&mut client, b"on").unwrap(), b"on", "its limit was for the handshake");
        drop(client);
        server.stop(SECOND).unwrap();
    });
}

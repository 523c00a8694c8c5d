//! TLS, when a peer stalls, vanishes or is not who it should be.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::{Hub, JoinError, TimedOut, sleep, spawn, with_timeout};

use crate::support::{
    alone, bounded, millis, open_descriptors, pair, ticks_beside, tls_client, tls_pair, tls_server,
};

/// Ends a connection without a word.
fn reset(wire: TcpStream) {
    socket2::SockRef::from(&wire).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn greenlets_killed_in_a_handshake_leave_no_descriptor() {
    alone("tls_ends::greenlets_killed_in_a_handshake_leave_no_descriptor", || {
        spawn(|| ()).join().unwrap();
        let (sources, open) = (Hub::current().stats().sources, open_descriptors());
        for round in 0..20 {
            let ((client, mut silent), (mut mute, server)) = (pair(), pair());
            let waiting = [
                spawn(move || drop(tls_client(client, "localhost").write_all(b"x"))),
                spawn(move || drop(tls_server(server).read(&mut [0; 4]))),
            ];
            if round % 2 == 0 {
                // The hello has been taken, or its first bytes have come.
                silent.read_exact(&mut [0; 100]).unwrap();
                mute.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
            }
            sleep(millis(2));
            for greenlet in waiting {
                assert!(!greenlet.is_finished());
                greenlet.kill();
                assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
            }
        }
        let stats = Hub::current().stats();
        assert_eq!((stats.sources, stats.stacks_in_use), (sources, 0));
        assert_eq!(open_descriptors(), open);
    });
}

#[test]
fn a_limit_ends_a_handshake_that_stalls_beside_a_ticker() {
    bounded(|| {
        let (client, mut silent) = pair();
        let mut client = tls_client(client, "localhost");
        let shake = || client.conn.complete_io(&mut client.sock);
        let (ticks, late) = ticks_beside(|| with_timeout(millis(300), shake));
        assert!(matches!(late, Err(TimedOut { .. })));
        assert!(ticks > 5, "{ticks}");
        drop(client);
        // It had said hello, and was closed then.
        let mut hello = Vec::new();
        silent.read_to_end(&mut hello).unwrap();
        assert_eq!(hello[0], 22);
    });
}

#[test]
fn a_handshake_that_a_limit_ended_can_be_gone_on_with() {
    bounded(|| {
        let (mut client, server) = tls_pair();
        let shake = with_timeout(millis(10), || client.conn.complete_io(&mut client.sock));
        assert!(shake.is_err() && client.conn.is_handshaking());
        let servant = spawn(move || {
            let mut server = server;
            server.read_exact(&mut [0; 5]).unwrap();
            server.write_all(b"world").unwrap();
            server
        });
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        servant.join().unwrap();
    });
}

#[test]
fn a_limit_of_the_socket_is_told_and_the_session_goes_on() {
    bounded(|| {
        let (mut client, server) = tls_pair();
        client.sock.set_read_timeout(Some(millis(20))).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.sock.set_read_timeout(None).unwrap();
        let servant = spawn(move || {
            let mut server = server;
            server.write_all(b"late").unwrap();
            server
        });
        client.read_exact(&mut [0; 4]).unwrap();
        servant.join().unwrap();
    });
}

#[test]
fn a_peer_that_vanishes_in_a_handshake_is_told_of() {
    bounded(|| {
        let (client, silent) = pair();
        let shaking = spawn(move || tls_client(client, "localhost").read(&mut [0; 4]));
        sleep(millis(5));
        // It closes before it reads what came, which is a reset.
        drop(silent);
        let kind = shaking.join().unwrap().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{kind}");

        let (mute, server) = pair();
        let shaking = spawn(move || tls_server(server).read(&mut [0; 4]));
        sleep(millis(5));
        drop(mute);
        assert_eq!(shaking.join().unwrap().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_peer_that_vanishes_later_is_told_apart_from_one_that_says_goodbye() {
    bounded(|| {
        for (vanish, expected) in [
            (drop as fn(TcpStream), Err(ErrorKind::UnexpectedEof)),
            (reset, Err(ErrorKind::ConnectionReset)),
        ] {
            let (mut client, mut server) = tls_pair();
            let reading = spawn(move || {
                server.read_exact(&mut [0; 5])?;
                server.write_all(b"ok")?;
                server.read(&mut [0; 5])
            });
            client.write_all(b"hello").unwrap();
            // And with it all that came before: to leave something unread would be a reset.
            client.read_exact(&mut [0; 2]).unwrap();
            vanish(client.sock);
            assert_eq!(reading.join().unwrap().map_err(|error| error.kind()), expected);
        }
    });
}

#[test]
fn a_peer_that_vanishes_ends_a_write_that_waits_for_room() {
    bounded(|| {
        let (mut client, mut server) = tls_pair();
        let writing = spawn(move || {
            server.read_exact(&mut [0; 5]).unwrap();
            server.write_all(&vec![0; 64 << 20]).unwrap_err().kind()
        });
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        sleep(millis(10));
        assert!(!writing.is_finished());
        drop(client);
        let kind = writing.join().unwrap();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    });
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_refused() {
    bounded(|| {
        let (client, server) = pair();
        let serving = spawn(move || tls_server(server).read(&mut [0; 4]).unwrap_err());
        let refused = tls_client(client, "elsewhere").write_all(b"secret").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
        assert!(refused.to_string().contains("not valid for name"), "{refused}");
        assert_eq!(serving.join().unwrap().kind(), ErrorKind::InvalidData);
    });
}

//! WebSockets, when a peer stalls, vanishes or speaks something else.

use std::io::{ErrorKind, Read, Write};

use greenhub::{Hub, JoinError, TimedOut, sleep, spawn, with_timeout};
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message, accept, client};

use crate::support::{alone, bounded, millis, open_descriptors, pair, ticks_beside};
use crate::websocket::connected;

const URL: &str = "ws://localhost/";

#[test]
fn greenlets_killed_in_a_handshake_or_a_read_leave_no_descriptor() {
    alone("websocket_ends::greenlets_killed_in_a_handshake_or_a_read_leave_no_descriptor", || {
        spawn(|| ()).join().unwrap();
        let (sources, open) = (Hub::current().stats().sources, open_descriptors());
        for _ in 0..20 {
            let ((near, _silent), (_mute, far)) = (pair(), pair());
            let (mut here, _there) = connected();
            let waiting = [
                spawn(move || drop(client(URL, near))),
                spawn(move || drop(accept(far))),
                spawn(move || drop(here.read())),
            ];
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
        let (near, mut silent) = pair();
        let shake = || drop(client(URL, near));
        let (ticks, late) = ticks_beside(|| with_timeout(millis(300), shake));
        assert!(matches!(late, Err(TimedOut { .. })));
        assert!(ticks > 5, "{ticks}");
        let mut request = String::new();
        silent.read_to_string(&mut request).unwrap();
        assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
    });
}

/// One that unwinds (`with_timeout`, a kill) may leave tungstenite's buffer in the middle of a read:
/// such a connection can only be dropped.
#[test]
fn a_limit_of_the_socket_is_told_and_loses_nothing() {
    bounded(|| {
        let (mut here, mut there) = connected();
        here.get_ref().set_read_timeout(Some(millis(10))).unwrap();
        let mut wire = there.get_ref().try_clone().unwrap();
        // A text of five bytes, of which two have come.
        wire.write_all(b"\x81\x05he").unwrap();
        for _ in 0..2 {
            let Err(Error::Io(error)) = here.read() else { panic!("it is not all there") };
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
        }
        wire.write_all(b"llo").unwrap();
        assert_eq!(here.read().unwrap(), Message::text("hello"));
        there.send(Message::text("next")).unwrap();
        assert_eq!(here.read().unwrap(), Message::text("next"));
    });
}

#[test]
fn a_peer_that_vanishes_is_told_of() {
    bounded(|| {
        let (mut here, there) = connected();
        let reading = spawn(move || here.read());
        sleep(millis(2));
        drop(there);
        assert!(matches!(
            reading.join().unwrap(),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
        ));
        let (near, far) = pair();
        let shaking = spawn(move || client(URL, near).is_err());
        sleep(millis(2));
        drop(far);
        assert!(shaking.join().unwrap());
    });
}

#[test]
fn a_peer_that_vanishes_ends_a_send_that_waits_for_room() {
    bounded(|| {
        let (mut here, there) = connected();
        let sending = spawn(move || here.send(Message::binary(vec![0; 64 << 20])).is_err());
        sleep(millis(10));
        assert!(!sending.is_finished());
        drop(there);
        assert!(sending.join().unwrap());
    });
}

#[test]
fn what_is_no_handshake_is_refused() {
    bounded(|| {
        for words in ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\0\0"] {
            let (mut near, far) = pair();
            near.write_all(words.as_bytes()).unwrap();
            assert!(accept(far).is_err(), "{words:?}");
        }
    });
}

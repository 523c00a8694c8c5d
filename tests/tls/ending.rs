//! How connections end, and who is ended while it waits.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use greenhub::tls::TlsStream;
use greenhub::{JoinError, sleep, spawn, with_timeout};

use crate::certificates::files;
use crate::support::{bounded, millis, noise, tls_pair};

#[test]
fn a_stream_that_is_dropped_ends_well() {
    bounded(|| {
        let (client, mut server) = tls_pair(&files());
        drop(client);
        let mut rest = Vec::new();
        assert_eq!(server.read_to_end(&mut rest).unwrap(), 0);
        assert_eq!(server.read(&mut [0]).unwrap(), 0, "and again");
    });
}

#[test]
fn a_client_that_has_read_nothing_ends_without_a_reset() {
    bounded(|| {
        let (mut client, mut server) = tls_pair(&files());
        client.write_all(b"all of it").unwrap();
        // The server's tickets come meanwhile.
        sleep(millis(5));
        drop(client);
        let mut received = String::new();
        server.read_to_string(&mut received).unwrap();
        assert_eq!(received, "all of it");
        assert!(server.get_ref().take_error().unwrap().is_none());
        server.write_all(b"after a reset this would fail").unwrap();
    });
}

#[test]
fn a_connection_that_just_closes_is_cut_short() {
    bounded(|| {
        let (mut client, mut server) = tls_pair(&files());
        client.write_all(b"some").unwrap();
        client.get_ref().shutdown(Shutdown::Write).unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        for _ in 0..2 {
            let error = server.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            let text = "the client closed without close_notify: what came may be cut short";
            assert_eq!(error.to_string(), text);
        }
    });
}

#[test]
fn a_greenlet_that_unwinds_does_not_say_that_all_was_sent() {
    bounded(|| {
        for is_killed in [true, false] {
            let (mut client, mut server) = tls_pair(&files());
            let sending = spawn(move || {
                server.write_all(b"the first part").unwrap();
                if is_killed {
                    sleep(millis(60_000));
                }
                std::panic::resume_unwind(Box::new("in the middle of it"));
            });
            client.read_exact(&mut [0; 14]).unwrap();
            sending.kill();
            assert!(sending.join().is_err());
            let error = client.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    });
}

#[test]
fn shut_down_twice_is_shut_down() {
    bounded(|| {
        let (client, mut server) = tls_pair(&files());
        client.close_notify().unwrap();
        client.close_notify().unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
        assert_eq!((&client).write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        server.write_all(b"bye").unwrap();
        (&client).read_exact(&mut [0; 3]).unwrap();
    });
}

#[test]
fn a_read_that_was_ended_has_taken_nothing() {
    bounded(|| {
        let (mut client, server) = tls_pair(&files());
        let server = Rc::new(server);
        for round in 0..3 {
            let reading = Rc::clone(&server);
            let killed = spawn(move || (&*reading).read(&mut [0; 4]).map(drop));
            sleep(millis(2));
            if round == 0 {
                // A part of a record comes before the kill: that is kept too.
                client.write_all(&noise(10_000, 1)).unwrap();
            }
            killed.kill();
            let ended = killed.join();
            assert!(matches!(ended, Err(JoinError::Killed) | Ok(Ok(()))));
            if round == 0 {
                let mut received = vec![0; 10_000];
                let taken = if ended.is_ok() { 4 } else { 0 };
                (&*server).read_exact(&mut received[taken..]).unwrap();
                assert!(received[taken..] == noise(10_000, 1)[taken..]);
            }
        }
        assert!(with_timeout(millis(5), || (&*server).read(&mut [0; 4])).is_err());
        server.set_read_timeout(Some(millis(5))).unwrap();
        let error = (&*server).read(&mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        server.set_read_timeout(None).unwrap();
        client.write_all(b"late").unwrap();
        let mut late = [0; 4];
        (&*server).read_exact(&mut late).unwrap();
        assert_eq!(&late, b"late");
    });
}

#[test]
fn readers_wait_for_their_turn_and_can_be_killed_in_it_and_before() {
    bounded(|| {
        for killed in 0..2 {
            let (mut client, server) = tls_pair(&files());
            let server = Rc::new(server);
            let readers = [0, 1].map(|_| {
                let server = Rc::clone(&server);
                spawn(move || (&*server).read(&mut [0; 4]).unwrap())
            });
            sleep(millis(2));
            readers[killed].kill();
            client.write_all(b"text").unwrap();
            assert_eq!(readers[1 - killed].join().unwrap(), 4);
            assert!(matches!(readers[killed].join(), Err(JoinError::Killed)));
        }
    });
}

/// So much does not fit into the kernel's buffers.
const MUCH: usize = 4 << 20;

/// As `tls_pair`, with buffers in the kernel that do not grow while one waits.
fn narrow_pair() -> (TlsStream, TlsStream) {
    let (client, server) = tls_pair(&files());
    for stream in [&client, &server] {
        let socket = socket2::SockRef::from(stream.get_ref());
        socket.set_send_buffer_size(64 << 10).unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
    }
    (client, server)
}

/// What `server` has read is a beginning of the noise, and then `last`.
fn assert_whole(server: &mut TlsStream, last: &[u8]) {
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    let length = received.len() - last.len();
    assert!(length < MUCH);
    assert!(received[..length] == noise(MUCH, 7)[..length]);
    assert_eq!(&received[length..], last);
}

/// Ends a write of much by `end`, and checks what comes of it and of a later one.
fn assert_write_ends_whole(end: impl Fn(&Rc<TlsStream>)) {
    let (client, mut server) = narrow_pair();
    let client = Rc::new(client);
    end(&client);
    let reading = spawn(move || assert_whole(&mut server, b"and more"));
    (&*client).write_all(b"and more").unwrap();
    client.close_notify().unwrap();
    reading.join().unwrap();
}

#[test]
fn a_write_that_was_killed_leaves_whole_records() {
    bounded(|| {
        assert_write_ends_whole(|client| {
            let (writing, noise) = (Rc::clone(client), noise(MUCH, 7));
            let killed = spawn(move || (&*writing).write_all(&noise));
            sleep(millis(50));
            assert!(!killed.is_finished());
            killed.kill();
        });
    });
}

#[test]
fn a_write_whose_limit_was_over_leaves_whole_records() {
    bounded(|| {
        assert_write_ends_whole(|client| {
            let noise = noise(MUCH, 7);
            let late = with_timeout(millis(50), || (&**client).write_all(&noise));
            assert!(late.is_err());
            client.set_write_timeout(Some(millis(5))).unwrap();
            for _ in 0..2 {
                let error = (&**client).write(b"too much").unwrap_err();
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                assert_eq!((&**client).flush().unwrap_err().kind(), ErrorKind::WouldBlock);
            }
            client.set_write_timeout(None).unwrap();
        });
    });
}

#[test]
fn a_stream_with_an_unfinished_write_is_dropped_as_cut_short() {
    bounded(|| {
        let ((mut client, mut server), noise) = (narrow_pair(), noise(MUCH, 7));
        assert!(with_timeout(millis(50), || server.write_all(&noise)).is_err());
        drop(server);
        let error = client.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn what_is_no_record_ends_the_stream_for_ever() {
    bounded(|| {
        let (client, mut server) = tls_pair(&files());
        let mut wire = client.get_ref();
        wire.write_all(&[23, 3, 3, 0, 32]).unwrap();
        wire.write_all(&[7; 32]).unwrap();
        for _ in 0..2 {
            let error = server.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert_eq!(
                error.to_string(),
                "TLS with the client failed: cannot decrypt peer's message"
            );
            assert_eq!(server.write(b"x").unwrap_err().to_string(), error.to_string());
        }
        let error = (&client).read(&mut [0]).unwrap_err();
        assert_eq!(error.to_string(), "the server ended the connection by the alert BadRecordMac");
    });
}

#[test]
fn a_peer_that_vanishes_ends_a_write_that_waits_for_room() {
    bounded(|| {
        let ((client, mut server), noise) = (narrow_pair(), noise(MUCH, 7));
        let writing = spawn(move || server.write_all(&noise).unwrap_err().kind());
        sleep(millis(50));
        assert!(!writing.is_finished());
        drop(client);
        let kind = writing.join().unwrap();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    });
}

#[test]
fn to_shut_down_the_stream_below_ends_who_waits() {
    bounded(|| {
        let ((client, _server), noise) = (narrow_pair(), noise(MUCH, 7));
        let client = Rc::new(client);
        let (reading, writing) = (Rc::clone(&client), Rc::clone(&client));
        let reader = spawn(move || (&*reading).read(&mut [0]).unwrap_err().kind());
        let writer = spawn(move || (&*writing).write_all(&noise).unwrap_err().kind());
        sleep(millis(50));
        assert!(!reader.is_finished() && !writer.is_finished());
        client.get_ref().shutdown(Shutdown::Both).unwrap();
        assert_eq!(reader.join().unwrap(), ErrorKind::UnexpectedEof);
        assert_eq!(writer.join().unwrap(), ErrorKind::BrokenPipe);
    });
}

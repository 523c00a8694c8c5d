//! TLS, while all goes well.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use greenhub::monkey::net::TcpStream;
use greenhub::monkey::os::unix::net::{UnixListener, UnixStream};
use greenhub::server::StreamServer;
use greenhub::tls::rustls::version::{TLS12, TLS13};
use greenhub::tls::rustls::{self, ProtocolVersion};
use greenhub::tls::{TlsAcceptor, TlsConnector, TlsStream};
use greenhub::{sleep, spawn};

use crate::certificates::{Files, files};
use crate::support::{
    EchoServer, SECOND, acceptor, alone, ask, bounded, builder, connector, echo, held, millis,
    noise, pair, ticks_beside, tls_pair, until,
};

#[test]
fn a_server_answers_a_client_that_knows_its_issuer() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files));
        let mut client = connector(&files).connect("localhost", server.port()).unwrap();
        assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
        assert_eq!(client.peer_addr().unwrap(), server.address());
        assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(client.peer_certificates().len(), 1);
        assert_eq!((client.alpn_protocol(), client.server_name()), (None, None));
        drop(client);
        assert_eq!(server.tls.failures(), 0);
        server.assert_goes_on(&connector(&files));
    });
}

#[test]
fn acceptors_and_connectors_and_streams_cross_threads() {
    fn needs<T: Send + Sync + 'static>(_: T) {}
    bounded(|| {
        let files = files();
        needs(acceptor(&files));
        needs(connector(&files));
        needs(acceptor(&files).handler(|stream: TlsStream, _: u8| echo(stream)));
        needs(tls_pair(&files));
    });
}

#[test]
fn one_acceptor_serves_by_several_hubs() {
    bounded(|| {
        let files = files();
        let (acceptor, connector) = (acceptor(&files), connector(&files));
        let hubs: Vec<_> = (0..3)
            .map(|_| {
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                thread::spawn(move || {
                    let handle = acceptor.handler(|stream, _| echo(stream));
                    let server = StreamServer::bind("127.0.0.1:0", handle);
                    server.start().unwrap();
                    let port = server.local_addr().unwrap().port();
                    for _ in 0..10 {
                        let mut client = connector.connect("localhost", port).unwrap();
                        assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
                    }
                    server.stop(SECOND).unwrap();
                })
            })
            .collect();
        hubs.into_iter().for_each(|hub| hub.join().unwrap());
    });
}

#[test]
fn a_stream_is_read_on_one_thread_and_written_on_another() {
    bounded(|| {
        let (client, server) = tls_pair(&files());
        let echoing = thread::spawn(move || echo(server));
        let client = Arc::new(client);
        let writing = Arc::clone(&client);
        let writer = thread::spawn(move || {
            (&*writing).write_all(&noise(LARGE / 8, 5)).unwrap();
            writing.close_notify().unwrap();
        });
        let mut received = Vec::new();
        (&*client).read_to_end(&mut received).unwrap();
        assert!(received == noise(LARGE / 8, 5));
        writer.join().unwrap();
        echoing.join().unwrap().unwrap();
    });
}

const LARGE: usize = 16 << 20;

/// Sends noise while it receives some; returns what came.
fn exchange(stream: TlsStream, seed: u32) -> Vec<u8> {
    let stream = Rc::new(stream);
    let writing = Rc::clone(&stream);
    let writer = spawn(move || (&*writing).write_all(&noise(LARGE, seed)).unwrap());
    let mut received = vec![0; LARGE];
    (&*stream).read_exact(&mut received).unwrap();
    writer.join().unwrap();
    received
}

#[test]
fn sixteen_mebibytes_go_both_ways_at_once_beside_a_ticker() {
    bounded(|| {
        let (client, server) = tls_pair(&files());
        let there = spawn(move || exchange(server, 1));
        let (ticks, received) = ticks_beside(|| exchange(client, 2));
        assert!(received == noise(LARGE, 1));
        assert!(there.join().unwrap() == noise(LARGE, 2));
        assert!(ticks > 5, "{ticks}");
    });
}

#[test]
fn several_writers_of_one_stream_take_turns() {
    bounded(|| {
        let (client, mut server) = tls_pair(&files());
        let client = Rc::new(client);
        let writers: Vec<_> = (0..20_u8)
            .map(|number| {
                let client = Rc::clone(&client);
                // One write each, of one record.
                spawn(move || (&*client).write_all(&[number; 10_000]).unwrap())
            })
            .collect();
        for expected in 0..20_u8 {
            let mut piece = [0; 10_000];
            server.read_exact(&mut piece).unwrap();
            assert!(piece == [expected; 10_000]);
        }
        writers.iter().for_each(|writer| writer.join().unwrap());
    });
}

const CLIENTS: usize = 200;

#[test]
fn two_hundred_connections_are_served_at_once_and_leave_nothing() {
    alone("talking::two_hundred_connections_are_served_at_once_and_leave_nothing", || {
        let files = files();
        let connector = connector(&files);
        let serve_all = || {
            let server = EchoServer::start(builder(&files));
            let port = server.port();
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let connector = connector.clone();
                    spawn(move || {
                        let mut client = connector.connect("localhost", port).unwrap();
                        for round in 0..3 {
                            let line = format!("{round} of {number}");
                            assert_eq!(ask(&mut client, line.as_bytes()).unwrap(), line.as_bytes());
                        }
                        client
                    })
                })
                .collect();
            let open: Vec<_> = clients.iter().map(|client| client.join().unwrap()).collect();
            assert_eq!(server.server.handler_count(), CLIENTS);
            drop(open);
            until(|| server.server.handler_count() == 0);
            server.server.stop(SECOND).unwrap();
        };
        // What is kept for later is there after the first time.
        serve_all();
        let before = held();
        let (ticks, ()) = ticks_beside(serve_all);
        assert!(ticks > 5, "{ticks}");
        assert_eq!(held(), before);
    });
}

#[test]
fn the_other_way_stays_open_after_one_was_shut_down() {
    bounded(|| {
        let (mut client, mut server) = tls_pair(&files());
        let servant = spawn(move || {
            let mut asked = String::new();
            server.read_to_string(&mut asked).unwrap();
            sleep(millis(10));
            write!(server, "you said {asked}").unwrap();
        });
        client.write_all(b"all of it").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "you said all of it");
        servant.join().unwrap();
        let error = client.write(b"more").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_unix_socket_carries_it_too() {
    bounded(|| {
        let (files, seen) = (files(), Rc::new(RefCell::new(None)));
        let (folder, told) = (crate::certificates::Folder::new(), Rc::clone(&seen));
        let listener = UnixListener::bind(folder.path("socket")).unwrap();
        let handle = acceptor(&files).handler(move |stream: TlsStream<UnixStream>, _| {
            *told.borrow_mut() = stream.server_name();
            echo(stream)
        });
        let server = StreamServer::new(listener, handle);
        server.start().unwrap();
        let wire = UnixStream::connect(folder.path("socket")).unwrap();
        let mut client = connector(&files).handshake("localhost", wire).unwrap();
        assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
        assert_eq!(*seen.borrow(), Some("localhost".to_owned()));
        server.stop(SECOND).unwrap();
    });
}

/// What a client and a server that offer these agree on.
fn agreed(files: &Files, server: &[&str], client: &[&str]) -> io::Result<Option<Vec<u8>>> {
    let acceptor = builder(files).alpn(server).build().unwrap();
    let connector = TlsConnector::builder().roots(files.roots()).alpn(client).build().unwrap();
    let (near, far) = pair();
    let accepting = spawn(move || acceptor.accept(far).map(|stream| stream.alpn_protocol()));
    let chosen = connector.handshake("localhost", near).map(|stream| stream.alpn_protocol());
    match (accepting.join().unwrap(), chosen) {
        (Ok(there), Ok(here)) => {
            assert_eq!(there, here);
            Ok(here)
        }
        (Err(there), Err(here)) => {
            assert!(here.to_string().contains("no common application protocol"), "{here}");
            Err(there)
        }
        differing => panic!("{differing:?}"),
    }
}

#[test]
fn the_servers_first_protocol_that_the_client_offers_is_chosen() {
    bounded(|| {
        let files = files();
        let both = agreed(&files, &["h2", "http/1.1"], &["http/1.1", "h2"]).unwrap();
        assert_eq!(both.as_deref(), Some(&b"h2"[..]));
        let old = agreed(&files, &["h2", "http/1.1"], &["http/1.1"]).unwrap();
        assert_eq!(old.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(agreed(&files, &["h2"], &[]).unwrap(), None);
        let error = agreed(&files, &["h2"], &["gopher"]).unwrap_err();
        assert_eq!(error.to_string(), "no common application protocol with the client");
    });
}

#[test]
fn a_protocol_without_a_name_is_refused() {
    bounded(|| {
        let files = files();
        for name in [String::new(), "x".repeat(256)] {
            let error = builder(&files).alpn([name]).build().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains("1 to 255 bytes"), "{error}");
        }
    });
}

#[test]
fn rustls_settings_of_ones_own_are_taken() {
    bounded(|| {
        let files = files();
        for (version, expected) in
            [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
        {
            let acceptor = TlsAcceptor::from(crate::refusing::server_of(&files, version));
            let (near, far) = pair();
            let accepting = spawn(move || acceptor.accept(far).unwrap().protocol_version());
            let stream = connector(&files).handshake("localhost", near).unwrap();
            assert_eq!(stream.protocol_version(), Some(expected));
            assert_eq!(accepting.join().unwrap(), Some(expected));
        }
        let made = TlsAcceptor::from(crate::refusing::server_of(&files, &TLS13));
        assert_eq!(made.reload().unwrap_err().kind(), io::ErrorKind::Unsupported);
        let client: Arc<rustls::ClientConfig> = crate::refusing::client_of(&files, &TLS12);
        let server = EchoServer::start(builder(&files));
        let mut stream = TlsConnector::from(client).connect("localhost", server.port()).unwrap();
        assert_eq!(ask(&mut stream, b"hello").unwrap(), b"hello");
    });
}

#[test]
fn a_client_shows_its_certificate_to_a_server_that_asks() {
    bounded(|| {
        let files = files();
        let (chain, key) = files.client();
        let known = TlsConnector::builder().roots(files.roots()).identity(chain, key);
        let known = known.build().unwrap();
        for (builder, serves_the_unknown) in [
            (builder(&files).require_clients(files.roots()), false),
            (builder(&files).ask_clients(files.roots()), true),
        ] {
            let server = EchoServer::start(builder);
            let mut client = known.connect("localhost", server.port()).unwrap();
            assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
            drop(client);
            let mut unknown = connector(&files).connect("localhost", server.port()).unwrap();
            if serves_the_unknown {
                assert_eq!(ask(&mut unknown, b"hello").unwrap(), b"hello");
            } else {
                // By TLS 1.3 its own handshake was done before the server's.
                let error = unknown.read(&mut [0]).unwrap_err();
                let text = "the server asks for a certificate, and was shown none";
                assert_eq!(error.to_string(), text);
                assert!(server.told().ends_with(": the client showed no certificate"));
            }
            drop(unknown);
            server.assert_goes_on(&known);
        }
    });
}

#[test]
fn a_server_sees_who_its_client_is() {
    bounded(|| {
        let files = files();
        let (chain, key) = files.client();
        let shown = std::fs::read(&chain).unwrap();
        let acceptor = builder(&files).require_clients(files.roots()).build().unwrap();
        let connector =
            TlsConnector::builder().roots(files.roots()).identity(chain, key).build().unwrap();
        let (near, far) = pair();
        let accepting = spawn(move || acceptor.accept(far).unwrap().peer_certificates());
        let _client = connector.handshake("localhost", near).unwrap();
        let seen = accepting.join().unwrap();
        let expected = rustls::pki_types::pem::PemObject::from_pem_slice(&shown).unwrap();
        assert_eq!(seen, [expected]);
    });
}

#[test]
fn keys_are_renewed_while_both_talk() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files));
        let wire = TcpStream::connect(server.address()).unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let config = crate::refusing::client_of(&files, &TLS13);
        let session = rustls::ClientConnection::new(config, name).unwrap();
        let mut client = rustls::StreamOwned::new(session, wire);
        assert_eq!(ask(&mut client, b"first").unwrap(), b"first");
        for round in 0..20_u8 {
            // The server has to answer each by new keys of its own.
            client.conn.refresh_traffic_keys().unwrap();
            assert_eq!(ask(&mut client, &[round; 5]).unwrap(), [round; 5]);
        }
    });
}

#[test]
fn a_reader_answers_what_the_session_asks_though_nobody_writes() {
    bounded(|| {
        let files = files();
        let (near, far) = pair();
        let acceptor = acceptor(&files);
        let reading = spawn(move || {
            let mut server = acceptor.accept(far).unwrap();
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received.len()
        });
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let config = crate::refusing::client_of(&files, &TLS13);
        let session = rustls::ClientConnection::new(config, name).unwrap();
        let mut client = rustls::StreamOwned::new(session, near);
        // It never reads the answers.
        for _ in 0..2000 {
            client.write_all(b"x").unwrap();
            client.conn.refresh_traffic_keys().unwrap();
        }
        client.conn.send_close_notify();
        client.flush().unwrap();
        assert_eq!(reading.join().unwrap(), 2000);
    });
}

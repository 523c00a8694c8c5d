//! Handshakes that fail: both sides tell why, and the server goes on.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::tls::rustls::pki_types::pem::PemObject;
use greenhub::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use greenhub::tls::rustls::version::{TLS12, TLS13};
use greenhub::tls::rustls::{
    self, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use greenhub::tls::{TlsAcceptor, TlsConnector};
use greenhub::{JoinError, sleep, spawn, with_timeout};

use crate::certificates::{Files, files};
use crate::support::{
    EchoServer, acceptor, alone, bounded, builder, connector, held, millis, pair, ticks_beside,
    until,
};

/// rustls's settings of a server that speaks one version.
pub(crate) fn server_of(
    files: &Files,
    version: &'static SupportedProtocolVersion,
) -> Arc<ServerConfig> {
    let (chain, key) = files.server();
    let chain = vec![CertificateDer::from_pem_file(chain).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth();
    Arc::new(config.with_single_cert(chain, key).unwrap())
}

/// rustls's settings of a client that speaks one version.
pub(crate) fn client_of(
    files: &Files,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.roots()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Ends a connection by a reset.
fn reset(wire: TcpStream) {
    socket2::SockRef::from(&wire).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_that_never_ends_its_handshake_holds_up_nobody_and_has_a_limit() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files).handshake_limit(millis(300)));
        let mut silent = TcpStream::connect(server.address()).unwrap();
        let mut slow = TcpStream::connect(server.address()).unwrap();
        slow.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
        until(|| server.server.handler_count() == 2);
        let peers = [silent.local_addr().unwrap(), slow.local_addr().unwrap()];
        let others = || {
            let mut client = connector(&files).connect("localhost", server.port()).unwrap();
            assert_eq!(crate::support::ask(&mut client, b"hello").unwrap(), b"hello");
            assert_eq!(server.tls.failures(), 0, "they are still at it");
            assert_eq!(silent.read(&mut [0]).unwrap(), 0);
        };
        let (ticks, ()) = ticks_beside(others);
        assert!(ticks > 5, "{ticks}");
        for peer in peers {
            let text = format!("TLS handshake with {peer}: handshake not done within 300ms");
            assert_eq!(server.told(), text);
        }
        assert_eq!(server.tls.failures(), 2);
        server.assert_goes_on(&connector(&files));
    });
}

#[test]
fn a_client_without_tls_is_told_of() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files));
        let mut client = TcpStream::connect(server.address()).unwrap();
        let peer = client.local_addr().unwrap();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.len() < 10, "an alert at most: {answer:?}");
        assert_eq!(
            server.told(),
            format!("TLS handshake with {peer}: the client did not speak TLS")
        );
        server.assert_goes_on(&connector(&files));
    });
}

#[test]
fn a_client_that_leaves_during_its_handshake_is_told_of() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files));
        for (leave, expected) in [
            (drop as fn(TcpStream), "the client closed during the handshake"),
            (reset, "Connection reset by peer (os error 104)"),
        ] {
            let mut client = TcpStream::connect(server.address()).unwrap();
            client.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
            until(|| server.server.handler_count() == 1);
            sleep(millis(5));
            leave(client);
            let told = server.told();
            assert!(told.ends_with(&format!(": {expected}")), "{told}");
            until(|| server.server.handler_count() == 0);
        }
        server.assert_goes_on(&connector(&files));
    });
}

/// What a client and a server say when the client does not accept the server.
fn refused(files: &Files, connector: &TlsConnector, host: &str, server: EchoServer) -> [String; 2] {
    let error = connector.connect(host, server.port()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.is::<rustls::Error>(), "{cause}");
    let told = server.told();
    let (_, told) = told.rsplit_once("]: ").or_else(|| told.split_once(": ")).unwrap();
    let said = [error.to_string(), told.to_owned()];
    // The expired one serves nobody, but it still takes who comes.
    if host == "localhost" && !said[0].contains("expired") {
        server.assert_goes_on(&self::connector(files));
    }
    said
}

fn expired_server(files: &Files) -> EchoServer {
    let (chain, key) = files.expired();
    EchoServer::start(TlsAcceptor::builder(chain, key))
}

#[test]
fn a_certificate_that_has_expired_is_refused_and_told_by_both() {
    bounded(|| {
        let files = files();
        let said = refused(&files, &connector(&files), "localhost", expired_server(&files));
        assert_eq!(said[0], "the certificate of the server has expired");
        assert_eq!(said[1], "the client refused this side's certificate: it has expired");
    });
}

#[test]
fn a_server_that_has_expired_serves_when_its_files_are_renewed() {
    bounded(|| {
        let files = files();
        let server = expired_server(&files);
        let connector = connector(&files);
        assert!(connector.connect("localhost", server.port()).is_err());
        server.told();
        let ((chain, key), (old_chain, old_key)) = (files.server(), files.expired());
        std::fs::copy(chain, old_chain).unwrap();
        std::fs::copy(key, old_key).unwrap();
        server.tls.reload().unwrap();
        server.assert_goes_on(&connector);
    });
}

#[test]
fn an_issuer_that_is_not_known_is_refused_and_told_by_both() {
    bounded(|| {
        let files = files();
        let stranger = TlsConnector::from_roots(files.strange_roots()).unwrap();
        let said = refused(&files, &stranger, "localhost", EchoServer::start(builder(&files)));
        let text = "the certificate of the server is from an issuer that is not trusted here";
        assert_eq!(said[0], text);
        let text = "the client refused this side's certificate: its issuer is unknown there";
        assert_eq!(said[1], text);
    });
}

#[test]
fn a_server_of_another_name_is_refused() {
    bounded(|| {
        let files = files();
        let server = EchoServer::start(builder(&files));
        let said = refused(&files, &connector(&files), "127.0.0.1", server);
        let text = "the certificate of the server is not for 127.0.0.1, but for ";
        assert!(said[0].starts_with(text) && said[0].contains("localhost"), "{}", said[0]);
        assert_eq!(said[1], "the client refused this side's certificate: it is not accepted");
    });
}

#[test]
fn a_host_that_cannot_be_is_refused() {
    bounded(|| {
        let error = connector(&files()).connect("not a name", 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = "\"not a name\" is neither the name of a host nor an address";
        assert_eq!(error.to_string(), text);
    });
}

#[test]
fn versions_that_do_not_meet_are_told_by_both() {
    bounded(|| {
        let files = files();
        for (server, client) in [(&TLS13, &TLS12), (&TLS12, &TLS13)] {
            let (near, far) = pair();
            let acceptor = TlsAcceptor::from(server_of(&files, server));
            let accepting = spawn(move || acceptor.accept(far).unwrap_err().to_string());
            let connector = TlsConnector::from(client_of(&files, client));
            let error = connector.handshake("localhost", near).unwrap_err().to_string();
            assert_eq!(error, "no common protocol version with the server");
            let there = accepting.join().unwrap();
            assert_eq!(there, "no common protocol version with the client");
        }
    });
}

/// A server that says `greeting` to everyone, and nothing else.
fn without_tls(greeting: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(greeting).unwrap();
            open.push(stream);
        }
    });
    port
}

#[test]
fn a_server_without_tls_is_told_of() {
    bounded(|| {
        let port = without_tls(b"220 mail.example.org ESMTP\r\n");
        let error = connector(&files()).connect("127.0.0.1", port).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "the server did not speak TLS");
    });
}

#[test]
fn a_server_that_says_nothing_has_a_limit() {
    bounded(|| {
        let port = without_tls(b"");
        let files = files();
        let connector = TlsConnector::builder().roots(files.roots()).handshake_limit(millis(50));
        let connector = connector.build().unwrap();
        let (ticks, answer) = ticks_beside(|| connector.connect("127.0.0.1", port));
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "handshake not done within 50ms");
        assert!(ticks > 5, "{ticks}");
        // Limits around it are its caller's.
        let around = with_timeout(millis(10), || connector.connect("127.0.0.1", port));
        assert_eq!(around.unwrap_err().limit(), millis(10));
    });
}

#[test]
fn a_timeout_of_the_stream_ends_a_handshake_too() {
    bounded(|| {
        let (near, _far) = pair();
        near.set_read_timeout(Some(millis(10))).unwrap();
        let error = connector(&files()).handshake("localhost", near).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("the stream's own timeout"), "{error}");
    });
}

#[test]
fn handshakes_that_are_killed_or_fail_leave_nothing() {
    alone("refusing::handshakes_that_are_killed_or_fail_leave_nothing", || {
        let files = files();
        let (acceptor, connector) = (acceptor(&files), connector(&files));
        let round = || {
            let ((client, mut silent), (mut mute, server)) = (pair(), pair());
            let (accepting, connecting) = (acceptor.clone(), connector.clone());
            let waiting = [
                spawn(move || drop(accepting.accept(server))),
                spawn(move || drop(connecting.handshake("localhost", client))),
            ];
            silent.read_exact(&mut [0; 100]).unwrap();
            mute.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
            sleep(millis(2));
            for greenlet in waiting {
                assert!(!greenlet.is_finished());
                greenlet.kill();
                assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
            }
            assert_eq!(mute.read(&mut [0]).unwrap(), 0, "it was closed");
            let (mut client, server) = pair();
            client.write_all(b"GET / HTTP/1.0").unwrap();
            assert!(acceptor.accept(server).is_err());
        };
        round();
        let before = held();
        (0..20).for_each(|_| round());
        assert_eq!(held(), before);
    });
}

#[test]
fn a_server_is_stopped_while_handshakes_wait() {
    bounded(|| {
        let server = EchoServer::start(builder(&files()));
        let mut silent = TcpStream::connect(server.address()).unwrap();
        until(|| server.server.handler_count() == 1);
        server.server.stop(millis(10)).unwrap();
        assert_eq!(silent.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.tls.failures(), 0, "that was not the client's fault");
    });
}

/// What a client says first.
fn hello(files: &Files) -> Vec<u8> {
    let (near, mut far) = pair();
    let connector = connector(files);
    let connecting = spawn(move || drop(connector.handshake("localhost", near)));
    let mut head = [0; 5];
    far.read_exact(&mut head).unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    far.read_exact(&mut body).unwrap();
    connecting.kill();
    [&head[..], &body].concat()
}

#[test]
fn a_client_that_says_anything_is_refused_and_the_server_goes_on() {
    bounded(|| {
        let files = files();
        let hello = hello(&files);
        let server = EchoServer::start(builder(&files));
        let noise = crate::support::noise(4 * 300, 9);
        for numbers in noise.chunks(4) {
            let mut said = hello.clone();
            let place = usize::from(u16::from_be_bytes([numbers[0], numbers[1]])) % said.len();
            said[place] ^= numbers[2] | 1;
            said.truncate(said.len() - usize::from(numbers[3] / 64));
            let mut client = TcpStream::connect(server.address()).unwrap();
            // It may have refused already.
            let _ = client.write_all(&said);
            let _ = client.shutdown(std::net::Shutdown::Write);
            let told = server.told();
            assert!(told.starts_with("TLS handshake with 127.0.0.1:"), "{told}");
        }
        assert_eq!(server.tls.failures(), 300);
        server.assert_goes_on(&connector(&files));
    });
}

//! TLS with programs that were written elsewhere: openssl, and Python's `ssl`.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::monkey::process::{Child, Command, Stdio};
use greenhub::server::StreamServer;
use greenhub::tls::rustls::ProtocolVersion;
use greenhub::tls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::certificates::{Files, files, text};
use crate::support::{EchoServer, SECOND, acceptor, bounded, builder, connector, ticks_beside};

const LIMIT: Duration = Duration::from_secs(30);

const VERSIONS: [(&str, &str, ProtocolVersion); 2] = [
    ("-tls1_2", "TLSv1_2", ProtocolVersion::TLSv1_2),
    ("-tls1_3", "TLSv1_3", ProtocolVersion::TLSv1_3),
];

/// Whether the program can be run; if not, the test says that it does nothing.
fn is_there(program: &str) -> bool {
    let asked = if program == "openssl" { "version" } else { "-V" };
    let is_there = Command::new(program).arg(asked).output_for(LIMIT).is_ok();
    if !is_there {
        println!("skipped: there is no {program}");
    }
    is_there
}

fn words<'a>(text: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    text.split_whitespace()
}

/// openssl's client, which trusts those in `roots`, and says `hello`.
fn openssl_client(port: u16, roots: &Path, more: &str) -> Output {
    let mut command = Command::new("openssl");
    command
        .args(words("s_client -quiet -verify_return_error -verify_hostname localhost"))
        .args(["-connect", &format!("127.0.0.1:{port}"), "-servername", "localhost"])
        .args(["-CAfile", text(roots)])
        .args(words(more));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut talk = command.spawn().unwrap().communicate("hello\n");
    let status = talk.wait_for(LIMIT).unwrap().expect("it ends");
    Output { status, stdout: talk.stdout().to_vec(), stderr: talk.stderr().to_vec() }
}

const CLIENT: &str = r#"
import socket, ssl, sys
port, roots, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=roots)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
    with context.wrap_socket(wire, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
        tls.sendall(b"hello\n")
        answer = b""
        while piece := tls.recv(100):
            answer += piece
        print(answer.decode(), end="")
"#;

/// Python's client, which trusts those in `roots`, says `hello`, and wants a clean end.
fn python_client(port: u16, roots: &Path, version: &str) -> Output {
    let mut command = Command::new("python3");
    command.args(["-c", CLIENT, &port.to_string(), text(roots), version]);
    command.output_for(LIMIT).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A server that answers one line in capitals, and the versions that its clients spoke.
fn capitals(tls: &TlsAcceptor) -> (StreamServer, u16, Rc<RefCell<Vec<ProtocolVersion>>>) {
    let versions = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&versions);
    let handle = tls.handler(move |mut stream: TlsStream, _peer: SocketAddr| {
        told.borrow_mut().extend(stream.protocol_version());
        let mut line = [0; 6];
        stream.read_exact(&mut line)?;
        stream.write_all(&line.to_ascii_uppercase())
    });
    let server = StreamServer::bind("127.0.0.1:0", handle);
    server.start().unwrap();
    let port = server.local_addr().unwrap().port();
    (server, port, versions)
}

#[test]
fn openssl_is_served_by_each_version() {
    bounded(|| {
        if !is_there("openssl") {
            return;
        }
        let files = files();
        let (server, port, versions) = capitals(&acceptor(&files));
        for (option, _, version) in VERSIONS {
            let (ticks, output) = ticks_beside(|| openssl_client(port, &files.roots(), option));
            assert_eq!(output.stdout, b"HELLO\n", "{}", said(&output));
            assert_eq!(versions.borrow_mut().pop(), Some(version));
            assert!(ticks > 0);
        }
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn python_is_served_by_each_version() {
    bounded(|| {
        if !is_there("python3") {
            return;
        }
        let files = files();
        let (server, port, versions) = capitals(&acceptor(&files));
        for (_, name, version) in VERSIONS {
            let output = python_client(port, &files.roots(), name);
            assert_eq!(output.stdout, b"HELLO\n", "{}", said(&output));
            assert_eq!(versions.borrow_mut().pop(), Some(version));
        }
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn openssl_shows_a_certificate_to_a_server_that_wants_one() {
    bounded(|| {
        if !is_there("openssl") {
            return;
        }
        let files = files();
        let acceptor = builder(&files).require_clients(files.roots()).build().unwrap();
        let (server, port, _) = capitals(&acceptor);
        let (chain, key) = files.client();
        let shown = format!("-cert {} -key {}", text(&chain), text(&key));
        for (option, _, _) in VERSIONS {
            let known = openssl_client(port, &files.roots(), &format!("{shown} {option}"));
            assert_eq!(known.stdout, b"HELLO\n", "{}", said(&known));
            let unknown = openssl_client(port, &files.roots(), option);
            assert_eq!(unknown.stdout, b"", "{}", said(&unknown));
        }
        assert_eq!(acceptor.failures(), 2);
        server.stop(SECOND).unwrap();
    });
}

/// A server that those programs refuse, what it shows, whom they trust, and what it tells.
fn assert_refused(files: &Files, start: impl Fn() -> EchoServer, roots: &Path, reason: &str) {
    for (option, name, _) in VERSIONS {
        let server = start();
        let mut outputs = Vec::new();
        if is_there("openssl") {
            outputs.push(openssl_client(server.port(), roots, option));
        }
        if is_there("python3") {
            outputs.push(python_client(server.port(), roots, name));
        }
        for output in outputs {
            assert!(!output.status.success() && output.stdout.is_empty(), "{}", said(&output));
            let told = server.told();
            let sentence = format!(": the client refused this side's certificate: {reason}");
            assert!(told.ends_with(&sentence), "{told}");
        }
        let (chain, key) = files.server();
        let (shown, shown_key) = files.expired();
        std::fs::copy(chain, shown).unwrap();
        std::fs::copy(key, shown_key).unwrap();
        server.tls.reload().unwrap();
        server.assert_goes_on(&connector(files));
    }
}

#[test]
fn they_refuse_a_certificate_that_has_expired_and_the_server_tells() {
    bounded(|| {
        let files = files();
        let (chain, key) = files.expired();
        let old = (std::fs::read(&chain).unwrap(), std::fs::read(&key).unwrap());
        let start = || {
            std::fs::write(&chain, &old.0).unwrap();
            std::fs::write(&key, &old.1).unwrap();
            EchoServer::start(TlsAcceptor::builder(&chain, &key))
        };
        assert_refused(&files, start, &files.roots(), "it has expired");
    });
}

#[test]
fn they_refuse_an_issuer_that_they_do_not_know_and_the_server_tells() {
    bounded(|| {
        let files = files();
        let start = || EchoServer::start(builder(&files));
        assert_refused(&files, start, &files.strange_roots(), "its issuer is unknown there");
    });
}

#[test]
fn a_client_of_an_old_version_is_told_of() {
    bounded(|| {
        if !is_there("openssl") {
            return;
        }
        let files = files();
        let server = EchoServer::start(builder(&files));
        let old = "-tls1_1 -cipher DEFAULT@SECLEVEL=0";
        let output = openssl_client(server.port(), &files.roots(), old);
        assert!(!output.status.success() && output.stdout.is_empty());
        let told = server.told();
        assert!(told.ends_with(": no common protocol version with the client"), "{told}");
        server.assert_goes_on(&connector(&files));
    });
}

/// A server of another program, killed at the end, and its port, which it says first.
struct Stranger(Child, u16);

impl Stranger {
    fn start(command: &mut Command) -> Stranger {
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ACCEPT ") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let port = line.trim().rsplit(':').next().unwrap().parse().unwrap();
        child.stdout = Some(output.into_inner());
        Stranger(child, port)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// openssl's server, which sends back each line reversed.
fn openssl_server((chain, key): (&Path, &Path), more: &str) -> Stranger {
    let mut command = Command::new("openssl");
    command.args(words("s_server -accept 127.0.0.1:0 -rev -no_dhe"));
    command.args(["-cert", text(chain), "-key", text(key)]).args(words(more));
    Stranger::start(command.stderr(Stdio::null()))
}

const SERVER: &str = r#"
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[3]]
with socket.create_server(("127.0.0.1", 0)) as listener:
    print("ACCEPT :%d" % listener.getsockname()[1], flush=True)
    wire, _ = listener.accept()
    with context.wrap_socket(wire, server_side=True) as tls:
        tls.sendall(tls.recv(100)[::-1])
        tls.recv(100)
"#;

/// Python's server, for one client, which sends back reversed what it was sent.
fn python_server((chain, key): (&Path, &Path), version: &str) -> Stranger {
    let mut command = Command::new("python3");
    Stranger::start(command.args(["-c", SERVER, text(chain), text(key), version]))
}

#[test]
fn a_client_talks_to_their_servers_by_each_version() {
    bounded(|| {
        let files = files();
        let (chain, key) = files.server();
        for (option, name, version) in VERSIONS {
            let mut servers = Vec::new();
            if is_there("openssl") {
                servers.push(openssl_server((&chain, &key), option));
            }
            if is_there("python3") {
                servers.push(python_server((&chain, &key), name));
            }
            for server in servers {
                let stream = TcpStream::connect(("127.0.0.1", server.1)).unwrap();
                let mut client = connector(&files).handshake("localhost", stream).unwrap();
                assert_eq!(client.protocol_version(), Some(version));
                client.write_all(b"hello\n").unwrap();
                let mut answer = [0; 6];
                client.read_exact(&mut answer).unwrap();
                answer.sort_unstable();
                assert_eq!(&answer, b"\nehllo");
            }
        }
    });
}

#[test]
fn a_client_refuses_their_servers_for_a_reason() {
    bounded(|| {
        if !is_there("openssl") {
            return;
        }
        let files = files();
        let stranger = TlsConnector::from_roots(files.strange_roots()).unwrap();
        let ((chain, key), (old_chain, old_key)) = (files.server(), files.expired());
        for (option, _, _) in VERSIONS {
            let good = openssl_server((&chain, &key), option);
            let expired = openssl_server((&old_chain, &old_key), option);
            for (connector, host, server, reason) in [
                (&connector(&files), "localhost", &expired, "has expired"),
                (&connector(&files), "127.0.0.1", &good, "is not for 127.0.0.1, but for "),
                (&stranger, "localhost", &good, "is from an issuer that is not trusted here"),
            ] {
                let wire = TcpStream::connect(("127.0.0.1", server.1)).unwrap();
                let error = connector.handshake(host, wire).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                let sentence = format!("the certificate of the server {reason}");
                assert!(error.to_string().starts_with(&sentence), "{error}");
            }
        }
    });
}

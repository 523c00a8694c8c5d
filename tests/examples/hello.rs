//! `http_hello`, and clients that speak HTTP well, badly and not at all.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::programs::{Dialog, Server, example, finish, is_installed, run};

const GET: &str = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n\
                     hello, world\n";
const LAST_HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\
                          Connection: close\r\n\r\nhello, world\n";

fn refusal(status: &str) -> String {
    let length = status.len() + 1;
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{status}\n"
    )
}

/// Says all of this, and returns all that is heard until the server has had enough.
#[track_caller]
fn conversation(server: &Server, said: impl AsRef<[u8]>) -> String {
    let mut stream = server.connect();
    stream.write_all(said.as_ref()).unwrap();
    to_the_end(&mut stream)
}

#[track_caller]
fn to_the_end(stream: &mut TcpStream) -> String {
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("it ends by an end, and not by a reset");
    heard
}

#[track_caller]
fn hear(stream: &mut TcpStream, expected: &str) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).expect("the answer comes");
    assert_eq!(String::from_utf8_lossy(&heard), expected);
}

#[test]
fn hello_keeps_the_connection_for_the_next_request() {
    let server = Server::start("http_hello", &[]);
    let mut stream = server.connect();
    for _ in 0..100 {
        stream.write_all(GET.as_bytes()).unwrap();
        hear(&mut stream, HELLO);
    }
    // A client that has no more to say, but listens still.
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_the_end(&mut stream), "");
}

#[test]
fn hello_answers_requests_that_come_together_in_one_write_and_in_their_order() {
    let server = Server::start("http_hello", &[]);
    let mut stream = server.connect();
    let head = "HEAD / HTTP/1.1\r\nHost: here\r\n\r\n";
    let bare = HELLO.strip_suffix("hello, world\n").unwrap();
    stream.write_all([GET, head, GET].concat().as_bytes()).unwrap();
    let mut heard = [0; 1024];
    let length = stream.read(&mut heard).unwrap();
    assert_eq!(String::from_utf8_lossy(&heard[..length]), [HELLO, bare, HELLO].concat());
}

#[test]
fn hello_answers_a_thousand_requests_at_once() {
    let server = Server::start("http_hello", &[]);
    let last = "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    let heard = conversation(&server, GET.repeat(999) + last);
    assert!(heard == HELLO.repeat(999) + LAST_HELLO, "{} bytes", heard.len());
}

#[test]
fn hello_understands_a_request_that_comes_byte_by_byte() {
    let server = Server::start("http_hello", &[]);
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    let request = "\r\nPOST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n\
                   3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n";
    for byte in request.bytes() {
        stream.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    hear(&mut stream, HELLO);
}

#[test]
fn hello_closes_when_it_is_asked_to_and_for_old_clients() {
    let server = Server::start("http_hello", &[]);
    for (request, answer) in [
        ("GET / HTTP/1.1\r\nHost: here\r\nConnection: x, CLOSE\r\n\r\n", LAST_HELLO.to_owned()),
        ("GET / HTTP/1.0\r\n\r\n", LAST_HELLO.to_owned()),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            HELLO.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n") + LAST_HELLO,
        ),
    ] {
        // What comes after the last request is not answered, and does not spoil the answer.
        assert_eq!(conversation(&server, request.to_owned() + GET), answer, "{request:?}");
    }
}

#[test]
fn hello_skips_bodies() {
    let server = Server::start("http_hello", &[]);
    let body = GET.repeat(1000);
    let length = body.len();
    let whole = format!("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n{body}");
    let chunked = format!(
        "PUT / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: Chunked\r\n\r\n{length:X}\r\n{body}\r\n\
         1\r\nx\r\n0\r\n\r\n"
    );
    let last = "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    let heard = conversation(&server, [&whole, &chunked, &whole, last].concat());
    assert_eq!(heard, HELLO.repeat(3) + LAST_HELLO);
}

#[test]
fn hello_asks_for_a_body_that_waits_to_be_asked_for() {
    let server = Server::start("http_hello", &[]);
    let mut stream = server.connect();
    let head = "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    hear(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").unwrap();
    hear(&mut stream, HELLO);
    // Nobody waits here.
    stream.write_all((head.to_owned() + "body").as_bytes()).unwrap();
    hear(&mut stream, HELLO);
}

#[test]
fn hello_refuses_what_it_does_not_understand_and_closes() {
    let server = Server::start("http_hello", &[]);
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: here\r\n{fields}\r\n\r\n");
    let bad = [
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".to_owned(),
        "hello?\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        post("Host: there"),
        post("no colon"),
        post("Content-Length: +5"),
        post("Content-Length: -1"),
        post("Content-Length: 99999999999999999999"),
        post("Content-Length: "),
        post("Content-Length: 1\r\nContent-Length: 2"),
        post("Content-Length: 1\r\nTransfer-Encoding: chunked"),
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        post("Transfer-Encoding: chunked") + "five\r\n",
        post("Transfer-Encoding: chunked") + "1\r\nxyz\r\n",
        post("Transfer-Encoding: chunked") + "FFFFFFFFFFFFFFFFF\r\n",
    ];
    for request in bad {
        // What was asked before is answered, and what comes after is not.
        let heard = conversation(&server, [GET, &request, GET].concat());
        assert_eq!(heard, HELLO.to_owned() + &refusal("400 Bad Request"), "{request:?}");
    }
    for (request, status) in [
        ("GET / HTTP/2.0\r\n\r\n".to_owned(), "505 HTTP Version Not Supported"),
        (post("Transfer-Encoding: gzip, chunked"), "501 Not Implemented"),
        ("CONNECT here:1 HTTP/1.1\r\nHost: here\r\n\r\n".to_owned(), "501 Not Implemented"),
    ] {
        assert_eq!(conversation(&server, &request), refusal(status), "{request:?}");
    }
}

#[test]
fn hello_refuses_heads_that_are_too_long() {
    let server = Server::start("http_hello", &[]);
    let too_long = refusal("431 Request Header Fields Too Large");
    let long = format!("GET / HTTP/1.1\r\nHost: here\r\nX: {}\r\n\r\n", "x".repeat(8 * 1024));
    let many = format!("GET / HTTP/1.1\r\nHost: here\r\n{}\r\n", "X: y\r\n".repeat(64));
    let path = format!("GET /{} HTTP/1.1\r\nHost: here\r\n\r\n", "x".repeat(1 << 20));
    for request in [long, many, path] {
        assert_eq!(conversation(&server, &request), too_long);
    }
    let many = format!("GET / HTTP/1.1\r\nHost: here\r\n{}\r\n", "X: y\r\n".repeat(63));
    let mut stream = server.connect();
    stream.write_all(many.as_bytes()).unwrap();
    hear(&mut stream, HELLO);
}

#[test]
fn hello_lets_only_so_many_in() {
    let server = Server::start("http_hello", &["--max", "1"]);
    let [mut first, mut second] = [(); 2].map(|()| {
        let mut stream = server.connect();
        stream.write_all(GET.as_bytes()).unwrap();
        stream
    });
    hear(&mut first, HELLO);
    second.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(second.read(&mut [0]).is_err(), "it waits");
    second.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    drop(first);
    hear(&mut second, HELLO);
}

#[test]
fn hello_leaves_a_client_that_is_silent_for_too_long() {
    let server = Server::start("http_hello", &["--idle", "1"]);
    let mut silent = server.connect();
    let mut in_the_middle = server.connect();
    in_the_middle.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let mut after_an_answer = server.connect();
    after_an_answer.write_all(GET.as_bytes()).unwrap();
    hear(&mut after_an_answer, HELLO);
    for stream in [&mut silent, &mut in_the_middle, &mut after_an_answer] {
        assert_eq!(to_the_end(stream), "");
    }
}

#[test]
fn hello_shares_connections_evenly_and_tells_so_at_its_end() {
    for count in [16, 64] {
        let server = Server::start("http_hello", &["--hubs", "2"]);
        let streams: Vec<_> = (0..count)
            .map(|_| {
                let mut stream = server.connect();
                stream.write_all(GET.as_bytes()).unwrap();
                hear(&mut stream, HELLO);
                stream
            })
            .collect();
        let printed = server.end().printed();
        drop(streams);
        let half = count / 2;
        assert_eq!(printed, format!("hub 0: {half} connections, hub 1: {half} connections\n"));
    }
}

#[test]
fn hello_ends_when_it_is_interrupted() {
    let dialog = Dialog::start(example("http_hello", ["127.0.0.1:0"]));
    assert!(dialog.line().starts_with("listening on 127.0.0.1:"));
    dialog.signal(Signal::INT);
    assert_eq!(dialog.ended().printed(), "hub 0: 0 connections\n");
}

#[test]
fn hello_refuses_what_it_does_not_know() {
    for (arguments, complaint) in [
        (vec!["--what"], "unknown option --what"),
        (vec!["127.0.0.1:0", "127.0.0.1:1"], "one address too many, 127.0.0.1:1"),
        (vec!["--hubs"], "--hubs has no number"),
        (vec!["--hubs", "0"], "--hubs 0 is no number above zero"),
        (vec!["--hubs", "1001"], "1001 hubs are more than 1000"),
        (vec!["--idle", "-1"], "--idle -1 is no number above zero"),
        (vec!["--max", "some"], "--max some is no number above zero"),
    ] {
        let expected =
            format!("{complaint}; usage: http_hello [ADDR] [--hubs N] [--max N] [--idle S]\n");
        assert_eq!(run("http_hello", arguments).complained(2), expected);
    }
}

#[test]
fn hello_tells_that_it_cannot_serve() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for hubs in ["1", "2"] {
        let complaint = run("http_hello", [&*address, "--hubs", hubs]).complained(1);
        let expected = format!("cannot serve on {address}: Address already in use");
        assert!(complaint.starts_with(&expected), "{complaint}");
    }
    let complaint = run("http_hello", ["nonsense"]).complained(1);
    assert!(complaint.starts_with("cannot serve on nonsense: "), "{complaint}");
}

#[test]
fn hello_is_understood_by_curl() {
    if !is_installed("curl", "--version") {
        return;
    }
    let server = Server::start("http_hello", &[]);
    let address = format!("http://{}/", server.address);
    let mut curl = Command::new("curl");
    // No server but this one, however this machine reaches others.
    curl.env_clear().args(["-sS", "--noproxy", "*", "--data", "some", &address, &address]);
    assert_eq!(finish(curl).printed(), "hello, world\n".repeat(2));
}

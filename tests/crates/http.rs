//! HTTP heads, parsed as they come.

use std::io::{self, Read, Write};

use greenhub::monkey::net::TcpStream;
use greenhub::{TimedOut, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, pair, ticks_beside};

#[derive(Debug, PartialEq)]
struct Asked {
    what: String,
    headers: usize,
    body: Vec<u8>,
}

/// Bytes that have come, and not been used.
struct Requests<R> {
    stream: R,
    come: Vec<u8>,
}

impl<R: Read> Requests<R> {
    fn read_more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 100];
        let length = self.stream.read(&mut piece)?;
        self.come.extend_from_slice(&piece[..length]);
        Ok(length)
    }

    /// The next request, or none if the other has closed after the last.
    fn next(&mut self) -> io::Result<Option<Asked>> {
        let (what, headers, head, length) = loop {
            if let Some(parsed) = head(&self.come).map_err(io::Error::other)? {
                break parsed;
            }
            if self.read_more()? == 0 {
                return match self.come.len() {
                    0 => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        };
        while self.come.len() < head + length {
            if self.read_more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let body = self.come[head..head + length].to_vec();
        self.come.drain(..head + length);
        Ok(Some(Asked { what, headers, body }))
    }
}

/// Method and path, how many headers, the length of the head and that of the body.
fn head(bytes: &[u8]) -> Result<Option<(String, usize, usize, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes)? else { return Ok(None) };
    let what = format!("{} {}", request.method.unwrap(), request.path.unwrap());
    let length = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |it| std::str::from_utf8(it.value).unwrap().parse().unwrap());
    Ok(Some((what, request.headers.len(), head, length)))
}

fn requests(stream: TcpStream) -> Requests<TcpStream> {
    Requests { stream, come: Vec::new() }
}

const TWO: &[u8] = b"POST /in?a=b HTTP/1.1\r\nHost: here\r\nContent-Length: 7\r\n\r\nthebodyGET / HTTP/1.1\r\n\r\n";

fn check(mut requests: Requests<impl Read>) {
    let first = Asked { what: "POST /in?a=b".into(), headers: 2, body: b"thebody".into() };
    let second = Asked { what: "GET /".into(), headers: 0, body: Vec::new() };
    assert_eq!(requests.next().unwrap(), Some(first));
    assert_eq!(requests.next().unwrap(), Some(second));
    assert_eq!(requests.next().unwrap(), None);
}

#[test]
fn requests_are_parsed_however_they_are_cut() {
    bounded(|| {
        for size in [1, 2, 3, 7, 50, 1000] {
            let (mut client, server) = pair();
            client.set_nodelay(true).unwrap();
            let sender = spawn(move || {
                for piece in TWO.chunks(size) {
                    client.write_all(piece).unwrap();
                    yield_now();
                }
            });
            check(requests(server));
            sender.join().unwrap();
        }
    });
}

#[test]
fn slow_clients_hold_up_nobody() {
    bounded(|| {
        let clients: Vec<_> = (0..50)
            .map(|_| {
                let (mut client, server) = pair();
                let sender = spawn(move || {
                    for byte in TWO {
                        client.write_all(&[*byte]).unwrap();
                        sleep(millis(1));
                    }
                });
                (sender, spawn(move || check(requests(server))))
            })
            .collect();
        let (ticks, ()) = ticks_beside(|| {
            for (sender, server) in clients {
                sender.join().unwrap();
                server.join().unwrap();
            }
        });
        assert!(ticks > 5, "{ticks}");
    });
}

#[test]
fn a_limit_ends_a_request_that_never_comes_to_its_end_and_loses_nothing() {
    bounded(|| {
        let (mut client, server) = pair();
        let (first, rest) = TWO.split_at(30);
        client.write_all(first).unwrap();
        let mut requests = requests(server);
        let late = with_timeout(millis(20), || requests.next());
        assert!(matches!(late, Err(TimedOut { .. })));
        client.write_all(rest).unwrap();
        drop(client);
        check(requests);
    });
}

#[test]
fn a_client_that_vanishes_in_a_request_is_told_of() {
    bounded(|| {
        for length in [1, 30, 60] {
            let (mut client, server) = pair();
            let reading = spawn(move || requests(server).next());
            client.write_all(&TWO[..length]).unwrap();
            drop(client);
            let error = reading.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        let (mut client, server) = pair();
        client.write_all(b"what\0is this\r\n\r\n").unwrap();
        assert_eq!(requests(server).next().unwrap_err().kind(), io::ErrorKind::Other);
    });
}

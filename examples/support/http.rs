//! As much of HTTP/1.1 as the examples need: one page for each connection, over plain TCP.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::str::FromStr;

use greenhub::monkey::net::TcpStream;

/// No page may be longer than so many bytes.
const LONGEST: u64 = 64 << 20;

/// Where a page is: `http://host[:port][/path]`.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    host: String,
    pub(crate) path: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let rest = text.strip_prefix("http://").ok_or("an address begins with http://")?;
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an address has no spaces, and ASCII letters only".to_owned());
        }
        let place = rest.split('#').next().unwrap_or(rest);
        let (host, path) = place.split_at(place.find(['/', '?']).unwrap_or(place.len()));
        if host.is_empty() {
            return Err("the host is missing".to_owned());
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Address { host: host.to_owned(), path: format!("{slash}{path}") })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.host, self.path)
    }
}

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Fetches the page, however long that takes.
pub(crate) fn get(address: &Address) -> io::Result<Page> {
    let Address { host, path } = address;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let mut stream = match has_port {
        true => TcpStream::connect(host)?,
        false => TcpStream::connect(format!("{host}:80"))?,
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> io::Result<Page> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(answer).map_err(io::Error::other)? else {
        return Err(early());
    };
    let header = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let rest = &answer[length..];
    let body = if header("transfer-encoding").is_some() {
        chunks(rest)?
    } else {
        // Without a length, the page ends where the connection does.
        let length = header("content-length").and_then(|length| length.parse().ok());
        rest.get(..length.unwrap_or(rest.len())).ok_or_else(early)?.to_vec()
    };
    Ok(Page { status: head.code.unwrap_or_default(), body })
}

/// Puts the pieces of a page together.
fn chunks(mut rest: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let chunk = httparse::parse_chunk_size(rest)
            .map_err(|_| io::Error::other("a piece of the page has no size"))?;
        let httparse::Status::Complete((start, length)) = chunk else { return Err(early()) };
        if length == 0 {
            return Ok(body);
        }
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        body.extend_from_slice(rest.get(start..end).ok_or_else(early)?);
        // A line end comes after each piece.
        rest = rest.get(end.saturating_add(2)..).ok_or_else(early)?;
    }
}

fn early() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the page ends early")
}

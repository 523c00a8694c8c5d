//! A server of made-up pages, so that an example needs no network.
//!
//! `/BYTES/MILLIS` is a page of so many bytes that comes after so many milliseconds. There is no
//! other.

use std::io::{self, Read, Write};
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{sleep, spawn};

/// Begins to serve, in a greenlet; returns what the addresses of its pages begin with.
pub(crate) fn serve() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Its result is dropped: one who leaves early gets no page.
            spawn(move || answer(stream));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let path = asked_for(&mut stream)?;
    let Some((bytes, millis)) = known(&path) else {
        let no_page =
            "HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\nConnection: close\r\n\r\nno page\n";
        return stream.write_all(no_page.as_bytes());
    };
    sleep(Duration::from_millis(millis));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&b"0123456789".repeat(bytes / 10 + 1)[..bytes])
}

/// Reads a request; returns its path.
fn asked_for(stream: &mut TcpStream) -> io::Result<String> {
    let mut request = Vec::new();
    let mut block = [0; 1024];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Request::new(&mut headers);
        if head.parse(&request).map_err(io::Error::other)?.is_complete() {
            return Ok(head.path.unwrap_or_default().to_owned());
        }
        let length = stream.read(&mut block)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&block[..length]);
    }
}

fn known(path: &str) -> Option<(usize, u64)> {
    let (bytes, millis) = path.strip_prefix('/')?.split_once('/')?;
    Some((bytes.parse().ok()?, millis.parse().ok()?))
}

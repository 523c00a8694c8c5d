//! HTTP as a small server needs it: for those of the peers that bring none of their own.

use std::cell::RefCell;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the load sends.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";

/// The page that everyone serves, as `text/plain`, with a date.
pub(crate) const BODY: &str = "Hello, World!";

/// More than this without an end is no request.
pub(crate) const LONGEST: usize = 4096;

/// Appends an answer for each complete request, and tells how many bytes those were.
///
/// # Errors
///
/// If it is no HTTP, or a request with a body.
pub(crate) fn answer(received: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
    let mut used = 0;
    while used < received.len() {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&received[used..]).map_err(io::Error::other)?;
        let httparse::Status::Complete(length) = parsed else { break };
        let is_body = |name: &str| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        };
        if request.headers.iter().any(|header| is_body(header.name)) {
            return Err(io::Error::other("a request with a body"));
        }
        used += length;
        append(out)?;
    }
    Ok(used)
}

fn append(out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ");
    write!(out, "{}\r\nDate: ", BODY.len())?;
    append_date(out)?;
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(BODY.as_bytes());
    Ok(())
}

/// The date is written anew once a second.
fn append_date(out: &mut Vec<u8>) -> io::Result<()> {
    thread_local! {
        static WRITTEN: RefCell<(u64, Vec<u8>)> = const { RefCell::new((0, Vec::new())) };
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    WRITTEN.with_borrow_mut(|(second, text)| {
        if *second != seconds {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            text.clear();
            write!(text, "{}", httpdate::HttpDate::from(time))?;
            *second = seconds;
        }
        out.extend_from_slice(text);
        Ok(())
    })
}

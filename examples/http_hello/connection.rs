//! One connection: requests are read and answered, in their order, until one side has enough.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::with_timeout;
use httparse::{EMPTY_HEADER, InvalidChunkSize, Status};

use crate::head::{Body, Head, MOST_FIELDS};

/// No head of a request may be longer.
const ROOM: usize = 8 * 1024;

/// A client that is told the end has so long to take it.
const FAREWELL: Duration = Duration::from_secs(1);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n";
const TEXT: &[u8] = b"hello, world\n";

/// Why a conversation ends before its time.
pub(crate) enum End {
    /// The client is gone, or silent for too long.
    Gone,
    /// It said what this server does not take, and is told so by this status.
    Refused(&'static str),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Gone
    }
}

pub(crate) const BAD: End = End::Refused("400 Bad Request");
pub(crate) const TOO_LONG: End = End::Refused("431 Request Header Fields Too Large");

/// Answers all requests that come.
pub(crate) fn converse(stream: &TcpStream) -> io::Result<()> {
    // An answer is not to wait until the client has confirmed the one before.
    stream.set_nodelay(true)?;
    let (input, output) = (vec![0; ROOM], Vec::new());
    let mut connection = Connection { stream, input, start: 0, end: 0, output };
    match connection.answer_all() {
        Ok(()) => {}
        Err(End::Refused(status)) => connection.refuse(status),
        Err(End::Gone) => return Ok(()),
    }
    connection.take_leave();
    Ok(())
}

struct Connection<'a> {
    stream: &'a TcpStream,
    /// What has come and is not yet understood is from `start` to `end`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Answers that were not yet sent.
    output: Vec<u8>,
}

impl Connection<'_> {
    /// Returns when the client is to have no more answers.
    fn answer_all(&mut self) -> Result<(), End> {
        loop {
            let head = self.head()?;
            if head.expects_continue && self.start == self.end {
                self.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            match head.body {
                Body::Length(length) => self.skip(length)?,
                Body::Chunks => self.skip_chunks()?,
            }
            self.answer(&head);
            if !head.keeps_alive {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, head: &Head) {
        let connection: &[u8] = match (head.keeps_alive, head.is_old) {
            (true, false) => b"\r\n",
            (true, true) => b"Connection: keep-alive\r\n\r\n",
            (false, _) => b"Connection: close\r\n\r\n",
        };
        let text = if head.wants_no_text { b"" } else { TEXT };
        for part in [HELLO, connection, text] {
            self.output.extend_from_slice(part);
        }
    }

    fn head(&mut self) -> Result<Head, End> {
        loop {
            if let Some((head, length)) = Head::parse(self.unread())? {
                self.start += length;
                return Ok(head);
            }
            self.read_more()?;
        }
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.start..self.end]
    }

    /// Sends whatever is answered, and only then waits for more. So requests that came
    /// together are answered together.
    fn read_more(&mut self) -> Result<(), End> {
        self.send()?;
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == ROOM {
            return Err(TOO_LONG);
        }
        let mut stream = self.stream;
        match stream.read(&mut self.input[self.end..])? {
            0 => Err(End::Gone),
            length => {
                self.end += length;
                Ok(())
            }
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let mut stream = self.stream;
        stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    fn skip(&mut self, mut length: u64) -> Result<(), End> {
        loop {
            let here = self.unread().len().min(usize::try_from(length).unwrap_or(usize::MAX));
            self.start += here;
            length -= here as u64;
            if length == 0 {
                return Ok(());
            }
            self.read_more()?;
        }
    }

    /// Skips a body that tells its length piece by piece, and the fields after it.
    fn skip_chunks(&mut self) -> Result<(), End> {
        loop {
            let length = self.parse(httparse::parse_chunk_size)?;
            if length == 0 {
                return self.parse(fields);
            }
            self.skip(length)?;
            self.parse(line_end)?;
        }
    }

    /// Waits until `parser` has what it needs, which it says with its length.
    fn parse<T, E>(
        &mut self,
        parser: impl Fn(&[u8]) -> Result<Status<(usize, T)>, E>,
    ) -> Result<T, End> {
        loop {
            if let Status::Complete((length, value)) = parser(self.unread()).map_err(|_| BAD)? {
                self.start += length;
                return Ok(value);
            }
            self.read_more()?;
        }
    }

    fn refuse(&mut self, status: &str) {
        let length = status.len() + 1;
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{status}\n"
        );
        self.output.extend_from_slice(answer.as_bytes());
    }

    /// Ends so that the last answer arrives: were the connection closed while something is unread,
    /// the kernel would reset it, and the client might lose what it has not taken.
    fn take_leave(&mut self) {
        // Who is not there any more, or goes on for too long, has had its answers.
        let _ = with_timeout(FAREWELL, || {
            self.send()?;
            self.stream.shutdown(Shutdown::Write)?;
            let mut stream = self.stream;
            while stream.read(&mut self.input)? > 0 {}
            Ok::<(), io::Error>(())
        });
    }
}

fn line_end(unread: &[u8]) -> Result<Status<(usize, ())>, InvalidChunkSize> {
    match unread {
        [b'\r', b'\n', ..] => Ok(Status::Complete((2, ()))),
        [] | [b'\r'] => Ok(Status::Partial),
        _ => Err(InvalidChunkSize),
    }
}

/// The fields after the last chunk, and the empty line.
fn fields(unread: &[u8]) -> Result<Status<(usize, ())>, httparse::Error> {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    Ok(match httparse::parse_headers(unread, &mut fields)? {
        Status::Complete((length, _)) => Status::Complete((length, ())),
        Status::Partial => Status::Partial,
    })
}

//! The head of a request, as far as the answer depends on it.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Request, Status};

use crate::connection::{BAD, End, TOO_LONG};

/// A head with more fields is refused.
pub(crate) const MOST_FIELDS: usize = 64;

pub(crate) struct Head {
    pub(crate) body: Body,
    pub(crate) keeps_alive: bool,
    /// It speaks HTTP/1.0.
    pub(crate) is_old: bool,
    /// It asks for the head of the answer only.
    pub(crate) wants_no_text: bool,
    /// It sends its body when it is told to.
    pub(crate) expects_continue: bool,
}

pub(crate) enum Body {
    Length(u64),
    Chunks,
}

impl Head {
    /// A head and its length in bytes, or nothing if it is not complete.
    pub(crate) fn parse(input: &[u8]) -> Result<Option<(Head, usize)>, End> {
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut request = Request::new(&mut []);
        match request.parse_with_uninit_headers(input, &mut room) {
            Ok(Status::Complete(length)) => Ok(Some((Head::of(&request)?, length))),
            Ok(Status::Partial) => Ok(None),
            Err(Error::TooManyHeaders) => Err(TOO_LONG),
            Err(Error::Version) => Err(End::Refused("505 HTTP Version Not Supported")),
            Err(_) => Err(BAD),
        }
    }

    fn of(request: &Request) -> Result<Head, End> {
        let fields = Fields::of(request.headers)?;
        let is_old = request.version == Some(0);
        // Whoever sends both lengths, or a host twice, may mean to be taken for someone else.
        let is_twofold = fields.is_chunked && (fields.length.is_some() || is_old);
        if is_twofold || fields.hosts > 1 || (fields.hosts == 0 && !is_old) {
            return Err(BAD);
        }
        if request.method == Some("CONNECT") {
            return Err(End::Refused("501 Not Implemented"));
        }
        Ok(Head {
            body: match fields.is_chunked {
                true => Body::Chunks,
                false => Body::Length(fields.length.unwrap_or(0)),
            },
            keeps_alive: !fields.closes && (!is_old || fields.keeps_alive),
            is_old,
            wants_no_text: request.method == Some("HEAD"),
            expects_continue: fields.expects_continue && !is_old,
        })
    }
}

/// What the fields of a head say.
#[derive(Default)]
struct Fields {
    hosts: u32,
    length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    keeps_alive: bool,
    expects_continue: bool,
}

impl Fields {
    fn of(headers: &[Header]) -> Result<Fields, End> {
        let mut fields = Fields::default();
        headers.iter().try_for_each(|header| fields.take(header.name, header.value))?;
        Ok(fields)
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), End> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("host") {
            self.hosts += 1;
        } else if is("content-length") {
            let length = length(value).ok_or(BAD)?;
            if self.length.replace(length).is_some_and(|other| other != length) {
                return Err(BAD);
            }
        } else if is("transfer-encoding") {
            if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(End::Refused("501 Not Implemented"));
            }
            self.is_chunked = true;
        } else if is("connection") {
            for word in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                self.closes |= word.eq_ignore_ascii_case(b"close");
                self.keeps_alive |= word.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("expect") {
            self.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        }
        Ok(())
    }
}

/// Digits only: what `parse` takes beside, such as `+5`, others might read otherwise.
fn length(value: &[u8]) -> Option<u64> {
    let digits = value.iter().all(u8::is_ascii_digit).then_some(value)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

//! What is said on a connection: how the next request reads, and whether the answer is right.

use std::sync::Arc;

use crate::servers::http::{BODY, REQUEST};

/// One side of a connection.
pub(crate) trait Talk {
    /// Appends the next request.
    fn ask(&mut self, out: &mut Vec<u8>);

    /// Takes what was received, and tells how many answers it made complete.
    ///
    /// # Errors
    ///
    /// If it is not what had to come.
    fn hear(&mut self, bytes: &[u8]) -> Result<usize, String>;
}

/// The bytes that messages are cut from. They repeat nowhere, so a message that is cut at
/// the wrong place, or belongs to someone else, is seen.
pub(crate) struct Pattern(Vec<u8>);

/// Messages begin at so many places of the pattern.
const PLACES: usize = 4093;

impl Pattern {
    pub(crate) fn new(size: usize) -> Arc<Pattern> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        Arc::new(Pattern((0..size + PLACES).map(|_| next()).collect()))
    }
}

/// Says messages that are all different, and hears each again.
pub(crate) struct Echo {
    pattern: Arc<Pattern>,
    size: usize,
    /// Where the first message begins.
    place: usize,
    asked: usize,
    heard: usize,
    /// How much of the next echo is here.
    part: usize,
}

impl Echo {
    pub(crate) fn new(pattern: &Arc<Pattern>, size: usize, number: usize) -> Echo {
        let pattern = pattern.clone();
        Echo { pattern, size, place: number * 131, asked: 0, heard: 0, part: 0 }
    }

    fn message(&self, number: usize) -> &[u8] {
        let place = (self.place + number * 17) % PLACES;
        &self.pattern.0[place..place + self.size]
    }
}

impl Talk for Echo {
    fn ask(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.message(self.asked));
        self.asked += 1;
    }

    fn hear(&mut self, mut bytes: &[u8]) -> Result<usize, String> {
        let before = self.heard;
        while !bytes.is_empty() {
            let rest = &self.message(self.heard)[self.part..];
            let (now, later) = bytes.split_at(rest.len().min(bytes.len()));
            if now != &rest[..now.len()] || self.heard == self.asked {
                return Err(format!("echo {} is wrong", self.heard));
            }
            self.part += now.len();
            if self.part == self.size {
                self.part = 0;
                self.heard += 1;
            }
            bytes = later;
        }
        Ok(self.heard - before)
    }
}

/// Asks for a page over and over.
#[derive(Default)]
pub(crate) struct Page {
    /// The beginning of an answer that is not complete.
    part: Vec<u8>,
}

impl Talk for Page {
    fn ask(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(REQUEST);
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<usize, String> {
        self.part.extend_from_slice(bytes);
        let (mut answers, mut used) = (0, 0);
        while let Some(length) = page_length(&self.part[used..])? {
            used += length;
            answers += 1;
        }
        self.part.drain(..used);
        Ok(answers)
    }
}

/// The length of the answer that `bytes` begins with, if it is complete.
fn page_length(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(bytes).map_err(|error| format!("an answer is no HTTP: {error}"))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    if head.code != Some(200) {
        return Err(format!("status {:?}", head.code));
    }
    let told = head.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    if told.map(|header| header.value) != Some(BODY.len().to_string().as_bytes()) {
        return Err("a page of another length".to_owned());
    }
    let Some(body) = bytes.get(length..length + BODY.len()) else { return Ok(None) };
    if body == BODY.as_bytes() {
        Ok(Some(length + BODY.len()))
    } else {
        Err("a page with another text".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_twice() -> (Echo, Vec<u8>) {
        let mut echo = Echo::new(&Pattern::new(64), 64, 3);
        let mut said = Vec::new();
        echo.ask(&mut said);
        echo.ask(&mut said);
        (echo, said)
    }

    #[test]
    fn echoes_may_come_in_any_pieces() {
        let (mut echo, said) = asked_twice();
        let answers: Vec<_> = said.chunks(50).map(|part| echo.hear(part)).collect();
        assert_eq!(answers, [Ok(0), Ok(1), Ok(1)]);
    }

    #[test]
    fn a_byte_that_is_wrong_is_seen() {
        let (mut echo, mut said) = asked_twice();
        said[127] ^= 1;
        assert_eq!(echo.hear(&said), Err("echo 1 is wrong".to_owned()));
    }

    #[test]
    fn the_echoes_of_another_connection_are_wrong() {
        let (_, said) = asked_twice();
        let mut other = Echo::new(&Pattern::new(64), 64, 4);
        other.ask(&mut Vec::new());
        assert!(other.hear(&said).is_err());
    }

    #[test]
    fn an_echo_of_what_was_not_said_is_wrong() {
        let (mut echo, said) = asked_twice();
        assert_eq!(echo.hear(&said), Ok(2));
        assert!(echo.hear(&said).is_err());
    }

    #[test]
    fn pages_may_come_in_any_pieces() {
        let mut pages = Vec::new();
        crate::servers::http::answer(&REQUEST.repeat(2), &mut pages).expect("they are requests");
        for length in 1..pages.len() {
            let mut page = Page::default();
            let answers = pages.chunks(length).map(|part| page.hear(part).expect("it is right"));
            assert_eq!(answers.sum::<usize>(), 2, "in pieces of {length}");
        }
    }

    #[test]
    fn a_page_with_another_text_is_wrong() {
        let mut page = Page::default();
        let heard = page.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, Word!!");
        assert_eq!(heard, Err("a page with another text".to_owned()));
    }
}

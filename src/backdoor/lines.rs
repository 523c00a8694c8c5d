//! What a client sends, line by line.

use std::io::{self, BufRead, BufReader, Read};

/// A line may have so many bytes.
pub(super) const LONGEST: usize = 1024;

pub(super) enum Line {
    Text(String),
    TooLong,
}

/// The lines of a client: of one that is too long, the rest is read and forgotten.
pub(super) struct Lines<R>(BufReader<R>);

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Lines<R> {
        Lines(BufReader::with_capacity(LONGEST, from))
    }

    /// The next line, without its end; `None` if there is no more. The last needs no end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        // One more, for its end.
        let limit = LONGEST as u64 + 1;
        if self.0.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() > LONGEST {
            self.0.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::Text(String::from_utf8_lossy(&bytes).into_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> Vec<Option<String>> {
        let mut lines = Lines::new(text);
        let next = || lines.next().unwrap();
        let text = |line| match line {
            Line::Text(text) => Some(text),
            Line::TooLong => None,
        };
        std::iter::from_fn(next).map(text).collect()
    }

    #[test]
    fn lines_end_by_their_ends_or_with_all_that_is_sent() {
        assert_eq!(of(b""), []);
        assert_eq!(of(b"ps\n\nquit"), ["ps", "", "quit"].map(|line| Some(line.to_owned())));
        assert_eq!(of(b"a\xffb\n"), [Some("a\u{fffd}b".to_owned())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_is_whole() {
        let longest = "x".repeat(LONGEST);
        assert_eq!(of(longest.as_bytes()), [Some(longest.clone())]);
        assert_eq!(
            of(format!("{longest}\nps").as_bytes()),
            [Some(longest.clone()), Some("ps".into())]
        );
        assert_eq!(of(format!("{longest}y\nps").as_bytes()), [None, Some("ps".into())]);
        assert_eq!(of("y".repeat(1 << 20).as_bytes()), [None]);
    }
}

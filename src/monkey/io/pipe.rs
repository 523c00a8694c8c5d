//! [`std::io::pipe`], cooperative.

use std::io;

use crate::io::{Cooperative, pipe as ends};
use crate::monkey::descriptor::raw_conversions;
use crate::monkey::pipes::{pipe_conversions, read_pipe, write_pipe};

/// Makes a pipe: what is written to the second is read from the first.
///
/// Mirrors [`std::io::pipe`].
///
/// # Errors
///
/// As there: if there are no descriptors left.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::io::pipe;
/// use std::io::{Read, Write};
///
/// let (mut reader, mut writer) = pipe()?;
/// let greeting = greenhub::spawn(move || {
///     let mut text = String::new();
///     reader.read_to_string(&mut text).map(|_| text)
/// });
/// writer.write_all(b"hello")?;
/// drop(writer);
/// assert_eq!(greeting.join().unwrap()?, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((PipeReader(ends::take_in(reader)?), PipeWriter(ends::take_in(writer)?)))
}

/// The end of a pipe that is read. Mirrors [`std::io::PipeReader`].
///
/// A read of an empty pipe makes only its greenlet wait; also after a clone of it was handed to a
/// child, which sets both to blocking mode.
pub struct PipeReader(Cooperative<io::PipeReader>);

/// The end of a pipe that is written. Mirrors [`std::io::PipeWriter`].
///
/// A write to a full pipe makes only its greenlet wait; also after a clone of it was handed to a
/// child, which sets both to blocking mode.
pub struct PipeWriter(Cooperative<io::PipeWriter>);

impl PipeReader {
    /// Mirrors [`std::io::PipeReader::try_clone`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone_with(io::PipeReader::try_clone).map(Self)
    }
}

impl PipeWriter {
    /// Mirrors [`std::io::PipeWriter::try_clone`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone_with(io::PipeWriter::try_clone).map(Self)
    }
}

read_pipe!(PipeReader, &PipeReader);
write_pipe!(PipeWriter, &PipeWriter);
pipe_conversions!(PipeReader, io::PipeReader);
pipe_conversions!(PipeWriter, io::PipeWriter);
raw_conversions!(PipeReader);
raw_conversions!(PipeWriter);

//! [`std::io::stdin`], cooperative.
//!
//! Descriptor 0 is shared with whoever started the process, so its mode is never changed. A pipe or
//! a socket says by itself that it has nothing to read, a terminal is asked before it is read, and
//! a file is read by another thread.
//!
//! A line stays in the buffer until all of it is there. So a greenlet that is killed, or whose time
//! is over, in the middle of a line leaves the whole line to the next.

use std::fmt;
use std::io::{self, BufRead, IoSliceMut, Lines, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FileType, fstat};
use rustix::io::readv;

use crate::io::pipe::read_now;
use crate::io::{Cooperative, refused};
use crate::sync::{Lock, LockGuard};
use crate::threadpool::offload;

/// Standard input. Mirrors [`std::io::Stdin`].
///
/// All greenlets of all threads share it, and what it has read ahead; [`std::io::stdin`] does not. A
/// read makes only its greenlet wait. If that is killed, or its time is over, in the middle of a
/// line, the line is there for the next reader.
pub struct Stdin(());

/// Standard input, for one greenlet alone. Mirrors [`std::io::StdinLock`].
pub struct StdinLock<'a> {
    /// None if the lock was to be had only by a wait, and the greenlet could not wait.
    buffer: Option<MutexGuard<'a, Buffer>>,
    // After the buffer, so that whoever gets the lock finds the buffer free.
    _lock: Option<LockGuard<'a>>,
}

/// As many bytes as std reads ahead.
const PIECE: usize = 8 * 1024;

/// Who has this may use the buffer.
static LOCK: Lock = Lock::new();

static BUFFER: Mutex<Buffer> = Mutex::new(Buffer::new());

/// A handle to standard input. Mirrors [`std::io::stdin`].
///
/// # Examples
///
/// ```no_run
/// use greenhub::monkey::io;
///
/// let mut name = String::new();
/// io::stdin().read_line(&mut name)?;
/// println!("hello {}", name.trim_end());
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn stdin() -> Stdin {
    Stdin(())
}

impl Stdin {
    /// Waits until no other greenlet has it, and has it until the answer is dropped.
    ///
    /// Mirrors [`std::io::Stdin::lock`]. Who unwinds cannot wait: if another has it then, reading
    /// from the answer is an error.
    #[must_use]
    pub fn lock(&self) -> StdinLock<'static> {
        let lock = LOCK.lock().ok();
        // Free, for whoever has the lock; and who panicked with it has left it whole.
        let buffer = lock.as_ref().map(|_| BUFFER.lock().unwrap_or_else(PoisonError::into_inner));
        StdinLock { buffer, _lock: lock }
    }

    /// Appends one line, with its end. Mirrors [`std::io::Stdin::read_line`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_line(&self, buf: &mut String) -> io::Result<usize> {
        self.lock().read_line(buf)
    }

    /// Mirrors [`std::io::Stdin::lines`].
    pub fn lines(self) -> Lines<StdinLock<'static>> {
        self.lock().lines()
    }
}

impl StdinLock<'_> {
    fn buffer(&mut self) -> io::Result<&mut Buffer> {
        self.buffer.as_deref_mut().ok_or_else(refused)
    }
}

// As std's: what a panic leaves of the buffer is whole.
impl UnwindSafe for StdinLock<'_> {}
impl RefUnwindSafe for StdinLock<'_> {}

impl Read for StdinLock<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.buffer()?.read(&mut [IoSliceMut::new(buf)])
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.buffer()?.read(bufs)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        let buffer = self.buffer()?;
        while buffer.read_more()? > 0 {}
        buffer.move_text(buffer.unread().len(), buf)
    }
}

impl BufRead for StdinLock<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.buffer()?;
        if buffer.unread().is_empty() {
            buffer.read_more()?;
        }
        Ok(buffer.unread())
    }

    fn consume(&mut self, amount: usize) {
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(amount);
        }
    }

    fn read_until(&mut self, byte: u8, buf: &mut Vec<u8>) -> io::Result<usize> {
        let buffer = self.buffer()?;
        let length = buffer.length_until(byte)?;
        buf.extend_from_slice(&buffer.unread()[..length]);
        buffer.consume(length);
        Ok(length)
    }

    fn read_line(&mut self, buf: &mut String) -> io::Result<usize> {
        let buffer = self.buffer()?;
        let length = buffer.length_until(b'\n')?;
        buffer.move_text(length, buf)
    }
}

macro_rules! read_by_the_lock {
    ($($reader:ty),+) => {$(
        impl Read for $reader {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.lock().read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.lock().read_vectored(bufs)
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
                self.lock().read_to_end(buf)
            }

            fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
                self.lock().read_to_string(buf)
            }

            fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
                self.lock().read_exact(buf)
            }
        }
    )+};
}

read_by_the_lock!(Stdin, &Stdin);

macro_rules! descriptor_0 {
    ($type:ty, $name:literal) => {
        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                rustix::stdio::stdin()
            }
        }

        impl AsRawFd for $type {
            fn as_raw_fd(&self) -> RawFd {
                libc::STDIN_FILENO
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    };
}

descriptor_0!(Stdin, "Stdin");
descriptor_0!(StdinLock<'_>, "StdinLock");

/// What was read ahead. Between two reads it is whole, and a read changes it only when it is over.
struct Buffer {
    bytes: Vec<u8>,
    /// How many of them were given out.
    given: usize,
}

impl Buffer {
    const fn new() -> Buffer {
        Buffer { bytes: Vec::new(), given: 0 }
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.given..]
    }

    fn consume(&mut self, amount: usize) {
        self.given = (self.given + amount).min(self.bytes.len());
    }

    /// Reads some bytes behind those that are unread; 0 at the end.
    fn read_more(&mut self) -> io::Result<usize> {
        // Not into the buffer itself: the greenlet may be killed while it waits.
        let mut piece = vec![0; PIECE];
        let length = read(&mut [IoSliceMut::new(&mut piece)])?;
        self.bytes.drain(..self.given);
        self.given = 0;
        self.bytes.extend_from_slice(&piece[..length]);
        Ok(length)
    }

    fn read(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let room: usize = bufs.iter().map(|buf| buf.len()).sum();
        if room == 0 {
            return Ok(0);
        }
        if self.unread().is_empty() {
            if room >= PIECE {
                return read(bufs);
            }
            self.read_more()?;
        }
        let length = self.unread().read_vectored(bufs)?;
        self.consume(length);
        Ok(length)
    }

    /// Reads until there is a whole piece that ends with `byte`, or with the input; its length.
    fn length_until(&mut self, byte: u8) -> io::Result<usize> {
        let mut seen = 0;
        loop {
            if let Some(place) = self.unread()[seen..].iter().position(|&other| other == byte) {
                return Ok(seen + place + 1);
            }
            seen = self.unread().len();
            if self.read_more()? == 0 {
                return Ok(seen);
            }
        }
    }

    fn move_text(&mut self, length: usize, into: &mut String) -> io::Result<usize> {
        let text = str::from_utf8(&self.unread()[..length]).map(|text| into.push_str(text));
        self.consume(length);
        text.map(|()| length).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8")
        })
    }
}

/// Reads descriptor 0, whatever it is by now: the program may put another file there.
fn read(bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    loop {
        match read_descriptor(rustix::stdio::stdin(), bufs) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // As in std, a process without standard input reads its end.
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => return Ok(0),
            answer => return answer,
        }
    }
}

fn read_descriptor(fd: BorrowedFd<'_>, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let kind = FileType::from_raw_mode(fstat(fd)?.st_mode);
    // A source only as long as someone waits for it.
    let source = Cooperative::from_nonblocking(fd);
    let can_wait = match kind {
        FileType::Fifo | FileType::Socket => true,
        FileType::CharacterDevice => source.make_source().is_ok(),
        _ => false,
    };
    if can_wait {
        source.read_with(|fd| read_now(*fd, bufs))
    } else {
        Ok(offload(|| readv(fd, bufs))?)
    }
}

//! What pipes need beyond reading and writing: never to block, whatever their mode is.
//!
//! The mode of a descriptor belongs to the open file, which others may share: the process that was
//! started with it as its output, the shell that has the same terminal. They may change it, and
//! where they must not see a change we cannot make one. So each operation says by itself
//! that it must not block. Where the kernel does not know that of the file (terminals, and
//! pipes before Linux 6.4), it is asked first whether there is something to do; then another
//! who reads the same file may be faster, and the operation blocks until there is more.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl};
#[cfg(target_os = "linux")]
use rustix::io::{ReadWriteFlags, preadv2, pwritev2};
use rustix::io::{readv, writev};

use super::Cooperative;

/// Takes in an end of a pipe that was just made and that nobody shares.
pub(crate) fn take_in<T: AsFd>(pipe: T) -> io::Result<Cooperative<T>> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    Ok(Cooperative::from_fresh(pipe))
}

/// Takes in an end that may be shared. If it was in non-blocking mode, calls that would wait return
/// `WouldBlock`, as in std.
pub(crate) fn adopt<T: AsFd>(pipe: T) -> io::Result<Cooperative<T>> {
    let was_nonblocking = fcntl_getfl(&pipe)?.contains(OFlags::NONBLOCK);
    let pipe = Cooperative::new(pipe)?;
    if was_nonblocking {
        pipe.set_nonblocking(true);
    }
    Ok(pipe)
}

/// Reads; waits while there is nothing.
pub(crate) fn read<T: AsFd>(
    pipe: &Cooperative<T>,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    // A short read is no proof that nothing is left: a terminal gives one line at a time.
    pipe.read_with(|pipe| read_now(pipe.as_fd(), bufs))
}

/// Writes what there is room for; waits while there is none.
pub(crate) fn write<T: AsFd>(pipe: &Cooperative<T>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let length = bufs.iter().map(|buf| buf.len()).sum();
    pipe.write_stream(length, |pipe| write_now(pipe.as_fd(), bufs))
}

/// Reads what is there, in whatever mode the descriptor is.
///
/// # Errors
///
/// [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing is.
pub(crate) fn read_now(fd: BorrowedFd<'_>, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    match preadv2(fd, bufs, CURRENT_POSITION, ReadWriteFlags::NOWAIT) {
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        answer => return Ok(answer?),
    }
    read_asked(fd, bufs)
}

fn read_asked(fd: BorrowedFd<'_>, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    ask(fd, PollFlags::IN)?;
    Ok(readv(fd, bufs)?)
}

/// Writes what there is room for, in whatever mode the descriptor is.
///
/// # Errors
///
/// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none.
pub(crate) fn write_now(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    match pwritev2(fd, bufs, CURRENT_POSITION, ReadWriteFlags::NOWAIT) {
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        answer => return Ok(answer?),
    }
    write_asked(fd, bufs)
}

fn write_asked(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    ask(fd, PollFlags::OUT)?;
    // A pipe that has room has room for so much, and a larger piece could block half way.
    let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
    let piece = &first[..first.len().min(libc::PIPE_BUF)];
    Ok(writev(fd, &[IoSlice::new(piece)])?)
}

#[cfg(target_os = "linux")]
const CURRENT_POSITION: u64 = u64::MAX;

fn ask(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<()> {
    let mut asked = [PollFd::from_borrowed_fd(fd, flags)];
    let found = poll(&mut asked, Some(&Timespec::default()))?;
    if found == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    type ReadNow = fn(BorrowedFd<'_>, &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    type WriteNow = fn(BorrowedFd<'_>, &[IoSlice<'_>]) -> io::Result<usize>;

    #[test]
    fn an_empty_pipe_in_blocking_mode_is_not_read() {
        for read in [read_now as ReadNow, read_asked] {
            let (reader, mut writer) = io::pipe().unwrap();
            let mut buffer = [0; 8];
            let mut read = || read(reader.as_fd(), &mut [IoSliceMut::new(&mut buffer)]);
            assert_eq!(read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            writer.write_all(b"abc").unwrap();
            assert_eq!(read().unwrap(), 3);
            drop(writer);
            assert_eq!(read().unwrap(), 0);
        }
    }

    #[test]
    fn a_full_pipe_in_blocking_mode_is_not_written() {
        for write in [write_now as WriteNow, write_asked] {
            let (mut reader, writer) = io::pipe().unwrap();
            let piece = [IoSlice::new(&[]), IoSlice::new(&[7; 50_000]), IoSlice::new(b"end")];
            let mut written = 0;
            let error = loop {
                match write(writer.as_fd(), &piece) {
                    Ok(length) => written += length,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            drop(writer);
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), written);
            assert!(written > 0);
        }
    }

    #[test]
    fn a_broken_pipe_is_told() {
        for write in [write_now as WriteNow, write_asked] {
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            // A child that another test starts has a copy of the reader for a moment.
            let error = loop {
                if let Err(error) = write(writer.as_fd(), &[IoSlice::new(b"x")]) {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}

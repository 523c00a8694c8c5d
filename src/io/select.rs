//! `select`, for those who know that form: lists to read and to write, and who of them is ready.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use super::poll::{Interest, PollFd, poll};

/// Who is ready, by their places in the lists that [`select()`] was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Places in the list of those to read.
    pub readable: Vec<usize>,
    /// Places in the list of those to write.
    pub writable: Vec<usize>,
}

impl Selected {
    /// Whether none is ready: the limit was over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.readable.is_empty() && self.writable.is_empty()
    }
}

/// Waits until something can be read from one of `read`, or written to one of `write`.
///
/// For at most `limit`; a limit of zero only looks. A descriptor may be in both lists, and more
/// than once. One whose other side has gone is ready: reading or writing tells. There is no bound
/// on the numbers of descriptors. Mirrors `gevent.select.select`, without its third list.
///
/// # Errors
///
/// `EBADF` if one of them is not open. Else as [`poll()`].
///
/// # Panics
///
/// As [`poll()`].
///
/// # Examples
///
/// ```
/// use greenhub::io::{Selected, select};
/// use std::io::pipe;
///
/// let (reader, writer) = pipe()?;
/// let ready = select(&[&reader], &[&writer], None)?;
/// assert_eq!(ready, Selected { readable: vec![], writable: vec![0] });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn select(
    read: &[&dyn AsFd],
    write: &[&dyn AsFd],
    limit: Option<Duration>,
) -> io::Result<Selected> {
    let to_read = read.iter().map(|fd| PollFd::new(fd, Interest::READABLE));
    let to_write = write.iter().map(|fd| PollFd::new(fd, Interest::WRITABLE));
    let mut fds: Vec<PollFd<'_>> = to_read.chain(to_write).collect();
    poll(&mut fds, limit)?;
    if fds.iter().any(PollFd::is_invalid) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    let (read, write) = fds.split_at(read.len());
    Ok(Selected {
        readable: places(read, |fd| fd.is_readable()),
        writable: places(write, |fd| fd.is_writable()),
    })
}

fn places(fds: &[PollFd<'_>], is_ready: impl Fn(&PollFd<'_>) -> bool) -> Vec<usize> {
    (0..fds.len()).filter(|&place| is_ready(&fds[place])).collect()
}

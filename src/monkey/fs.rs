//! [`std::fs`], cooperative: files are read and written by other OS threads.
//!
//! The kernel cannot wait for a regular file, so each call is lent to a bounded pool of OS threads
//! while only its greenlet waits. A kill takes effect after the call: the buffer is the
//! greenlet's own. A call costs the way to another thread and back, some microseconds,
//! so wrap a file that is read in small pieces in a [`BufReader`](std::io::BufReader).

pub use std::fs::*;

use std::fmt;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::greenlet;
use crate::monkey::descriptor::raw_conversions;
use crate::threadpool::offload;

/// An open file. Mirrors [`std::fs::File`].
///
/// # Examples
///
/// ```
/// use greenhub::monkey::fs::File;
/// use std::io::{Read, Seek, SeekFrom, Write};
///
/// # let path = std::env::temp_dir().join(format!("greenhub-doc-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
/// file.write_all(b"hello")?;
/// file.seek(SeekFrom::Start(1))?;
/// let mut rest = String::new();
/// file.read_to_string(&mut rest)?;
/// assert_eq!(rest, "ello");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct File(fs::File);

impl File {
    /// Mirrors [`std::fs::File::open`].
    pub fn open<P: AsRef<Path>>(path: P) -> io::Result<File> {
        let path = path.as_ref();
        offload(|| fs::File::open(path)).map(File)
    }

    /// Mirrors [`std::fs::File::create`].
    pub fn create<P: AsRef<Path>>(path: P) -> io::Result<File> {
        let path = path.as_ref();
        offload(|| fs::File::create(path)).map(File)
    }

    /// Mirrors [`std::fs::File::create_new`].
    pub fn create_new<P: AsRef<Path>>(path: P) -> io::Result<File> {
        let path = path.as_ref();
        offload(|| fs::File::create_new(path)).map(File)
    }

    /// Mirrors [`std::fs::File::options`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Mirrors [`std::fs::File::sync_all`].
    pub fn sync_all(&self) -> io::Result<()> {
        offload(|| self.0.sync_all())
    }

    /// Mirrors [`std::fs::File::sync_data`].
    pub fn sync_data(&self) -> io::Result<()> {
        offload(|| self.0.sync_data())
    }

    /// Waits for the lock by asking again and again, at longer and longer intervals up to
    /// 50 ms: a thread of the pool that waited for it would be missing for the write that is to
    /// release it.
    ///
    /// Mirrors [`std::fs::File::lock`].
    pub fn lock(&self) -> io::Result<()> {
        ask_until_locked(|| self.0.try_lock())
    }

    /// Waits as [`lock`](Self::lock) does. Mirrors [`std::fs::File::lock_shared`].
    pub fn lock_shared(&self) -> io::Result<()> {
        ask_until_locked(|| self.0.try_lock_shared())
    }

    /// Mirrors [`std::fs::File::try_lock`].
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.0.try_lock()
    }

    /// Mirrors [`std::fs::File::try_lock_shared`].
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.0.try_lock_shared()
    }

    /// Mirrors [`std::fs::File::unlock`].
    pub fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }

    /// Mirrors [`std::fs::File::set_len`].
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        offload(|| self.0.set_len(size))
    }

    /// Mirrors [`std::fs::File::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        offload(|| self.0.metadata())
    }

    /// Mirrors [`std::fs::File::try_clone`].
    pub fn try_clone(&self) -> io::Result<File> {
        self.0.try_clone().map(File)
    }

    /// Mirrors [`std::fs::File::set_permissions`].
    pub fn set_permissions(&self, perm: Permissions) -> io::Result<()> {
        offload(|| self.0.set_permissions(perm))
    }

    /// Mirrors [`std::fs::File::set_times`].
    pub fn set_times(&self, times: FileTimes) -> io::Result<()> {
        offload(|| self.0.set_times(times))
    }

    /// Mirrors [`std::fs::File::set_modified`].
    pub fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        offload(|| self.0.set_modified(time))
    }
}

fn ask_until_locked(mut ask: impl FnMut() -> Result<(), TryLockError>) -> io::Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        match ask() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => greenlet::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

impl Read for &File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        offload(|| (&self.0).read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        offload(|| (&self.0).read_vectored(bufs))
    }

    // The whole file in one go to the pool, not one for each piece.
    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        offload(|| (&self.0).read_to_end(buf))
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        offload(|| (&self.0).read_to_string(buf))
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        offload(|| (&self.0).read_exact(buf))
    }
}

impl Write for &File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        offload(|| (&self.0).write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        offload(|| (&self.0).write_vectored(bufs))
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        offload(|| (&self.0).write_all(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        // It moves a number in the kernel; only on odd files does it touch the disc.
        (&self.0).seek(pos)
    }
}

impl Read for File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(buf)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        (&*self).read_to_string(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        (&*self).read_exact(buf)
    }
}

impl Write for File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        (&*self).write_all(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        (&*self).seek(pos)
    }
}

impl FileExt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        offload(|| self.0.read_at(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        offload(|| self.0.write_at(buf, offset))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> File {
        File(file)
    }
}

impl From<File> for fs::File {
    fn from(file: File) -> fs::File {
        file.0
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> File {
        File(fd.into())
    }
}

impl From<File> for OwnedFd {
    fn from(file: File) -> OwnedFd {
        file.0.into()
    }
}

raw_conversions!(File);

/// How a file is to be opened. Mirrors [`std::fs::OpenOptions`].
#[derive(Clone, Debug)]
pub struct OpenOptions(fs::OpenOptions);

impl OpenOptions {
    /// Mirrors [`std::fs::OpenOptions::new`].
    #[allow(clippy::new_without_default)] // as in std
    #[must_use]
    pub fn new() -> Self {
        OpenOptions(fs::OpenOptions::new())
    }

    /// Mirrors [`std::fs::OpenOptions::read`].
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.0.read(read);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::write`].
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.0.write(write);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::append`].
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.0.append(append);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::truncate`].
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.0.truncate(truncate);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::create`].
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.0.create(create);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::create_new`].
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.0.create_new(create_new);
        self
    }

    /// Mirrors [`std::fs::OpenOptions::open`].
    pub fn open<P: AsRef<Path>>(&self, path: P) -> io::Result<File> {
        let path = path.as_ref();
        offload(|| self.0.open(path)).map(File)
    }
}

impl OpenOptionsExt for OpenOptions {
    fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode(mode);
        self
    }

    fn custom_flags(&mut self, flags: i32) -> &mut Self {
        self.0.custom_flags(flags);
        self
    }
}

/// Mirrors [`std::fs::read`].
pub fn read<P: AsRef<Path>>(path: P) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    offload(|| fs::read(path))
}

/// Mirrors [`std::fs::read_to_string`].
pub fn read_to_string<P: AsRef<Path>>(path: P) -> io::Result<String> {
    let path = path.as_ref();
    offload(|| fs::read_to_string(path))
}

/// Mirrors [`std::fs::write`].
pub fn write<P: AsRef<Path>, C: AsRef<[u8]>>(path: P, contents: C) -> io::Result<()> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    offload(|| fs::write(path, contents))
}

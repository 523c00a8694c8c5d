//! An open file.

use std::fmt;
use std::fs::{self, FileTimes, Metadata, Permissions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use super::options::OpenOptions;
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
pub struct File(pub(super) fs::File);

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

    /// Whether it is a terminal. Mirrors [`IsTerminal`], a trait that only std can implement.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
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

impl From<File> for Stdio {
    fn from(file: File) -> Stdio {
        file.0.into()
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

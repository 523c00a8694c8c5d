//! Directories: their entries, and how they are made.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, DirEntryExt};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};

use crate::threadpool::offload;

/// Entries that are read in one go. The C library takes some more from the kernel at once, so a
/// listing is no staler than std's.
const BATCH: usize = 256;

/// Opens a directory, to list what is in it. Mirrors [`std::fs::read_dir`].
///
/// # Examples
///
/// ```
/// use greenhub::monkey::fs;
///
/// # let path = std::env::temp_dir().join(format!("greenhub-list-{}", std::process::id()));
/// fs::create_dir(&path)?;
/// fs::write(path.join("note"), "text")?;
/// for entry in fs::read_dir(&path)? {
///     assert_eq!(entry?.file_name(), "note");
/// }
/// fs::remove_dir_all(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_dir<P: AsRef<Path>>(path: P) -> io::Result<ReadDir> {
    let path = path.as_ref();
    let source = offload(|| fs::read_dir(path))?;
    Ok(ReadDir { source, read: VecDeque::new(), is_at_end: false })
}

/// The entries of a directory, which are read 256 at a time. Mirrors [`std::fs::ReadDir`].
pub struct ReadDir {
    source: fs::ReadDir,
    read: VecDeque<io::Result<DirEntry>>,
    is_at_end: bool,
}

// As std's is; the errors that wait here are of the system, and hold nothing that could break.
impl UnwindSafe for ReadDir {}
impl RefUnwindSafe for ReadDir {}

impl ReadDir {
    fn read_batch(&mut self) {
        while self.read.len() < BATCH && !self.is_at_end {
            match self.source.next() {
                Some(entry) => self.read.push_back(entry.map(DirEntry::new)),
                None => self.is_at_end = true,
            }
        }
    }
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<io::Result<DirEntry>> {
        if self.read.is_empty() && !self.is_at_end {
            offload(|| self.read_batch());
        }
        self.read.pop_front()
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// One entry of a directory. Mirrors [`std::fs::DirEntry`].
pub struct DirEntry {
    entry: fs::DirEntry,
    /// Where the listing tells it; asked for while the entry is read, because on file systems whose
    /// listings do not it costs a look at the disc.
    kind: Option<FileType>,
}

impl DirEntry {
    fn new(entry: fs::DirEntry) -> DirEntry {
        let kind = entry.file_type().ok();
        DirEntry { entry, kind }
    }

    /// Mirrors [`std::fs::DirEntry::path`].
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// Mirrors [`std::fs::DirEntry::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        offload(|| self.entry.metadata())
    }

    /// What it was when it was read, so that nobody waits. Mirrors [`std::fs::DirEntry::file_type`].
    pub fn file_type(&self) -> io::Result<FileType> {
        match self.kind {
            Some(kind) => Ok(kind),
            None => offload(|| self.entry.file_type()),
        }
    }

    /// Mirrors [`std::fs::DirEntry::file_name`].
    #[must_use]
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }
}

impl DirEntryExt for DirEntry {
    fn ino(&self) -> u64 {
        self.entry.ino()
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

/// How a directory is to be made. Mirrors [`std::fs::DirBuilder`].
pub struct DirBuilder(fs::DirBuilder);

impl DirBuilder {
    /// Mirrors [`std::fs::DirBuilder::new`].
    #[allow(clippy::new_without_default)] // as in std
    #[must_use]
    pub fn new() -> DirBuilder {
        DirBuilder(fs::DirBuilder::new())
    }

    /// Mirrors [`std::fs::DirBuilder::recursive`].
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.0.recursive(recursive);
        self
    }

    /// Mirrors [`std::fs::DirBuilder::create`].
    pub fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        let path = path.as_ref();
        offload(|| self.0.create(path))
    }
}

impl DirBuilderExt for DirBuilder {
    fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode(mode);
        self
    }
}

impl fmt::Debug for DirBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

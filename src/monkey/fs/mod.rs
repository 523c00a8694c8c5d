//! [`std::fs`], cooperative: files are read and written by other OS threads.
//!
//! | | |
//! | --- | --- |
//! | green | `File`, `OpenOptions`, `DirBuilder`, `ReadDir`, `DirEntry`, and every function |
//! | same | `Metadata`, `Permissions`, `FileType`, `FileTimes`, `TryLockError`: they hold what was read |
//! | absent | `Read`, `Write` and `Seek` for `Arc<File>`: only std can say that of its `Arc`; `&*file` has all three |
//! | absent | `IsTerminal` for `File`: only std can say that; [`File::is_terminal`] is a method |
//! | absent | `Dir`, `set_times`, `File::open_buffered` and others that are not stable |
//!
//! The kernel cannot wait for a regular file, so each call is lent to a bounded pool of 16 OS threads
//! while only its greenlet waits. A kill takes effect after the call: the buffer is the
//! greenlet's own. A call costs the way to another thread and back, some microseconds,
//! so wrap a file that is read in small pieces in a [`BufReader`](std::io::BufReader).
//!
//! Two things are done on the spot: cloning a descriptor, which waits for nothing, and closing one, since
//! a `File` that is dropped must be closed when the next line runs.
//!
//! # What still waits elsewhere
//!
//! - The methods of [`Path`](std::path::Path) that ask the disc (`exists`, `metadata`, `read_dir` and
//!   their kin) are std's, and block the hub. The functions here do the same and do not.
//! - A `File` on a FIFO or a terminal keeps a thread of the pool for as long as nothing comes, and so does
//!   opening a FIFO that has no other end. Give such descriptors to
//!   [`Cooperative`](crate::io::Cooperative), which the kernel can wait for.

pub use std::fs::*;

mod directory;
mod file;
mod locking;
mod options;
mod paths;
mod transfer;

pub use self::directory::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use self::file::File;
pub use self::options::OpenOptions;
#[allow(deprecated)]
pub use self::paths::soft_link;
pub use self::paths::{
    canonicalize, copy, create_dir, create_dir_all, exists, hard_link, metadata, read, read_link,
    read_to_string, remove_dir, remove_dir_all, remove_file, rename, set_permissions,
    symlink_metadata, write,
};

//! [`std::os::unix::fs`], done by other threads.
//!
//! | | |
//! | --- | --- |
//! | green | `symlink`, `chown`, `fchown`, `lchown`, `chroot` |
//! | same | `FileExt`, `OpenOptionsExt`, `DirBuilderExt`, `DirEntryExt`: traits of std, which the types of [`monkey::fs`](crate::monkey::fs) implement as well |
//! | same | `MetadataExt`, `PermissionsExt`, `FileTypeExt`: of values that hold what was read |
//! | absent | `mkfifo`, `DirEntryExt2`: not stable |

pub use std::os::unix::fs::*;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs;
use std::path::Path;

use crate::threadpool::offload;

/// Makes a symbolic link. Mirrors [`std::os::unix::fs::symlink`].
pub fn symlink<P: AsRef<Path>, Q: AsRef<Path>>(original: P, link: Q) -> io::Result<()> {
    let (original, link) = (original.as_ref(), link.as_ref());
    offload(|| fs::symlink(original, link))
}

/// Changes the owner of a file, or of what a link points to. Mirrors [`std::os::unix::fs::chown`].
pub fn chown<P: AsRef<Path>>(dir: P, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let dir = dir.as_ref();
    offload(|| fs::chown(dir, uid, gid))
}

/// Changes the owner of an open file. Mirrors [`std::os::unix::fs::fchown`].
pub fn fchown<F: AsFd>(fd: F, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let fd = fd.as_fd();
    offload(|| fs::fchown(fd, uid, gid))
}

/// Changes the owner of a file, or of the link itself. Mirrors [`std::os::unix::fs::lchown`].
pub fn lchown<P: AsRef<Path>>(dir: P, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let dir = dir.as_ref();
    offload(|| fs::lchown(dir, uid, gid))
}

/// Changes the root directory of the whole process. Mirrors [`std::os::unix::fs::chroot`].
pub fn chroot<P: AsRef<Path>>(dir: P) -> io::Result<()> {
    let dir = dir.as_ref();
    offload(|| fs::chroot(dir))
}

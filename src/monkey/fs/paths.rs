//! What is done by path.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::threadpool::offload;

/// Reads a whole file. Mirrors [`std::fs::read`].
pub fn read<P: AsRef<Path>>(path: P) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    offload(|| fs::read(path))
}

/// Reads a whole file of text. Mirrors [`std::fs::read_to_string`].
pub fn read_to_string<P: AsRef<Path>>(path: P) -> io::Result<String> {
    let path = path.as_ref();
    offload(|| fs::read_to_string(path))
}

/// Writes a whole file, in the place of what was there. Mirrors [`std::fs::write`].
pub fn write<P: AsRef<Path>, C: AsRef<[u8]>>(path: P, contents: C) -> io::Result<()> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    offload(|| fs::write(path, contents))
}

/// Copies a file, in one go: other threads see to it until all of it is copied. Mirrors
/// [`std::fs::copy`].
pub fn copy<P: AsRef<Path>, Q: AsRef<Path>>(from: P, to: Q) -> io::Result<u64> {
    let (from, to) = (from.as_ref(), to.as_ref());
    offload(|| fs::copy(from, to))
}

/// Gives a file or directory another name. Mirrors [`std::fs::rename`].
pub fn rename<P: AsRef<Path>, Q: AsRef<Path>>(from: P, to: Q) -> io::Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    offload(|| fs::rename(from, to))
}

/// Removes a file. Mirrors [`std::fs::remove_file`].
pub fn remove_file<P: AsRef<Path>>(path: P) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::remove_file(path))
}

/// Gives a file one more name. Mirrors [`std::fs::hard_link`].
pub fn hard_link<P: AsRef<Path>, Q: AsRef<Path>>(original: P, link: Q) -> io::Result<()> {
    let (original, link) = (original.as_ref(), link.as_ref());
    offload(|| fs::hard_link(original, link))
}

/// Makes a symbolic link. Mirrors [`std::fs::soft_link`].
#[deprecated(
    since = "0.1.0",
    note = "replaced with `os::unix::fs::symlink`, as in std since its version 1.1.0"
)]
pub fn soft_link<P: AsRef<Path>, Q: AsRef<Path>>(original: P, link: Q) -> io::Result<()> {
    let (original, link) = (original.as_ref(), link.as_ref());
    #[allow(deprecated)]
    offload(|| fs::soft_link(original, link))
}

/// What a symbolic link points to. Mirrors [`std::fs::read_link`].
pub fn read_link<P: AsRef<Path>>(path: P) -> io::Result<PathBuf> {
    let path = path.as_ref();
    offload(|| fs::read_link(path))
}

/// The absolute path, without links and dots. Mirrors [`std::fs::canonicalize`].
pub fn canonicalize<P: AsRef<Path>>(path: P) -> io::Result<PathBuf> {
    let path = path.as_ref();
    offload(|| fs::canonicalize(path))
}

/// What is known of a file, or of what a link points to. Mirrors [`std::fs::metadata`].
pub fn metadata<P: AsRef<Path>>(path: P) -> io::Result<Metadata> {
    let path = path.as_ref();
    offload(|| fs::metadata(path))
}

/// What is known of a file, or of the link itself. Mirrors [`std::fs::symlink_metadata`].
pub fn symlink_metadata<P: AsRef<Path>>(path: P) -> io::Result<Metadata> {
    let path = path.as_ref();
    offload(|| fs::symlink_metadata(path))
}

/// Whether there is something, at the end of all links. Mirrors [`std::fs::exists`].
pub fn exists<P: AsRef<Path>>(path: P) -> io::Result<bool> {
    let path = path.as_ref();
    offload(|| fs::exists(path))
}

/// Changes who may do what. Mirrors [`std::fs::set_permissions`].
pub fn set_permissions<P: AsRef<Path>>(path: P, perm: Permissions) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::set_permissions(path, perm))
}

/// Makes a directory. Mirrors [`std::fs::create_dir`].
pub fn create_dir<P: AsRef<Path>>(path: P) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::create_dir(path))
}

/// Makes a directory, and those that it is in. Mirrors [`std::fs::create_dir_all`].
pub fn create_dir_all<P: AsRef<Path>>(path: P) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::create_dir_all(path))
}

/// Removes an empty directory. Mirrors [`std::fs::remove_dir`].
pub fn remove_dir<P: AsRef<Path>>(path: P) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::remove_dir(path))
}

/// Removes a directory with all that is in it, in one go. Mirrors [`std::fs::remove_dir_all`].
pub fn remove_dir_all<P: AsRef<Path>>(path: P) -> io::Result<()> {
    let path = path.as_ref();
    offload(|| fs::remove_dir_all(path))
}

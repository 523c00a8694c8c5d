//! Links, and paths that go through them.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::world::fs::{self, OpenOptions};
use super::world::os::unix::fs::symlink;
use crate::support::{Folder, kind, number};

#[test]
fn a_hard_link_is_another_name_of_the_same_file() {
    let folder = Folder::new();
    let (first, second) = (folder.file("first", b"old"), folder.at("second"));
    fs::hard_link(&first, &second).unwrap();
    fs::write(&second, b"new").unwrap();
    assert_eq!(fs::read(&first).unwrap(), b"new");
    let (one, two) = (fs::metadata(&first).unwrap(), fs::metadata(&second).unwrap());
    assert_eq!((one.ino(), one.nlink()), (two.ino(), 2));
    fs::remove_file(&first).unwrap();
    assert_eq!(fs::read(&second).unwrap(), b"new");
    assert_eq!(fs::metadata(&second).unwrap().nlink(), 1);
}

#[test]
fn a_hard_link_takes_no_place_and_no_directory() {
    let folder = Folder::new();
    let (file, other) = (folder.file("file", b"a"), folder.file("other", b"b"));
    assert_eq!(kind(fs::hard_link(&file, &other)), ErrorKind::AlreadyExists);
    assert_eq!(kind(fs::hard_link(&file, &file)), ErrorKind::AlreadyExists);
    let directory = folder.folder("directory");
    let refused = fs::hard_link(&directory, folder.at("second"));
    assert_eq!(kind(refused), ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&other).unwrap(), b"b");
}

#[test]
fn renaming_one_name_of_a_file_to_another_leaves_both() {
    let folder = Folder::new();
    let (first, second) = (folder.file("first", b""), folder.at("second"));
    fs::hard_link(&first, &second).unwrap();
    fs::rename(&first, &second).unwrap();
    assert!(fs::exists(&first).unwrap() && fs::exists(&second).unwrap());
}

#[test]
fn a_symbolic_link_holds_the_path_as_it_was_written() {
    let folder = Folder::new();
    let link = folder.at("link");
    symlink("../no such/./place", &link).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("../no such/./place"));
    assert_eq!(kind(symlink("other", &link)), ErrorKind::AlreadyExists);
    assert_eq!(kind(symlink("", folder.at("empty"))), ErrorKind::NotFound);
    assert_eq!(kind(fs::read_link(folder.file("file", b""))), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::read_link(folder.path())), ErrorKind::InvalidInput);
    let long = "x".repeat(3000);
    symlink(&long, folder.at("long")).unwrap();
    assert_eq!(fs::read_link(folder.at("long")).unwrap(), Path::new(&long));
}

#[test]
#[allow(deprecated)]
fn a_soft_link_is_a_symbolic_link() {
    let folder = Folder::new();
    fs::soft_link("target", folder.at("link")).unwrap();
    assert_eq!(fs::read_link(folder.at("link")).unwrap(), Path::new("target"));
}

#[test]
fn metadata_follows_links_and_symlink_metadata_does_not() {
    let folder = Folder::new();
    let (file, link) = (folder.file("file", b"abc"), folder.at("link"));
    symlink(&file, &link).unwrap();
    let (through, itself) = (fs::metadata(&link).unwrap(), fs::symlink_metadata(&link).unwrap());
    assert_eq!((through.is_file(), through.is_symlink(), through.len()), (true, false, 3));
    assert_eq!((itself.is_file(), itself.is_symlink()), (false, true));
    assert_eq!(itself.len(), file.as_os_str().len() as u64);
}

#[test]
fn a_link_to_nothing_is_there_and_its_target_is_not() {
    let folder = Folder::new();
    let link = folder.at("link");
    symlink("nothing", &link).unwrap();
    assert!(!fs::exists(&link).unwrap());
    assert_eq!(kind(fs::metadata(&link)), ErrorKind::NotFound);
    assert_eq!(kind(fs::canonicalize(&link)), ErrorKind::NotFound);
    assert_eq!(kind(fs::read(&link)), ErrorKind::NotFound);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::remove_file(&link).unwrap();
    assert_eq!(kind(fs::symlink_metadata(&link)), ErrorKind::NotFound);
}

#[test]
fn links_in_a_circle_lead_nowhere() {
    let folder = Folder::new();
    let (first, second) = (folder.at("first"), folder.at("second"));
    symlink(&second, &first).unwrap();
    symlink(&first, &second).unwrap();
    assert_eq!(number(fs::metadata(&first)), libc::ELOOP);
    assert_eq!(number(fs::exists(&first)), libc::ELOOP);
    assert_eq!(number(fs::canonicalize(&first)), libc::ELOOP);
    assert_eq!(number(fs::read(&first)), libc::ELOOP);
    assert_eq!(number(fs::write(&first, b"")), libc::ELOOP);
    assert_eq!(number(fs::read_dir(&first)), libc::ELOOP);
    assert_eq!(fs::read_link(&first).unwrap(), second);
    fs::remove_file(&first).unwrap();
}

#[test]
fn links_are_not_followed_where_that_was_asked_for() {
    let folder = Folder::new();
    let link = folder.at("link");
    symlink(folder.file("file", b""), &link).unwrap();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW);
    assert_eq!(number(options.open(&link)), libc::ELOOP);
}

#[test]
fn canonicalize_takes_out_links_and_dots() {
    let folder = Folder::new();
    let root = fs::canonicalize(folder.path()).unwrap();
    let directory = folder.folder("directory");
    fs::write(directory.join("file"), b"").unwrap();
    symlink("directory", folder.at("link")).unwrap();
    let winding = folder.at("link/../link/./file");
    assert_eq!(fs::canonicalize(&winding).unwrap(), root.join("directory/file"));
    assert!(fs::canonicalize(".").unwrap().is_absolute());
    assert_eq!(kind(fs::canonicalize("")), ErrorKind::NotFound);
    assert_eq!(kind(fs::canonicalize(folder.at("link/file/.."))), ErrorKind::NotADirectory);
}

#[test]
fn a_hard_link_to_a_symbolic_link_is_that_link() {
    let folder = Folder::new();
    let (link, second) = (folder.at("link"), folder.at("second"));
    symlink("nothing", &link).unwrap();
    fs::hard_link(&link, &second).unwrap();
    assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
    assert_eq!(fs::read_link(&second).unwrap(), Path::new("nothing"));
}

#[test]
fn a_path_with_links_on_its_way_is_made_plain() {
    let folder = Folder::new();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir_all(folder.at("a/b/c/d/e")).unwrap();
    fs::write(folder.at("a/b/c/d/e/f"), b"x").unwrap();
    symlink("../../../b/c", folder.at("a/b/c/d/up")).unwrap();
    symlink("../d", folder.at("a/b/c/d/self")).unwrap();
    let winding = folder.at("a/b/c/d/up/d/self/e/f");
    assert_eq!(fs::canonicalize(&winding).unwrap(), root.join("a/b/c/d/e/f"));
    assert_eq!(fs::read(&winding).unwrap(), b"x");
}

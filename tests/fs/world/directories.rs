//! Listings of directories.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;

use super::world::fs;
use super::world::os::unix::fs::symlink;
use super::world::thread;
use crate::support::{Folder, bounded, kind};

fn names(path: &Path) -> BTreeSet<OsString> {
    let listed: Vec<_> = fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name()).collect();
    let names: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(names.len(), listed.len(), "each is listed once");
    names
}

#[test]
fn a_file_cannot_be_listed() {
    let folder = Folder::new();
    assert_eq!(kind(fs::read_dir(folder.file("file", b""))), ErrorKind::NotADirectory);
}

#[test]
fn an_empty_listing_is_at_its_end_and_stays_there() {
    let folder = Folder::new();
    let mut listing = fs::read_dir(folder.path()).unwrap();
    assert!(listing.next().is_none());
    folder.file("later", b"");
    assert!(listing.next().is_none());
}

#[test]
fn a_listing_names_everything_once_and_neither_itself_nor_its_parent() {
    let folder = Folder::new();
    folder.file("file", b"");
    folder.folder("directory");
    symlink("nothing", folder.at("link")).unwrap();
    folder.file(".hidden", b"");
    let expected = ["file", "directory", "link", ".hidden"].map(OsString::from);
    assert_eq!(names(folder.path()), expected.into());
}

#[test]
fn listings_of_any_length_are_whole() {
    let folder = Folder::new();
    let mut made = 0;
    for length in [1, 255, 256, 257, 512, 513, 1500] {
        while made < length {
            folder.file(&format!("an entry, number {made}"), b"");
            made += 1;
        }
        assert_eq!(names(folder.path()).len(), length);
    }
}

#[test]
fn an_entry_tells_its_path_kind_and_number() {
    let folder = Folder::new();
    folder.file("file", b"abc");
    folder.folder("directory");
    symlink("file", folder.at("link")).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let itself = fs::symlink_metadata(entry.path()).unwrap();
        assert_eq!(entry.path(), folder.path().join(entry.file_name()));
        assert_eq!(entry.file_type().unwrap(), itself.file_type());
        assert_eq!(entry.metadata().unwrap().file_type(), itself.file_type());
        assert_eq!(entry.metadata().unwrap().len(), itself.len());
        assert_eq!(entry.ino(), itself.ino());
        assert_eq!(entry.file_type().unwrap().is_symlink(), entry.file_name() == "link");
    }
}

#[test]
fn the_paths_of_a_listing_begin_as_its_own_did() {
    let entry = fs::read_dir("src").unwrap().next().unwrap().unwrap();
    assert_eq!(entry.path(), Path::new("src").join(entry.file_name()));
    let entry = fs::read_dir("./src/../src").unwrap().next().unwrap().unwrap();
    assert!(entry.path().starts_with("./src/../src"));
}

#[test]
fn names_need_not_be_text() {
    let folder = Folder::new();
    let name = OsStr::from_bytes(b"a\xff\nb");
    fs::write(folder.path().join(name), b"x").unwrap();
    let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    assert_eq!(entry.file_name(), name);
    assert_eq!(fs::read(entry.path()).unwrap(), b"x");
}

#[test]
fn what_is_made_before_the_first_entry_is_read_is_listed() {
    let folder = Folder::new();
    let listing = fs::read_dir(folder.path()).unwrap();
    folder.file("new", b"");
    assert_eq!(listing.count(), 1);
}

#[test]
fn entries_outlive_their_listing_and_their_file() {
    let folder = Folder::new();
    let path = folder.file("file", b"");
    let mut listing = fs::read_dir(folder.path()).unwrap();
    let entry = listing.next().unwrap().unwrap();
    drop(listing);
    assert!(entry.metadata().unwrap().is_file());
    fs::remove_file(&path).unwrap();
    assert_eq!(kind(entry.metadata()), ErrorKind::NotFound);
    assert!(entry.file_type().unwrap().is_file());
    assert_eq!(entry.path(), path);
}

#[test]
fn an_entry_that_was_replaced_tells_what_it_was_and_what_it_is() {
    let folder = Folder::new();
    let path = folder.file("name", b"");
    let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(entry.file_type().unwrap().is_file());
    assert!(entry.metadata().unwrap().is_dir());
}

#[test]
fn a_directory_can_be_emptied_while_it_is_listed() {
    let folder = Folder::new();
    for number in 0..700 {
        folder.file(&number.to_string(), b"");
    }
    let mut removed = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
        removed += 1;
    }
    assert_eq!((removed, names(folder.path()).len()), (700, 0));
}

#[test]
fn a_directory_that_is_removed_while_it_is_listed_has_no_more_entries() {
    let folder = Folder::new();
    let directory = folder.folder("directory");
    let mut listing = fs::read_dir(&directory).unwrap();
    fs::remove_dir(&directory).unwrap();
    assert!(listing.next().is_none());
}

#[test]
fn a_listing_can_be_read_by_another_thread() {
    bounded(|| {
        let folder = Folder::new();
        for number in 0..300 {
            folder.file(&number.to_string(), b"");
        }
        let mut listing = fs::read_dir(folder.path()).unwrap();
        let first = listing.next().unwrap().unwrap();
        let rest = thread::spawn(move || listing.map(Result::unwrap).count());
        assert_eq!(rest.join().unwrap(), 299);
        assert!(first.metadata().unwrap().is_file());
    });
}

#[test]
fn two_listings_of_one_directory_are_apart() {
    let folder = Folder::new();
    folder.file("a", b"");
    folder.file("b", b"");
    let (mut one, two) =
        (fs::read_dir(folder.path()).unwrap(), fs::read_dir(folder.path()).unwrap());
    one.next().unwrap().unwrap();
    assert_eq!(two.count(), 2);
    assert_eq!(one.count(), 1);
}

#[test]
fn a_tree_is_walked() {
    fn walk(path: &Path, found: &mut Vec<u64>) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.metadata().unwrap().len());
            }
        }
    }
    let folder = Folder::new();
    for number in 0..5 {
        let directory = folder.at(&format!("{number}/below"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("file"), vec![0; number]).unwrap();
    }
    symlink(folder.path(), folder.at("0/up")).unwrap();
    let mut found = Vec::new();
    walk(folder.path(), &mut found);
    found.sort();
    let up = folder.path().as_os_str().len() as u64;
    assert_eq!(found, [0, 1, 2, 3, 4, up]);
}

#[test]
fn a_listing_that_fails_ends() {
    // Of a process that has ended and was not waited for, the kernel refuses to list this.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let path = format!("/proc/{}/net", child.id());
    let status = format!("/proc/{}/stat", child.id());
    bounded(move || {
        while !std::fs::read_to_string(&status).unwrap().contains(") Z ") {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        if let Ok(listing) = fs::read_dir(&path) {
            let failures: Vec<_> = listing.filter_map(Result::err).take(2).collect();
            assert!(failures.len() < 2, "{failures:?}");
        }
    });
    child.wait().unwrap();
}

#[test]
fn an_open_directory_cannot_be_read_or_written_but_synced() {
    let folder = Folder::new();
    let directory = fs::File::open(folder.path()).unwrap();
    assert!(directory.metadata().unwrap().is_dir());
    assert_eq!(kind((&directory).read_to_end(&mut Vec::new())), ErrorKind::IsADirectory);
    assert_eq!(kind(directory.set_len(0)), ErrorKind::InvalidInput);
    directory.sync_all().unwrap();
    directory.try_lock().unwrap();
}

//! Copying, renaming and removing.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::world::fs::{self, File, Permissions};
use super::world::os::unix::fs::symlink;
use crate::support::{Folder, kind};

#[test]
fn what_is_not_there_is_not_found() {
    let folder = Folder::new();
    let (nothing, target) = (folder.at("nothing"), folder.at("target"));
    assert_eq!(kind(fs::metadata(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::symlink_metadata(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::canonicalize(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::read_link(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::read_dir(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::copy(&nothing, &target)), ErrorKind::NotFound);
    assert_eq!(kind(fs::rename(&nothing, &target)), ErrorKind::NotFound);
    assert_eq!(kind(fs::hard_link(&nothing, &target)), ErrorKind::NotFound);
    assert_eq!(kind(fs::remove_file(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::remove_dir(&nothing)), ErrorKind::NotFound);
    assert_eq!(kind(fs::remove_dir_all(&nothing)), ErrorKind::NotFound);
    let mode = Permissions::from_mode(0o600);
    assert_eq!(kind(fs::set_permissions(&nothing, mode)), ErrorKind::NotFound);
    assert_eq!(kind(fs::write(nothing.join("below"), b"")), ErrorKind::NotFound);
    assert!(!fs::exists(&target).unwrap());
}

#[test]
fn a_path_with_a_nul_is_invalid_input() {
    let bad = "a\0b";
    let folder = Folder::new();
    let good = folder.file("good", b"kept");
    assert_eq!(kind(fs::read(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::read_to_string(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::write(bad, b"")), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::metadata(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::symlink_metadata(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::exists(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::read_dir(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::read_link(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::canonicalize(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::create_dir(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::create_dir_all(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::remove_file(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::remove_dir(bad)), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::remove_dir_all(bad)), ErrorKind::InvalidInput);
    let mode = Permissions::from_mode(0o600);
    assert_eq!(kind(fs::set_permissions(bad, mode)), ErrorKind::InvalidInput);
    for (from, to) in [(bad.as_ref(), good.as_path()), (good.as_path(), bad.as_ref())] {
        assert_eq!(kind(fs::copy(from, to)), ErrorKind::InvalidInput);
        assert_eq!(kind(fs::rename(from, to)), ErrorKind::InvalidInput);
        assert_eq!(kind(fs::hard_link(from, to)), ErrorKind::InvalidInput);
        assert_eq!(kind(symlink(from, to)), ErrorKind::InvalidInput);
    }
    assert_eq!(fs::read(&good).unwrap(), b"kept");
}

#[test]
fn an_empty_path_is_not_found_and_a_long_name_is_none() {
    assert_eq!(kind(fs::metadata("")), ErrorKind::NotFound);
    assert_eq!(kind(fs::create_dir("")), ErrorKind::NotFound);
    fs::create_dir_all("").unwrap();
    let folder = Folder::new();
    let long = folder.at(&"x".repeat(300));
    assert_eq!(kind(fs::write(&long, b"")), ErrorKind::InvalidFilename);
    assert_eq!(kind(fs::create_dir(&long)), ErrorKind::InvalidFilename);
}

#[test]
fn a_way_through_a_file_is_no_directory() {
    let folder = Folder::new();
    let below = folder.file("file", b"").join("below");
    assert_eq!(kind(fs::metadata(&below)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::exists(&below)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::create_dir(&below)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::create_dir_all(&below)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::remove_file(&below)), ErrorKind::NotADirectory);
}

#[test]
fn a_copy_has_the_content_and_the_permissions() {
    let folder = Folder::new();
    let (from, to) = (folder.file("from", b"content"), folder.file("to", b"longer than that"));
    fs::set_permissions(&from, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(fs::copy(&from, &to).unwrap(), 7);
    assert_eq!(fs::read(&to).unwrap(), b"content");
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o640);
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    fs::write(&from, &large).unwrap();
    assert_eq!(fs::copy(&from, &to).unwrap(), 3_000_000);
    assert!(fs::read(&to).unwrap() == large);
    assert_eq!(fs::copy(folder.file("empty", b""), &to).unwrap(), 0);
    assert_eq!(fs::read(&to).unwrap(), b"");
}

#[test]
fn a_copy_to_itself_empties_the_file() {
    let folder = Folder::new();
    let path = folder.file("same", b"content");
    assert_eq!(fs::copy(&path, &path).unwrap(), 0);
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_directory_is_not_copied_nor_copied_onto() {
    let folder = Folder::new();
    let (directory, file) = (folder.folder("directory"), folder.file("file", b"kept"));
    assert_eq!(kind(fs::copy(&directory, folder.at("new"))), ErrorKind::InvalidInput);
    assert_eq!(kind(fs::copy(&file, &directory)), ErrorKind::IsADirectory);
    assert!(!fs::exists(folder.at("new")).unwrap());
}

#[test]
fn a_copy_follows_a_link_at_both_ends() {
    let folder = Folder::new();
    let (from, to) = (folder.file("from", b"new"), folder.file("to", b"old"));
    symlink(&from, folder.at("from link")).unwrap();
    symlink(&to, folder.at("to link")).unwrap();
    fs::copy(folder.at("from link"), folder.at("to link")).unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"new");
    assert!(fs::symlink_metadata(folder.at("to link")).unwrap().is_symlink());
}

#[test]
fn a_rename_takes_the_place_of_a_file() {
    let folder = Folder::new();
    let (from, to) = (folder.file("from", b"new"), folder.file("to", b"old"));
    fs::rename(&from, &to).unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"new");
    assert!(!fs::exists(&from).unwrap());
    fs::rename(&to, &to).unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"new");
}

#[test]
fn a_rename_between_kinds_is_refused() {
    let folder = Folder::new();
    let (file, directory, full) =
        (folder.file("file", b""), folder.folder("directory"), folder.folder("full"));
    fs::write(full.join("inside"), b"").unwrap();
    assert_eq!(kind(fs::rename(&file, &directory)), ErrorKind::IsADirectory);
    assert_eq!(kind(fs::rename(&directory, &file)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::rename(&directory, &full)), ErrorKind::DirectoryNotEmpty);
    assert_eq!(kind(fs::rename(&full, full.join("into itself"))), ErrorKind::InvalidInput);
    fs::rename(&full, &directory).unwrap();
    assert!(fs::exists(directory.join("inside")).unwrap());
}

#[test]
fn each_kind_is_removed_in_its_own_way() {
    let folder = Folder::new();
    let (file, directory) = (folder.file("file", b""), folder.folder("directory"));
    assert_eq!(kind(fs::remove_file(&directory)), ErrorKind::IsADirectory);
    assert_eq!(kind(fs::remove_dir(&file)), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::remove_dir_all(&file)), ErrorKind::NotADirectory);
    fs::write(directory.join("inside"), b"").unwrap();
    assert_eq!(kind(fs::remove_dir(&directory)), ErrorKind::DirectoryNotEmpty);
    fs::remove_file(directory.join("inside")).unwrap();
    fs::remove_dir(&directory).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(kind(fs::remove_file(&file)), ErrorKind::NotFound);
}

#[test]
fn remove_dir_all_takes_the_whole_tree_and_nothing_behind_links() {
    let folder = Folder::new();
    let (tree, kept) = (folder.at("tree"), folder.folder("kept"));
    fs::write(kept.join("file"), b"kept").unwrap();
    for branch in 0..10 {
        let deep = tree.join(format!("{branch}/a/b/c"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("leaf"), b"").unwrap();
        symlink(&kept, deep.join("link")).unwrap();
    }
    fs::remove_dir_all(&tree).unwrap();
    assert!(!fs::exists(&tree).unwrap());
    assert_eq!(fs::read(kept.join("file")).unwrap(), b"kept");
}

#[test]
fn remove_dir_all_of_a_link_takes_the_link_alone() {
    let folder = Folder::new();
    let (kept, link) = (folder.folder("kept"), folder.at("link"));
    fs::write(kept.join("file"), b"kept").unwrap();
    symlink(&kept, &link).unwrap();
    fs::remove_dir_all(&link).unwrap();
    assert_eq!(kind(fs::symlink_metadata(&link)), ErrorKind::NotFound);
    assert_eq!(fs::read(kept.join("file")).unwrap(), b"kept");
}

#[test]
fn a_file_without_a_name_is_still_open() {
    let folder = Folder::new();
    let path = folder.file("file", b"content");
    let mut file = File::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "content");
    assert_eq!(kind(File::open(&path)), ErrorKind::NotFound);
}

//! Making directories, and what may be done with what there is.

use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;

use super::world::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use super::world::os::unix::fs::{chown, chroot, fchown, lchown, symlink};
use super::world::thread;
use crate::support::{Folder, bounded, kind, permissions_bind};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_directory_is_made_once_and_only_in_one_that_is_there() {
    let folder = Folder::new();
    let path = folder.at("new");
    fs::create_dir(&path).unwrap();
    assert!(fs::metadata(&path).unwrap().is_dir());
    assert_eq!(kind(fs::create_dir(&path)), ErrorKind::AlreadyExists);
    assert_eq!(kind(fs::create_dir(folder.at("no/new"))), ErrorKind::NotFound);
    assert_eq!(kind(fs::create_dir(folder.file("file", b""))), ErrorKind::AlreadyExists);
}

#[test]
fn create_dir_all_makes_what_is_missing_and_bears_what_is_there() {
    let folder = Folder::new();
    let deep = folder.at("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir_all(deep.join("./d/")).unwrap();
    assert!(fs::metadata(deep.join("d")).unwrap().is_dir());
    assert_eq!(kind(fs::create_dir_all(folder.file("file", b""))), ErrorKind::AlreadyExists);
    symlink(&deep, folder.at("link")).unwrap();
    fs::create_dir_all(folder.at("link")).unwrap();
}

#[test]
fn many_make_the_same_directories_at_once() {
    bounded(|| {
        let folder = Folder::new();
        for round in 0..20 {
            let path = folder.at(&format!("{round}/a/b/c/d"));
            let makers: Vec<_> = (0..8)
                .map(|_| {
                    let path = path.clone();
                    thread::spawn(move || fs::create_dir_all(path))
                })
                .collect();
            for maker in makers {
                maker.join().unwrap().unwrap();
            }
        }
    });
}

#[test]
fn a_builder_makes_directories_with_the_mode_that_it_was_told() {
    let folder = Folder::new();
    let (path, deep) = (folder.at("new"), folder.at("a/b"));
    let mut builder = DirBuilder::new();
    builder.mode(0o700).create(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(kind(builder.create(&path)), ErrorKind::AlreadyExists);
    assert_eq!(kind(builder.create(&deep)), ErrorKind::NotFound);
    builder.recursive(true).mode(0o710).create(&deep).unwrap();
    assert_eq!((mode(&folder.at("a")), mode(&deep)), (0o710, 0o710));
    builder.create(&deep).unwrap();
    assert_eq!(kind(builder.create("a\0b")), ErrorKind::InvalidInput);
}

#[test]
fn permissions_are_set_and_read() {
    let folder = Folder::new();
    let (file, directory) = (folder.file("file", b""), folder.folder("directory"));
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(mode(&file), 0o640);
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions.clone()).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions(), permissions);
    assert_eq!(mode(&file), 0o440);
    fs::set_permissions(&directory, Permissions::from_mode(0o711)).unwrap();
    assert_eq!(mode(&directory), 0o711);
}

#[test]
fn what_is_forbidden_is_denied() {
    if !permissions_bind("what_is_forbidden_is_denied") {
        return;
    }
    let folder = Folder::new();
    let (secret, closed) = (folder.file("secret", b""), folder.folder("closed"));
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    assert_eq!(kind(File::open(&secret)), ErrorKind::PermissionDenied);
    assert_eq!(kind(fs::write(&secret, b"x")), ErrorKind::PermissionDenied);
    assert_eq!(kind(fs::read_dir(&closed)), ErrorKind::PermissionDenied);
    assert_eq!(kind(fs::create_dir(closed.join("below"))), ErrorKind::PermissionDenied);
    assert_eq!(kind(fs::metadata(closed.join("below"))), ErrorKind::PermissionDenied);
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_owner_stays_the_owner() {
    let folder = Folder::new();
    let (path, link) = (folder.file("file", b""), folder.at("link"));
    symlink(folder.at("nothing"), &link).unwrap();
    let before = fs::metadata(&path).unwrap();
    let (uid, gid) = (Some(before.uid()), Some(before.gid()));
    chown(&path, uid, gid).unwrap();
    chown(&path, None, None).unwrap();
    lchown(&link, uid, gid).unwrap();
    let file = File::open(&path).unwrap();
    fchown(&file, uid, None).unwrap();
    fchown(file, None, gid).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!((Some(after.uid()), Some(after.gid())), (uid, gid));
    assert_eq!(kind(chown(&link, uid, gid)), ErrorKind::NotFound);
    assert_eq!(kind(chown("a\0b", uid, gid)), ErrorKind::InvalidInput);
    assert_eq!(kind(chroot("a\0b")), ErrorKind::InvalidInput);
    assert_eq!(kind(chroot(folder.at("nothing"))), ErrorKind::NotFound);
}

#[test]
fn odd_files_are_told_apart() {
    let folder = Folder::new();
    let socket = folder.at("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let kind_of = |path: &std::path::Path| fs::metadata(path).unwrap().file_type();
    assert!(kind_of(&socket).is_socket());
    assert!(kind_of("/dev/null".as_ref()).is_char_device());
    assert!(!kind_of(folder.path()).is_fifo());
    assert!(!kind_of(folder.path()).is_block_device());
    assert_eq!(File::open(&socket).unwrap_err().raw_os_error(), Some(libc::ENXIO));
}

#[test]
fn a_full_device_says_so() {
    assert_eq!(kind(fs::write("/dev/full", b"x")), ErrorKind::StorageFull);
    fs::write("/dev/null", b"x").unwrap();
    assert_eq!(fs::read("/dev/null").unwrap(), b"");
}

#[test]
fn files_that_tell_no_length_are_read_to_their_end() {
    assert_eq!(fs::metadata("/proc/self/status").unwrap().len(), 0);
    assert!(fs::read_to_string("/proc/self/status").unwrap().starts_with("Name:"));
    assert!(fs::read("/proc/self/status").unwrap().len() > 100);
}

#[test]
fn what_cannot_be_opened_so_is_refused() {
    let folder = Folder::new();
    let (directory, broken) = (folder.folder("directory"), folder.at("broken"));
    symlink(folder.at("nothing"), &broken).unwrap();
    assert_eq!(kind(File::create(&directory)), ErrorKind::IsADirectory);
    assert_eq!(kind(File::create_new(&directory)), ErrorKind::AlreadyExists);
    assert_eq!(kind(File::create_new(&broken)), ErrorKind::AlreadyExists);
    assert_eq!(kind(fs::read(&directory)), ErrorKind::IsADirectory);
    assert_eq!(kind(fs::read_to_string(&directory)), ErrorKind::IsADirectory);
    let write = OpenOptions::new().write(true).open(&directory);
    assert_eq!(kind(write), ErrorKind::IsADirectory);
    // Through the link the file is made where that points to.
    File::create(&broken).unwrap();
    assert!(fs::exists(folder.at("nothing")).unwrap());
}

/// What opening with these flags does where there is nothing, and where there is a file.
fn opened(options: &OpenOptions) -> [Option<ErrorKind>; 2] {
    let folder = Folder::new();
    [folder.at("new"), folder.file("old", b"x")]
        .map(|path| options.open(path).err().map(|error| error.kind()))
}

#[test]
fn every_combination_of_options_does_the_same() {
    for bits in 0..64u32 {
        let is_set = |bit: u32| bits & (1 << bit) != 0;
        let mut options = OpenOptions::new();
        options.read(is_set(0)).write(is_set(1)).append(is_set(2));
        options.truncate(is_set(3)).create(is_set(4)).create_new(is_set(5));
        let mut stds = std::fs::OpenOptions::new();
        stds.read(is_set(0)).write(is_set(1)).append(is_set(2));
        stds.truncate(is_set(3)).create(is_set(4)).create_new(is_set(5));
        let folder = Folder::new();
        let expected = [folder.at("new"), folder.file("old", b"x")]
            .map(|path| stds.open(path).err().map(|error| error.kind()));
        assert_eq!(opened(&options), expected, "{options:?}");
    }
}

#[test]
fn a_file_that_may_only_be_read_can_be_removed() {
    let folder = Folder::new();
    let path = folder.file("file", b"");
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(!fs::exists(&path).unwrap());
}

#[test]
fn a_fifo_has_two_ends() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.at("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        let their_path = path.clone();
        let reader = thread::spawn(move || fs::read_to_string(their_path));
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        writer.write_all(b"through").unwrap();
        assert_eq!(writer.seek(SeekFrom::Start(0)).unwrap_err().kind(), ErrorKind::NotSeekable);
        drop(writer);
        assert_eq!(reader.join().unwrap().unwrap(), "through");
    });
}

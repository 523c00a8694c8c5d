//! What types look like, and what the compiler may take for granted of them.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::world::fs::{
    self, DirBuilder, DirEntry, File, FileTimes, FileType, Metadata, OpenOptions, Permissions,
    ReadDir,
};
use crate::support::Folder;

fn goes_anywhere<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}

#[test]
fn every_type_may_go_to_another_thread_and_through_a_panic() {
    goes_anywhere::<File>();
    goes_anywhere::<OpenOptions>();
    goes_anywhere::<DirBuilder>();
    goes_anywhere::<ReadDir>();
    goes_anywhere::<DirEntry>();
    goes_anywhere::<Metadata>();
    goes_anywhere::<Permissions>();
    goes_anywhere::<FileType>();
    goes_anywhere::<FileTimes>();
}

#[test]
fn their_debug_texts_are_stds() {
    let folder = Folder::new();
    let path = folder.file("file", b"");
    let listing = fs::read_dir(folder.path()).unwrap();
    assert_eq!(format!("{listing:?}"), format!("ReadDir({:?})", folder.path()));
    let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    assert_eq!(format!("{entry:?}"), format!("DirEntry({path:?})"));
    let options = |options: &mut OpenOptions| format!("{:?}", options.write(true).mode(0o600));
    let stds = format!("{:?}", std::fs::OpenOptions::new().write(true).mode(0o600));
    assert_eq!(options(&mut OpenOptions::new()), stds);
    assert_eq!(options(&mut File::options()), stds);
    let builder = format!("{:?}", DirBuilder::new().mode(0o700));
    assert_eq!(builder, format!("{:?}", std::fs::DirBuilder::new().mode(0o700)));
    let file = format!("{:?}", File::open(&path).unwrap());
    assert!(file.starts_with("File { fd: ") && file.contains("read: true"), "{file}");
}

#[test]
fn owned_and_borrowed_paths_are_taken() {
    let folder = Folder::new();
    let path = folder.file("file", b"text");
    let text = path.to_str().unwrap().to_owned();
    assert_eq!(fs::read(&text).unwrap(), b"text");
    assert_eq!(fs::read_to_string(text.as_str()).unwrap(), "text");
    assert!(fs::exists(path.as_os_str()).unwrap());
    fs::copy(text, path.with_extension("copy")).unwrap();
    fs::write(path.clone(), String::from("new")).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"new");
}

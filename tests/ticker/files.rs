//! Calls of `fs`, on a disc that does not answer.
//!
//! The disc is made slow by work that holds all threads that serve files: a call that goes to them
//! waits, and one that does not would be done at once.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::SystemTime;

use greenhub::monkey::fs::{self, DirBuilder, File, OpenOptions};
use greenhub::monkey::os::unix::fs::{chown, chroot, fchown, lchown, symlink};
use greenhub::{offload, spawn, yield_now};

use crate::support::{Folder, Waiting, bounded, ticks_beside, until_ticked_beside};

/// All threads for files, held until it is dropped; other tests wait as well, but not for ever.
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn close() -> Gate {
        let gate = Gate(Arc::default());
        for _ in 0..16 {
            let is_open = Arc::clone(&gate.0);
            spawn(move || {
                offload(|| {
                    let (lock, changed) = &*is_open;
                    drop(changed.wait_while(lock.lock().unwrap(), |open| !*open).unwrap());
                });
            });
        }
        yield_now();
        gate
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// A call, and what `tests/monkey_names/kinds.txt` calls it; `read` and the like are traits' there.
type Named<F> = (&'static str, F);

/// What is done by path; each with what it works on in a folder of its own.
const BY_PATH: &[Named<fn(&Folder)>] = &[
    ("read", |it| assert_eq!(fs::read(it.at("file")).unwrap(), b"content")),
    ("read_to_string", |it| assert_eq!(fs::read_to_string(it.at("file")).unwrap(), "content")),
    ("write", |it| fs::write(it.at("new"), b"").unwrap()),
    ("copy", |it| assert_eq!(fs::copy(it.at("file"), it.at("new")).unwrap(), 7)),
    ("rename", |it| fs::rename(it.at("file"), it.at("new")).unwrap()),
    ("hard_link", |it| fs::hard_link(it.at("file"), it.at("new")).unwrap()),
    ("symlink", |it| symlink(it.at("file"), it.at("new")).unwrap()),
    #[allow(deprecated)]
    ("soft_link", |it| fs::soft_link(it.at("file"), it.at("new")).unwrap()),
    ("read_link", |it| assert!(fs::read_link(it.at("file")).is_err())),
    ("canonicalize", |it| drop(fs::canonicalize(it.at("file")).unwrap())),
    ("metadata", |it| assert_eq!(fs::metadata(it.at("file")).unwrap().len(), 7)),
    ("symlink_metadata", |it| assert!(fs::symlink_metadata(it.at("file")).is_ok())),
    ("exists", |it| assert!(fs::exists(it.at("file")).unwrap())),
    ("set_permissions", |it| {
        let permissions = std::fs::metadata(it.at("file")).unwrap().permissions();
        fs::set_permissions(it.at("file"), permissions).unwrap();
    }),
    ("remove_file", |it| fs::remove_file(it.at("file")).unwrap()),
    ("create_dir", |it| fs::create_dir(it.at("new")).unwrap()),
    ("create_dir_all", |it| fs::create_dir_all(it.at("new/newer")).unwrap()),
    ("remove_dir", |it| assert!(fs::remove_dir(it.at("file")).is_err())),
    ("remove_dir_all", |it| assert!(fs::remove_dir_all(it.at("none")).is_err())),
    ("read_dir", |it| assert_eq!(fs::read_dir(it.path()).unwrap().count(), 1)),
    ("DirBuilder::create", |it| DirBuilder::new().create(it.at("new")).unwrap()),
    ("File::open", |it| drop(File::open(it.at("file")).unwrap())),
    ("File::create", |it| drop(File::create(it.at("file")).unwrap())),
    ("File::create_new", |it| drop(File::create_new(it.at("new")).unwrap())),
    ("OpenOptions::open", |it| drop(OpenOptions::new().read(true).open(it.at("file")).unwrap())),
    ("chown", |it| chown(it.at("file"), None, None).unwrap()),
    ("chroot", |it| assert!(chroot(it.at("none")).is_err())),
    ("lchown", |it| lchown(it.at("file"), None, None).unwrap()),
];

/// What is done to a file that is open for reading and writing.
const BY_FILE: &[Named<fn(&mut File)>] = &[
    ("File::read", |file| assert_eq!(file.read(&mut [0; 10]).unwrap(), 7)),
    ("File::read_exact", |file| file.read_exact(&mut [0; 7]).unwrap()),
    ("File::read_to_end", |file| assert_eq!(file.read_to_end(&mut Vec::new()).unwrap(), 7)),
    ("File::read_to_string", |file| {
        assert_eq!(file.read_to_string(&mut String::new()).unwrap(), 7);
    }),
    ("File::write", |file| assert_eq!(file.write(b"new").unwrap(), 3)),
    ("File::write_all", |file| file.write_all(b"new").unwrap()),
    ("File::seek", |file| assert_eq!(file.seek(SeekFrom::End(0)).unwrap(), 7)),
    ("File::read_at", |file| assert_eq!(file.read_at(&mut [0; 4], 5).unwrap(), 2)),
    ("File::write_at", |file| assert_eq!(file.write_at(b"new", 5).unwrap(), 3)),
    ("File::sync_all", |file| file.sync_all().unwrap()),
    ("File::sync_data", |file| file.sync_data().unwrap()),
    ("File::set_len", |file| file.set_len(3).unwrap()),
    ("File::metadata", |file| assert_eq!(file.metadata().unwrap().len(), 7)),
    ("File::set_permissions", |file| {
        let permissions = std::fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()));
        file.set_permissions(permissions.unwrap().permissions()).unwrap();
    }),
    ("File::set_modified", |file| file.set_modified(SystemTime::now()).unwrap()),
    ("File::set_times", |file| file.set_times(fs::FileTimes::new()).unwrap()),
    ("File::lock", |file| file.lock().unwrap()),
    ("File::lock_shared", |file| file.lock_shared().unwrap()),
    ("File::try_lock", |file| file.try_lock().unwrap()),
    ("File::try_lock_shared", |file| file.try_lock_shared().unwrap()),
    ("File::unlock", |file| file.unlock().unwrap()),
    ("fchown", |file| fchown(&*file, None, None).unwrap()),
];

/// What is held by an open listing.
const BY_LISTING: &[&str] = &["ReadDir", "DirEntry::metadata"];

/// What asks no disc: types, how a file is to be opened, what a listing has told already, and a second
/// descriptor.
const AT_ONCE: &[&str] = &[
    "DirBuilder",
    "DirBuilder::new",
    "DirBuilder::recursive",
    "DirEntry",
    "DirEntry::file_name",
    "DirEntry::file_type",
    "DirEntry::path",
    "File",
    "File::options",
    "File::try_clone",
    "OpenOptions",
    "OpenOptions::append",
    "OpenOptions::create",
    "OpenOptions::create_new",
    "OpenOptions::new",
    "OpenOptions::read",
    "OpenOptions::truncate",
    "OpenOptions::write",
];

#[test]
fn no_green_name_of_fs_is_left_out() {
    let kinds = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/monkey_names/kinds.txt");
    let kinds = std::fs::read_to_string(kinds).unwrap();
    let green = kinds.lines().filter_map(|line| line.strip_suffix(" green"));
    let green: BTreeSet<_> = green
        .filter_map(|name| name.strip_prefix("os::unix::fs::").or(name.strip_prefix("fs::")))
        .collect();
    let by_path = BY_PATH.iter().map(|(name, _)| *name);
    let by_file = BY_FILE.iter().map(|(name, _)| *name);
    let here: BTreeSet<_> =
        by_path.chain(by_file).chain(BY_LISTING.iter().chain(AT_ONCE).copied()).collect();
    let left_out: Vec<_> = green.difference(&here).collect();
    assert!(left_out.is_empty() && !green.is_empty(), "{left_out:?}");
}

#[test]
fn every_call_that_asks_the_disc() {
    bounded(|| {
        let mut waiting = Waiting::default();
        let mut opened = Vec::new();
        for &(name, call) in BY_FILE {
            let folder = Folder::new();
            let options = File::options().read(true).write(true).clone();
            let file = options.open(folder.file("file")).unwrap();
            opened.push((name, call, file, folder));
        }
        let folder = Folder::new();
        folder.file("file");
        let mut listing = fs::read_dir(folder.path()).unwrap();
        let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();

        let gate = Gate::close();
        for &(name, call) in BY_PATH {
            let folder = Folder::new();
            folder.file("file");
            waiting.add(name, move || call(&folder));
        }
        for (name, call, mut file, folder) in opened {
            waiting.add(name, move || {
                call(&mut file);
                drop(folder);
            });
        }
        waiting.add("ReadDir", move || drop(listing.next().unwrap().unwrap()));
        waiting.add("DirEntry::metadata", move || assert!(entry.metadata().is_ok()));
        waiting.end_by(|| drop(gate));
    });
}

#[test]
fn a_large_file_that_is_read_and_written() {
    bounded(|| {
        let folder = Folder::new();
        let (path, content) = (folder.at("large"), vec![7; 32 << 20]);
        until_ticked_beside(|| fs::write(&path, &content).unwrap());
        until_ticked_beside(|| assert_eq!(fs::read(&path).unwrap().len(), 32 << 20));
        until_ticked_beside(|| {
            let mut file = File::open(&path).unwrap();
            assert_eq!(file.read_to_end(&mut Vec::new()).unwrap(), 32 << 20);
        });
    });
}

#[test]
fn a_named_pipe_that_nobody_opens_or_writes() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    bounded(|| {
        let folder = Folder::new();
        let path = folder.at("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let other = path.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        let open = move || sender.send(std::fs::File::create(other).unwrap()).unwrap();
        let mut reader = ticks_beside(open, || File::open(&path).unwrap());
        let mut writer = receiver.recv().unwrap();
        let mut word = [0; 4];
        ticks_beside(move || writer.write_all(b"word").unwrap(), || reader.read_exact(&mut word))
            .unwrap();
        assert_eq!(&word, b"word");
    });
}

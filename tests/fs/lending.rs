//! Each call is done by another thread, while others run.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt};
use std::rc::Rc;
use std::sync::mpsc::{self, Sender};
use std::time::SystemTime;

use greenhub::monkey::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use greenhub::monkey::os::unix::fs::{chown, fchown, lchown, symlink};
use greenhub::{offload, spawn, yield_now};

use crate::support::{Folder, alone};

/// The threads that serve files, all but one kept busy. When the last is busy too, a call waits for
/// it, and only another greenlet can free it.
struct Crowd(#[expect(dead_code, reason = "dropping them lets the threads go")] Vec<Sender<()>>);

/// Keeps one more thread busy until the sender is dropped.
fn keep_busy() -> Sender<()> {
    let (gate, closed) = mpsc::channel::<()>();
    spawn(move || offload(move || closed.recv().unwrap_err()));
    yield_now();
    gate
}

impl Crowd {
    fn new() -> Crowd {
        Crowd((0..15).map(|_| keep_busy()).collect())
    }

    /// Whether another greenlet ran during the call.
    fn lets_others_run<R>(&self, call: impl FnOnce() -> R) -> bool {
        let gate = keep_busy();
        let ran = Rc::new(Cell::new(false));
        let seen = Rc::clone(&ran);
        let other = spawn(move || {
            seen.set(true);
            drop(gate);
        });
        call();
        let answer = ran.get();
        other.join().unwrap();
        answer
    }
}

#[test]
fn every_function_lets_others_run() {
    alone("lending::every_function_lets_others_run", || {
        let crowd = Crowd::new();
        let folder = Folder::new();
        let (a, b, dir) = (folder.file("a", b"a"), folder.at("b"), folder.at("dir"));
        let mode = || Permissions::from_mode(0o700);
        assert!(crowd.lets_others_run(|| fs::read(&a).unwrap()));
        assert!(crowd.lets_others_run(|| fs::read_to_string(&a).unwrap()));
        assert!(crowd.lets_others_run(|| fs::write(&a, b"b").unwrap()));
        assert!(crowd.lets_others_run(|| fs::copy(&a, &b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::rename(&b, &a).unwrap()));
        assert!(crowd.lets_others_run(|| fs::hard_link(&a, &b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::remove_file(&b).unwrap()));
        assert!(crowd.lets_others_run(|| symlink(&a, &b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::read_link(&b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::canonicalize(&b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::metadata(&b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::symlink_metadata(&b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::exists(&b).unwrap()));
        assert!(crowd.lets_others_run(|| fs::set_permissions(&a, mode()).unwrap()));
        assert!(crowd.lets_others_run(|| chown(&a, None, None).unwrap()));
        assert!(crowd.lets_others_run(|| lchown(&b, None, None).unwrap()));
        assert!(crowd.lets_others_run(|| fs::create_dir(&dir).unwrap()));
        assert!(crowd.lets_others_run(|| fs::remove_dir(&dir).unwrap()));
        assert!(crowd.lets_others_run(|| fs::create_dir_all(&dir).unwrap()));
        assert!(crowd.lets_others_run(|| fs::remove_dir_all(&dir).unwrap()));
        assert!(crowd.lets_others_run(|| DirBuilder::new().mode(0o700).create(&dir).unwrap()));
        assert!(crowd.lets_others_run(|| fs::read_dir(&dir).unwrap()));
        let mut listing = fs::read_dir(folder.path()).unwrap();
        assert!(crowd.lets_others_run(|| listing.next().unwrap().unwrap()));
        let entry = listing.next().unwrap().unwrap();
        assert!(crowd.lets_others_run(|| entry.metadata().unwrap()));
    });
}

#[test]
fn every_method_of_a_file_lets_others_run() {
    alone("lending::every_method_of_a_file_lets_others_run", || {
        let crowd = Crowd::new();
        let folder = Folder::new();
        let path = folder.at("file");
        assert!(crowd.lets_others_run(|| File::create(&path).unwrap()));
        assert!(crowd.lets_others_run(|| File::create_new(folder.at("new")).unwrap()));
        assert!(crowd.lets_others_run(|| File::open(&path).unwrap()));
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        assert!(crowd.lets_others_run(|| options.open(&path).unwrap()));
        let mut file = options.open(&path).unwrap();
        let mut byte = [0; 1];
        assert!(crowd.lets_others_run(|| file.write(b"x").unwrap()));
        assert!(crowd.lets_others_run(|| file.write_all(b"x").unwrap()));
        assert!(crowd.lets_others_run(|| file.write_all_at(b"x", 2).unwrap()));
        assert!(crowd.lets_others_run(|| file.write_at(b"x", 2).unwrap()));
        assert!(crowd.lets_others_run(|| file.seek(SeekFrom::Start(0)).unwrap()));
        assert!(crowd.lets_others_run(|| file.read(&mut byte).unwrap()));
        assert!(crowd.lets_others_run(|| file.read_exact(&mut byte).unwrap()));
        assert!(crowd.lets_others_run(|| file.read_at(&mut byte, 0).unwrap()));
        assert!(crowd.lets_others_run(|| file.read_exact_at(&mut byte, 0).unwrap()));
        assert!(crowd.lets_others_run(|| file.read_to_end(&mut Vec::new()).unwrap()));
        assert!(crowd.lets_others_run(|| file.read_to_string(&mut String::new()).unwrap()));
        assert!(crowd.lets_others_run(|| file.sync_all().unwrap()));
        assert!(crowd.lets_others_run(|| file.sync_data().unwrap()));
        assert!(crowd.lets_others_run(|| file.set_len(1).unwrap()));
        assert!(crowd.lets_others_run(|| file.metadata().unwrap()));
        assert!(
            crowd.lets_others_run(|| file.set_permissions(Permissions::from_mode(0o600)).unwrap())
        );
        assert!(crowd.lets_others_run(|| file.set_times(FileTimes::new()).unwrap()));
        assert!(crowd.lets_others_run(|| file.set_modified(SystemTime::UNIX_EPOCH).unwrap()));
        assert!(crowd.lets_others_run(|| fchown(&file, None, None).unwrap()));
        assert!(crowd.lets_others_run(|| file.lock().unwrap()));
        assert!(crowd.lets_others_run(|| file.lock_shared().unwrap()));
        assert!(crowd.lets_others_run(|| file.try_lock().unwrap()));
        assert!(crowd.lets_others_run(|| file.try_lock_shared().unwrap()));
        assert!(crowd.lets_others_run(|| file.unlock().unwrap()));
    });
}

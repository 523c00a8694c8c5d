//! Locks on whole files.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::world::fs::{File, OpenOptions, TryLockError};
use super::world::thread;
use crate::support::{Folder, bounded};

fn two_handles(folder: &Folder) -> (File, File) {
    let path = folder.file("file", b"");
    (File::open(&path).unwrap(), File::open(&path).unwrap())
}

fn is_refused(answer: Result<(), TryLockError>) -> bool {
    matches!(answer, Err(TryLockError::WouldBlock))
}

#[test]
fn an_exclusive_lock_keeps_all_others_out() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        assert!(is_refused(second.try_lock()));
        assert!(is_refused(second.try_lock_shared()));
        first.unlock().unwrap();
        second.try_lock().unwrap();
        assert!(is_refused(first.try_lock()));
    });
}

#[test]
fn shared_locks_bear_each_other_and_no_exclusive_one() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock_shared().unwrap();
        second.lock_shared().unwrap();
        let third = File::open(folder.at("file")).unwrap();
        assert!(is_refused(third.try_lock()));
        first.unlock().unwrap();
        assert!(is_refused(third.try_lock()));
        second.unlock().unwrap();
        third.try_lock().unwrap();
    });
}

#[test]
fn an_exclusive_lock_can_be_made_a_shared_one() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        first.lock_shared().unwrap();
        second.try_lock_shared().unwrap();
        assert!(is_refused(second.try_lock()));
    });
}

#[test]
fn one_handle_may_lock_again_and_unlock_what_it_has_not() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.unlock().unwrap();
        first.lock().unwrap();
        first.lock().unwrap();
        first.try_lock().unwrap();
        first.unlock().unwrap();
        second.try_lock().unwrap();
        first.unlock().unwrap();
        assert!(is_refused(first.try_lock()), "the lock of the other handle stays");
    });
}

#[test]
fn a_lock_goes_with_the_last_descriptor_of_its_handle() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        let clone = first.try_clone().unwrap();
        clone.try_lock().unwrap();
        drop(first);
        assert!(is_refused(second.try_lock()));
        drop(clone);
        second.try_lock().unwrap();
    });
}

#[test]
fn a_refusal_is_an_error_that_would_block() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        let error = second.try_lock().unwrap_err();
        assert_eq!(format!("{error:?}"), "\"WouldBlock\"");
        assert!(error.to_string().contains("would block"), "{error}");
        assert!(error.source().is_none());
        assert_eq!(io::Error::from(error).kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn lock_waits_until_the_other_lets_go() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        let released = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&released);
        let waiter = thread::spawn(move || {
            second.lock().unwrap();
            seen.load(Ordering::SeqCst)
        });
        thread::sleep(Duration::from_millis(20));
        released.store(true, Ordering::SeqCst);
        first.unlock().unwrap();
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn lock_shared_waits_for_the_exclusive_one_to_go() {
    bounded(|| {
        let folder = Folder::new();
        let (first, second) = two_handles(&folder);
        first.lock().unwrap();
        let released = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&released);
        let waiter = thread::spawn(move || {
            second.lock_shared().unwrap();
            seen.load(Ordering::SeqCst)
        });
        thread::sleep(Duration::from_millis(20));
        released.store(true, Ordering::SeqCst);
        drop(first);
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn what_is_done_under_the_lock_is_done_by_one_at_a_time() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.file("count", b"0");
        let counters: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                thread::spawn(move || {
                    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
                    for _ in 0..5 {
                        file.lock().unwrap();
                        let mut text = String::new();
                        file.rewind().unwrap();
                        file.read_to_string(&mut text).unwrap();
                        let count: u32 = text.parse().unwrap();
                        file.rewind().unwrap();
                        write!(file, "{}", count + 1).unwrap();
                        file.unlock().unwrap();
                    }
                })
            })
            .collect();
        for counter in counters {
            counter.join().unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"40");
    });
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::common::{Flag, millis, settle, unwind, unwinds};
use super::world::sync::{PoisonError, RwLock, RwLockWriteGuard, TryLockError};
use super::world::thread;
use crate::support::bounded;

fn poisoned<T>(value: T) -> RwLock<T> {
    let lock = RwLock::new(value);
    assert!(unwinds(|| {
        let _guard = lock.write().unwrap();
        unwind()
    }));
    lock
}

#[test]
fn it_stands_in_a_static() {
    static VALUE: RwLock<u32> = RwLock::new(1);
    *VALUE.write().unwrap() += 1;
    assert_eq!(*VALUE.read().unwrap(), 2);
}

#[test]
fn many_read_at_a_time() {
    let lock = RwLock::new(7);
    let (one, another) = (lock.read().unwrap(), lock.try_read().unwrap());
    assert_eq!(*one + *another, 14);
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(one);
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(another);
    assert!(lock.try_write().is_ok());
}

#[test]
fn one_writes_alone() {
    let lock = RwLock::new(7);
    let guard = lock.write().unwrap();
    assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(guard);
    assert!(lock.try_read().is_ok());
}

#[test]
fn a_panic_of_one_that_writes_poisons_it() {
    let lock = poisoned(7);
    assert!(lock.is_poisoned());
    assert_eq!(*lock.read().unwrap_err().into_inner(), 7);
    assert_eq!(*lock.write().unwrap_err().into_inner(), 7);
    assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
    assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
}

#[test]
fn a_panic_of_one_that_reads_does_not_poison_it() {
    let lock = RwLock::new(7);
    assert!(unwinds(|| {
        let _guard = lock.read().unwrap();
        unwind()
    }));
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.write().unwrap(), 7);
}

#[test]
fn try_write_of_a_poisoned_and_read_lock_would_block() {
    let lock = poisoned(7);
    let _reader = lock.read().unwrap_or_else(PoisonError::into_inner);
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
}

#[test]
fn cleared_poison_is_gone() {
    let lock = poisoned(7);
    lock.clear_poison();
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.read().unwrap(), 7);
}

#[test]
fn into_inner_and_get_mut_tell_of_poison() {
    assert_eq!(RwLock::new(7).into_inner().unwrap(), 7);
    assert_eq!(poisoned(7).into_inner().unwrap_err().into_inner(), 7);
    let mut lock = RwLock::new(7);
    *lock.get_mut().unwrap() = 8;
    assert_eq!(*lock.read().unwrap(), 8);
    assert_eq!(*poisoned(7).get_mut().unwrap_err().into_inner(), 7);
}

struct Reads<'a>(&'a RwLock<u32>);

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        assert_eq!(*self.0.read().unwrap(), 7);
        *self.0.write().unwrap() += 1;
    }
}

#[test]
fn a_destructor_that_locks_while_unwinding_does_not_poison() {
    let lock = RwLock::new(7);
    assert!(unwinds(|| {
        let _reads = Reads(&lock);
        unwind()
    }));
    assert_eq!(*lock.read().unwrap(), 8);
}

#[test]
fn a_downgraded_guard_lets_others_read_and_nobody_write() {
    let lock = RwLock::new(7);
    let mut writing = lock.write().unwrap();
    *writing = 8;
    let reading = RwLockWriteGuard::downgrade(writing);
    assert_eq!((*reading, *lock.try_read().unwrap()), (8, 8));
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(reading);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_panic_after_a_downgrade_does_not_poison() {
    let lock = RwLock::new(7);
    assert!(unwinds(|| {
        let _reading = RwLockWriteGuard::downgrade(lock.write().unwrap());
        unwind()
    }));
    assert!(!lock.is_poisoned());
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_downgrade_wakes_those_who_wait_to_read() {
    bounded(|| {
        let lock = Arc::new(RwLock::new(7));
        let writing = lock.write().unwrap();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let lock = Arc::clone(&lock);
                thread::spawn(move || *lock.read().unwrap())
            })
            .collect();
        settle();
        let reading = RwLockWriteGuard::downgrade(writing);
        let read: i32 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert_eq!((read, *reading), (21, 7));
    });
}

#[test]
fn who_waits_to_write_gets_it_when_the_last_reader_is_done() {
    bounded(|| {
        let lock = Arc::new(RwLock::new(7));
        let (one, another) = (lock.read().unwrap(), lock.read().unwrap());
        let (written, writes) = (Arc::new(AtomicBool::new(false)), Arc::clone(&lock));
        let told = Arc::clone(&written);
        let writer = thread::spawn(move || {
            *writes.write().unwrap() += 1;
            told.store(true, Ordering::SeqCst);
        });
        settle();
        drop(one);
        settle();
        assert!(!written.load(Ordering::SeqCst));
        drop(another);
        writer.join().unwrap();
        assert_eq!(*lock.read().unwrap(), 8);
    });
}

#[test]
fn those_who_wait_to_read_get_it_together() {
    bounded(|| {
        let lock = Arc::new(RwLock::new(7));
        let meeting = Arc::new(super::world::sync::Barrier::new(3));
        let writing = lock.write().unwrap();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (lock, meeting) = (Arc::clone(&lock), Arc::clone(&meeting));
                thread::spawn(move || {
                    let reading = lock.read().unwrap();
                    meeting.wait();
                    *reading
                })
            })
            .collect();
        settle();
        drop(writing);
        let read: i32 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert_eq!(read, 21);
    });
}

#[test]
fn a_writer_is_let_in_among_readers_that_never_pause() {
    bounded(|| {
        let lock = Arc::new(RwLock::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (lock, done) = (Arc::clone(&lock), Arc::clone(&done));
                thread::spawn(move || {
                    while !done.load(Ordering::SeqCst) {
                        let _reading = lock.read().unwrap();
                        thread::sleep(millis(2));
                    }
                })
            })
            .collect();
        settle();
        for _ in 0..5 {
            *lock.write().unwrap() += 1;
        }
        done.store(true, Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(*lock.read().unwrap(), 5);
    });
}

#[test]
fn readers_never_see_half_a_write() {
    bounded(|| {
        static PAIR: RwLock<(u32, u32)> = RwLock::new((0, 0));
        let writers = (0..2).map(|_| {
            thread::spawn(|| {
                for _ in 0..200 {
                    let mut pair = PAIR.write().unwrap();
                    pair.0 += 1;
                    thread::yield_now();
                    pair.1 += 1;
                }
            })
        });
        let readers = (0..4).map(|_| {
            thread::spawn(|| {
                for _ in 0..200 {
                    let pair = PAIR.read().unwrap();
                    assert_eq!(pair.0, pair.1);
                    thread::yield_now();
                }
            })
        });
        let all: Vec<_> = writers.chain(readers).collect();
        all.into_iter().for_each(|worker| worker.join().unwrap());
        assert_eq!(*PAIR.read().unwrap(), (400, 400));
    });
}

#[test]
fn a_waiter_of_a_lock_that_is_poisoned_gets_the_poison() {
    bounded(|| {
        let lock = Arc::new(RwLock::new(7));
        let (holds, reads, writes) = (Arc::clone(&lock), Arc::clone(&lock), Arc::clone(&lock));
        let begun = Flag::default();
        let tells = begun.clone();
        let holder = thread::spawn(move || {
            let _guard = holds.write().unwrap();
            tells.set();
            thread::sleep(millis(80));
            unwind();
        });
        begun.wait();
        let reader = thread::spawn(move || reads.read().is_err());
        let writer = thread::spawn(move || writes.write().is_err());
        assert!(reader.join().unwrap() && writer.join().unwrap());
        assert!(holder.join().is_err());
    });
}

#[test]
fn its_texts_are_these() {
    let lock = RwLock::new(7);
    assert_eq!(format!("{lock:?}"), "RwLock { data: 7, poisoned: false, .. }");
    let reading = lock.read().unwrap();
    assert_eq!(format!("{reading:?} {reading}"), "7 7");
    assert_eq!(format!("{lock:?}"), "RwLock { data: 7, poisoned: false, .. }");
    drop(reading);
    let writing = lock.write().unwrap();
    assert_eq!(format!("{writing:?} {writing}"), "7 7");
    assert_eq!(format!("{lock:?}"), "RwLock { data: <locked>, poisoned: false, .. }");
    drop(writing);
    assert_eq!(format!("{:?}", poisoned(7)), "RwLock { data: 7, poisoned: true, .. }");
}

#[test]
fn it_is_made_from_a_value_and_by_default_and_holds_what_has_no_size() {
    assert_eq!(*RwLock::from(7).read().unwrap(), 7);
    assert_eq!(*RwLock::<u8>::default().read().unwrap(), 0);
    let lock: &RwLock<[i32]> = &RwLock::new([1, 2, 3]);
    lock.write().unwrap()[0] = 4;
    assert_eq!(&*lock.read().unwrap(), [4, 2, 3]);
    let shown: Arc<RwLock<dyn std::fmt::Display>> = Arc::new(RwLock::new(7));
    assert_eq!(shown.read().unwrap().to_string(), "7");
}

#[test]
fn a_downgrade_lets_no_writer_in_between() {
    bounded(|| {
        static VALUE: RwLock<u32> = RwLock::new(0);
        let writers: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..50 {
                        let mut writing = VALUE.write().unwrap();
                        *writing += 1;
                        let mine = *writing;
                        let reading = RwLockWriteGuard::downgrade(writing);
                        thread::yield_now();
                        assert_eq!(*reading, mine);
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(*VALUE.read().unwrap(), 200);
    });
}

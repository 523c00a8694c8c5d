//! Who is next, and what comes back to itself.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenhub::monkey::sync::mpsc::sync_channel;
use greenhub::monkey::sync::{Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, TryLockError};
use greenhub::{Greenlet, joinall, spawn, yield_now};

use crate::support::{bounded, settle};

type Log = Rc<RefCell<Vec<&'static str>>>;

fn message<R>(body: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(body)) else { panic!("it does not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a text")).to_owned(),
    }
}

/// One that reads or writes, notes its name, and lets others run meanwhile.
fn reader(lock: &Rc<RwLock<()>>, log: &Log, name: &'static str) -> Greenlet<()> {
    let (lock, log) = (Rc::clone(lock), Rc::clone(log));
    spawn(move || {
        let _guard = lock.read().unwrap();
        log.borrow_mut().push(name);
        yield_now();
    })
}

fn writer(lock: &Rc<RwLock<()>>, log: &Log, name: &'static str) -> Greenlet<()> {
    let (lock, log) = (Rc::clone(lock), Rc::clone(log));
    spawn(move || {
        let _guard = lock.write().unwrap();
        log.borrow_mut().push(name);
        yield_now();
    })
}

#[test]
fn a_mutex_goes_to_who_has_waited_longest() {
    bounded(|| {
        let (mutex, log) = (Rc::new(Mutex::new(())), Log::default());
        let guard = mutex.lock().unwrap();
        let waiters = ["first", "second", "third"].map(|name| {
            let (mutex, log) = (Rc::clone(&mutex), Rc::clone(&log));
            spawn(move || {
                let _guard = mutex.lock().unwrap();
                log.borrow_mut().push(name);
            })
        });
        settle();
        drop(guard);
        assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)), "it is the first's");
        drop(mutex.lock().unwrap());
        log.borrow_mut().push("main");
        joinall(&waiters);
        assert_eq!(*log.borrow(), ["first", "second", "third", "main"]);
    });
}

#[test]
fn who_reads_does_not_overtake_who_waits_to_write() {
    bounded(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::default());
        let guard = lock.read().unwrap();
        let greenlets = [
            writer(&lock, &log, "write"),
            reader(&lock, &log, "read"),
            reader(&lock, &log, "read too"),
            writer(&lock, &log, "write again"),
            reader(&lock, &log, "read last"),
        ];
        settle();
        assert!(lock.try_read().is_err(), "one waits to write");
        assert!(log.borrow().is_empty());
        drop(guard);
        joinall(&greenlets);
        let order = ["write", "read", "read too", "write again", "read last"];
        assert_eq!(*log.borrow(), order);
    });
}

#[test]
fn a_condition_notifies_who_has_waited_longest() {
    bounded(|| {
        let (mutex, condvar, log) =
            (Rc::new(Mutex::new(())), Rc::new(Condvar::new()), Log::default());
        let waiters = ["first", "second", "third"].map(|name| {
            let (mutex, condvar, log) = (Rc::clone(&mutex), Rc::clone(&condvar), Rc::clone(&log));
            spawn(move || {
                let _guard = condvar.wait(mutex.lock().unwrap()).unwrap();
                log.borrow_mut().push(name);
            })
        });
        settle();
        condvar.notify_one();
        settle();
        assert_eq!(*log.borrow(), ["first"], "nobody goes on without a notification");
        condvar.notify_all();
        joinall(&waiters);
        assert_eq!(*log.borrow(), ["first", "second", "third"]);
    });
}

#[test]
fn senders_that_wait_are_served_in_order() {
    bounded(|| {
        for room in [0, 1] {
            let (sender, receiver) = sync_channel(room);
            let senders = [1, 2, 3, 4].map(|item| {
                let sender = sender.clone();
                spawn(move || sender.send(item).unwrap())
            });
            settle();
            drop(sender);
            assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
            joinall(&senders);
        }
    });
}

#[test]
fn a_lock_that_is_free_lets_nobody_else_run() {
    bounded(|| {
        let other = spawn(|| ());
        let (mutex, lock, once) = (Mutex::new(0), RwLock::new(0), Once::new());
        for _ in 0..1_000 {
            *mutex.lock().unwrap() += 1;
            *lock.write().unwrap() += 1;
            drop(lock.read().unwrap());
            once.call_once(|| ());
        }
        assert!(!other.is_finished());
        other.join().unwrap();
    });
}

#[test]
fn what_is_done_once_must_not_come_back_to_itself() {
    let text = "one-time initialization may not be performed recursively";
    let once = Once::new();
    assert_eq!(message(|| once.call_once(|| once.call_once(|| ()))), text);
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| ()))).is_err(), "it is poisoned");
    let cell = OnceLock::new();
    assert_eq!(message(|| *cell.get_or_init(|| *cell.get_or_init(|| 7))), text);
    assert_eq!(cell.set(8), Ok(()));
    static LAZY: LazyLock<u32> = LazyLock::new(|| *LAZY + 1);
    assert_eq!(message(|| *LAZY), text);
}

#[test]
fn a_greenlet_with_the_number_of_one_that_has_ended_is_not_taken_for_it() {
    bounded(|| {
        let cell = Rc::new(OnceLock::new());
        for _ in 0..10 {
            let fails = Rc::clone(&cell);
            let greenlet = spawn(move || {
                fails.get_or_init(|| {
                    yield_now();
                    std::panic::resume_unwind(Box::new("on purpose"))
                });
            });
            assert!(greenlet.join().is_err());
        }
        let makes = Rc::clone(&cell);
        assert_eq!(spawn(move || *makes.get_or_init(|| 7)).join().unwrap(), 7);
    });
}

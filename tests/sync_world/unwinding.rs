//! A greenlet that unwinds cannot wait: what its destructors do.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use greenhub::monkey::sync::mpsc::{RecvError, SendError, sync_channel};
use greenhub::monkey::sync::{Barrier, Condvar, Mutex, Once, PoisonError, RwLock};
use greenhub::{Hub, JoinError, sleep, spawn, yield_now};

use crate::support::{aborts, bounded, millis, settle};

/// Does something when it is dropped.
struct AtLast<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtLast<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Has a greenlet that is killed call `body` while it unwinds.
fn while_unwinding(body: impl FnMut() + 'static) {
    let greenlet = spawn(move || {
        let _at_last = AtLast(body);
        sleep(Duration::from_secs(3600));
    });
    settle();
    greenlet.kill();
    assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
}

/// What `body` panics with; it may be called while unwinding.
fn message<R>(body: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(body)) else { panic!("it does not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a text")).to_owned(),
    }
}

/// What a destructor is told that calls `body`.
fn told_while_unwinding<R: 'static>(body: impl FnOnce() -> R + 'static) -> String {
    let (told, body) = (Rc::new(RefCell::new(String::new())), Cell::new(Some(body)));
    let tells = Rc::clone(&told);
    while_unwinding(move || *tells.borrow_mut() = message(body.take().unwrap()));
    told.take()
}

#[test]
fn a_destructor_has_what_is_free() {
    bounded(|| {
        let (mutex, lock) = (Rc::new(Mutex::new(0)), Rc::new(RwLock::new(0)));
        let (locks, writes) = (Rc::clone(&mutex), Rc::clone(&lock));
        while_unwinding(move || {
            *locks.lock().unwrap() += 1;
            *writes.write().unwrap() += 1;
            assert_eq!(*writes.read().unwrap(), 1);
        });
        assert_eq!((*mutex.lock().unwrap(), *lock.read().unwrap()), (1, 1));
    });
}

#[test]
fn a_destructor_takes_back_what_was_handed_to_one_that_has_yet_to_run() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(Vec::new()));
        let holds = Rc::clone(&mutex);
        let holder = spawn(move || {
            let again = Rc::clone(&holds);
            let _at_last = AtLast(move || {
                for _ in 0..3 {
                    again.lock().unwrap_or_else(PoisonError::into_inner).push("unwinding");
                }
            });
            let _guard = holds.lock().unwrap();
            sleep(Duration::from_secs(3600));
        });
        yield_now();
        let waiters = ["first", "second"].map(|name| {
            let mutex = Rc::clone(&mutex);
            spawn(move || mutex.lock().unwrap_or_else(PoisonError::into_inner).push(name))
        });
        settle();
        holder.kill();
        waiters.iter().for_each(|waiter| waiter.join().unwrap());
        let order = mutex.lock().unwrap_err().into_inner().clone();
        assert_eq!(order[..3], ["unwinding"; 3]);
        assert_eq!(order.len(), 5);
    });
}

#[test]
fn a_destructor_takes_back_a_lock_that_was_handed_to_readers() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(0));
        let holds = Rc::clone(&lock);
        let holder = spawn(move || {
            let again = Rc::clone(&holds);
            let _at_last = AtLast(move || {
                *again.write().unwrap_or_else(PoisonError::into_inner) += 1;
                assert_eq!(*again.read().unwrap_or_else(PoisonError::into_inner), 1);
            });
            let _guard = holds.write().unwrap();
            sleep(Duration::from_secs(3600));
        });
        yield_now();
        let readers = [(); 3].map(|()| {
            let lock = Rc::clone(&lock);
            spawn(move || *lock.read().unwrap_or_else(PoisonError::into_inner))
        });
        settle();
        holder.kill();
        assert!(readers.iter().all(|reader| reader.join().unwrap() == 1));
        assert!(!matches!(lock.try_write(), Err(std::sync::TryLockError::WouldBlock)));
    });
}

#[test]
fn a_destructor_reads_beside_others_although_one_waits_to_write() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(7));
        let reading = lock.read().unwrap();
        let (writes, reads) = (Rc::clone(&lock), Rc::clone(&lock));
        let writer = spawn(move || *writes.write().unwrap() += 1);
        settle();
        while_unwinding(move || assert_eq!(*reads.read().unwrap(), 7));
        drop(reading);
        writer.join().unwrap();
        assert_eq!(*lock.read().unwrap(), 8);
    });
}

#[test]
fn a_destructor_waits_with_its_thread_for_what_another_thread_holds() {
    bounded(|| {
        let shared = Arc::new((Mutex::new(0), RwLock::new(0), Once::new()));
        let held = Arc::clone(&shared);
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            held.2.call_once(|| {
                let _guards = (held.0.lock().unwrap(), held.1.read().unwrap());
                sender.send(()).unwrap();
                std::thread::sleep(millis(40));
            });
        });
        receiver.recv().unwrap();
        let start = Instant::now();
        let waits = Arc::clone(&shared);
        while_unwinding(move || {
            *waits.0.lock().unwrap() += 1;
            *waits.1.write().unwrap() += 1;
            waits.2.wait();
        });
        assert!(start.elapsed() >= millis(20));
        assert_eq!((*shared.0.lock().unwrap(), *shared.1.read().unwrap()), (1, 1));
        thread.join().unwrap();
    });
}

#[test]
fn a_destructor_is_told_that_a_greenlet_of_its_thread_holds_it() {
    bounded(|| {
        let told = "a greenlet that unwinds cannot wait for a lock, which its own thread has";
        let (mutex, lock) = (Rc::new(Mutex::new(7)), Rc::new(RwLock::new(7)));
        let guard = mutex.lock().unwrap();
        let same = Rc::clone(&mutex);
        assert_eq!(told_while_unwinding(move || drop(same.lock())), told);
        drop(guard);
        assert!(mutex.try_lock().is_ok());

        let guard = lock.read().unwrap();
        let same = Rc::clone(&lock);
        assert_eq!(told_while_unwinding(move || drop(same.write())), told);
        drop(guard);
        let guard = lock.write().unwrap();
        let same = Rc::clone(&lock);
        assert_eq!(told_while_unwinding(move || drop(same.read())), told);
        drop(guard);
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn a_destructor_that_does_not_catch_that_ends_the_process_with_the_message() {
    let printed = aborts(
        "unwinding::a_destructor_that_does_not_catch_that_ends_the_process_with_the_message",
        || {
            let mutex = Rc::new(Mutex::new(7));
            let same = Rc::clone(&mutex);
            let _guard = mutex.lock().unwrap();
            while_unwinding(move || drop(same.lock()));
        },
    );
    let message = "a greenlet that unwinds cannot wait for a lock";
    assert!(printed.is_none_or(|printed| printed.contains(message)));
}

#[test]
fn a_destructor_is_told_that_a_greenlet_of_its_thread_does_it() {
    bounded(|| {
        let once = Rc::new(Once::new());
        let does = Rc::clone(&once);
        let doer = spawn(move || does.call_once(|| sleep(millis(50))));
        yield_now();
        let same = Rc::clone(&once);
        let told = told_while_unwinding(move || same.call_once(|| ()));
        assert!(
            told.contains("cannot wait for what is done once, which its own thread has"),
            "{told}"
        );
        doer.join().unwrap();
        assert!(once.is_completed());
    });
}

#[test]
fn a_destructor_goes_on_from_a_condition_without_a_notification() {
    bounded(|| {
        let (mutex, condvar) = (Rc::new(Mutex::new(7)), Rc::new(Condvar::new()));
        let (locks, waits) = (Rc::clone(&mutex), Rc::clone(&condvar));
        while_unwinding(move || {
            let guard = waits.wait(locks.lock().unwrap()).unwrap();
            assert_eq!(*guard, 7);
            let mut looks = 0;
            let guard = waits.wait_while(guard, |_| {
                looks += 1;
                looks < 3
            });
            let (_, result) =
                waits.wait_timeout_while(guard.unwrap(), millis(5), |_| true).unwrap();
            assert!(result.timed_out());
        });
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_destructor_is_told_at_a_barrier_that_it_cannot_wait() {
    bounded(|| {
        let barrier = Rc::new(Barrier::new(2));
        let same = Rc::clone(&barrier);
        let told = told_while_unwinding(move || same.wait().is_leader());
        assert!(told.contains("a greenlet cannot wait while it unwinds"), "{told}");
        let same = Rc::clone(&barrier);
        let other = spawn(move || same.wait().is_leader());
        settle();
        let last = Rc::clone(&barrier);
        while_unwinding(move || assert!(last.wait().is_leader(), "the last need not wait"));
        assert!(!other.join().unwrap());
    });
}

#[test]
fn a_destructor_sends_and_receives_what_needs_no_wait() {
    bounded(|| {
        let (sender, receiver) = sync_channel(1);
        let receiver = Rc::new(receiver);
        let (sends, receives) = (sender.clone(), Rc::clone(&receiver));
        while_unwinding(move || {
            assert_eq!(receives.recv(), Err(RecvError));
            assert!(receives.recv_timeout(millis(5)).is_err());
            sends.send(1).unwrap();
            assert_eq!(sends.send(2), Err(SendError(2)));
            assert_eq!(receives.recv(), Ok(1));
            sends.send(3).unwrap();
        });
        assert_eq!(receiver.try_recv(), Ok(3));
        sender.send(4).unwrap();
        assert_eq!(receiver.recv(), Ok(4), "the channel is as open as before");
    });
}

#[test]
fn a_callback_of_the_hub_that_would_have_to_wait_panics() {
    bounded(|| {
        static MUTEX: Mutex<u32> = Mutex::new(7);
        thread_local!(static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
        let remote = Hub::current().remote();
        assert!(remote.run_callback(|| *MUTEX.lock().unwrap() += 1));
        sleep(millis(5));
        let guard = MUTEX.lock().unwrap();
        assert!(remote.run_callback(|| {
            let told = message(|| MUTEX.lock());
            TOLD.with_borrow_mut(|all| all.push(told));
        }));
        sleep(millis(5));
        let told = TOLD.take();
        assert!(told.len() == 1 && told[0].contains("cannot wait"), "{told:?}");
        assert_eq!(*guard, 8);
    });
}

#[test]
fn a_panic_next_door_does_not_poison_what_others_hold() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(7));
        let holds = Rc::clone(&mutex);
        let holder = spawn(move || {
            let _guard = holds.lock().unwrap();
            (0..20).for_each(|_| yield_now());
        });
        yield_now();
        for _ in 0..5 {
            let failed = spawn(|| std::panic::resume_unwind(Box::new("on purpose")));
            assert!(failed.join().is_err());
        }
        holder.join().unwrap();
        assert!(!mutex.is_poisoned());
    });
}

#[test]
fn a_thread_that_ends_can_lock_in_the_destructors_of_its_locals() {
    static MUTEX: Mutex<u32> = Mutex::new(0);
    struct Counts;
    impl Drop for Counts {
        fn drop(&mut self) {
            *MUTEX.lock().unwrap() += 1;
        }
    }
    thread_local!(static COUNTS: Counts = const { Counts });
    bounded(|| {
        let guard = MUTEX.lock().unwrap();
        let thread = std::thread::spawn(|| {
            COUNTS.with(|_| ());
            spawn(|| ()).join().unwrap();
        });
        sleep(millis(20));
        drop(guard);
        thread.join().unwrap();
        assert_eq!(*MUTEX.lock().unwrap(), 1);
    });
}

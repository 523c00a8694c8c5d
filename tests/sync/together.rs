//! Conditions and barriers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenhub::sync::{Barrier, Condition, Lock, WaitError};
use greenhub::{joinall, spawn};

use crate::support::{bounded, millis, settle};

#[test]
fn notify_all_wakes_all_and_each_has_the_lock() {
    bounded(|| {
        let shared = Rc::new((Lock::new(), Condition::new(), Cell::new(false)));
        let waiters: Vec<_> = (0..5)
            .map(|_| {
                let shared = Rc::clone(&shared);
                spawn(move || {
                    let _guard = shared.1.wait(shared.0.lock().unwrap()).unwrap();
                    assert!(!shared.2.replace(true));
                    greenhub::yield_now();
                    shared.2.set(false);
                })
            })
            .collect();
        settle();
        assert!(!shared.0.is_locked(), "it is released while they wait");
        shared.1.notify_all();
        joinall(&waiters);
        assert!(waiters.iter().all(|waiter| waiter.join().is_ok()));
    });
}

#[test]
fn a_notification_is_not_kept_for_later() {
    bounded(|| {
        let (lock, condition) = (Lock::new(), Condition::new());
        condition.notify_one();
        let (guard, notified) = condition.wait_for(lock.lock().unwrap(), millis(2)).unwrap();
        assert!(!notified && lock.is_locked());
        drop(guard);
        assert!(!lock.is_locked());
    });
}

#[test]
fn one_that_is_killed_before_it_has_the_lock_again_passes_its_notification_on() {
    bounded(|| {
        let shared = Rc::new((Lock::new(), Condition::new()));
        let woken = Rc::new(RefCell::new(Vec::new()));
        let waiters: Vec<_> = (0..2)
            .map(|number| {
                let (shared, woken) = (Rc::clone(&shared), Rc::clone(&woken));
                spawn(move || {
                    let _guard = shared.1.wait(shared.0.lock().unwrap()).unwrap();
                    woken.borrow_mut().push(number);
                })
            })
            .collect();
        settle();
        let guard = shared.0.lock().unwrap();
        shared.1.notify_one();
        settle();
        waiters[0].kill();
        drop(guard);
        waiters[1].join().unwrap();
        assert_eq!(*woken.borrow(), [1]);
    });
}

#[test]
fn a_barrier_lets_all_go_when_the_last_has_come_again_and_again() {
    bounded(|| {
        let barrier = Rc::new(Barrier::new(3));
        for _ in 0..3 {
            let others = [(); 2].map(|()| {
                let barrier = Rc::clone(&barrier);
                spawn(move || barrier.wait())
            });
            settle();
            assert_eq!(barrier.waiting(), 2);
            assert_eq!(barrier.wait(), Ok(true));
            assert!(others.iter().all(|other| other.join().unwrap() == Ok(false)));
            assert_eq!(barrier.waiting(), 0);
        }
    });
}

#[test]
fn one_that_leaves_a_barrier_is_counted_out() {
    bounded(|| {
        let barrier = Rc::new(Barrier::new(2));
        let hasty = Rc::clone(&barrier);
        let hasty = spawn(move || hasty.wait_for(millis(2)));
        assert_eq!(hasty.join().unwrap(), Err(WaitError::TimedOut));
        let killed = Rc::clone(&barrier);
        let killed = spawn(move || killed.wait());
        settle();
        killed.kill();
        assert_eq!(barrier.waiting(), 0);
        let other = Rc::clone(&barrier);
        let other = spawn(move || other.wait());
        settle();
        assert_eq!((barrier.wait(), other.join().unwrap()), (Ok(true), Ok(false)));
    });
}

#[test]
fn a_condition_is_looked_at_again_after_each_notification() {
    bounded(|| {
        static LOCK: Lock = Lock::new();
        static CHANGED: Condition = Condition::new();
        let left = Rc::new(Cell::new(3));
        let theirs = Rc::clone(&left);
        let waiter = spawn(move || {
            let guard = LOCK.lock().unwrap();
            drop(CHANGED.wait_while(guard, || theirs.get() > 0).unwrap());
        });
        for _ in 0..3 {
            settle();
            assert!(!waiter.is_finished());
            left.set(left.get() - 1);
            CHANGED.notify_one();
        }
        waiter.join().unwrap();
        let in_time = CHANGED.wait_while_for(LOCK.lock().unwrap(), millis(5), || true).unwrap().1;
        assert!(!in_time);
        assert!(CHANGED.wait_while_for(LOCK.lock().unwrap(), millis(0), || false).unwrap().1);
        assert!(!LOCK.is_locked());
    });
}

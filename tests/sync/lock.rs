//! Locks of both kinds.

use std::rc::Rc;

use greenhub::sync::{Lock, NotHeld, RLock, WaitError};
use greenhub::{Builder, sleep, spawn, yield_now};

use crate::support::{bounded, millis, settle};

#[test]
fn a_lock_that_nobody_holds_cannot_be_released() {
    let lock = Lock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    lock.acquire().unwrap();
    assert_eq!((lock.release(), lock.release()), (Ok(()), Err(NotHeld)));
}

#[test]
fn one_that_spins_on_a_lock_does_not_hang_the_thread() {
    bounded(|| {
        let lock = Rc::new(Lock::new());
        let held = Rc::clone(&lock);
        let holder = spawn(move || {
            let _guard = held.lock().unwrap();
            sleep(millis(5));
        });
        yield_now();
        while !lock.try_acquire() {}
        holder.join().unwrap();
        lock.release().unwrap();
    });
}

#[test]
fn a_lock_is_held_over_waits() {
    bounded(|| {
        let lock = Rc::new(Lock::new());
        let inside = Rc::new(std::cell::Cell::new(0));
        let greenlets: Vec<_> = (0..10)
            .map(|_| {
                let (lock, inside) = (Rc::clone(&lock), Rc::clone(&inside));
                spawn(move || {
                    let _guard = lock.lock().unwrap();
                    assert_eq!(inside.replace(1), 0);
                    sleep(millis(1));
                    inside.set(0);
                })
            })
            .collect();
        for greenlet in greenlets {
            greenlet.join().unwrap();
        }
        assert!(!lock.is_locked());
    });
}

#[test]
fn the_owner_of_an_rlock_enters_again_and_others_do_not() {
    bounded(|| {
        let lock = Rc::new(RLock::new());
        let outer = lock.lock().unwrap();
        let inner = lock.lock().unwrap();
        let other = Rc::clone(&lock);
        let waiter = spawn(move || {
            assert_eq!(other.acquire_for(millis(1)), Err(WaitError::TimedOut));
            assert!(!other.try_acquire());
            other.acquire().and_then(|()| other.acquire_for(millis(0))).unwrap();
            (other.release(), other.release(), other.release().is_err())
        });
        sleep(millis(3));
        drop(inner);
        settle();
        assert!(lock.is_locked());
        drop(outer);
        assert_eq!(waiter.join().unwrap(), (Ok(()), Ok(()), true));
        assert!(!lock.is_locked());
    });
}

#[test]
fn a_release_by_another_names_the_owner_and_the_caller() {
    bounded(|| {
        let lock = Rc::new(RLock::new());
        assert!(lock.release().unwrap_err().to_string().contains("owned by nobody"));
        let owned = Rc::clone(&lock);
        let owner = Builder::new().name("owner").spawn(move || {
            let _guard = owned.lock().unwrap();
            sleep(millis(60_000));
        });
        let owner = owner.unwrap();
        settle();
        let told = lock.release().unwrap_err().to_string();
        let expected = format!("owned by greenlet {} 'owner'", owner.id());
        assert!(told.contains(&expected) && told.starts_with("main"), "{told}");
        owner.kill();
        assert!(!lock.is_locked());
    });
}

#[test]
fn the_owner_of_an_rlock_is_not_its_thread() {
    bounded(|| {
        static LOCK: RLock = RLock::new();
        let guard = LOCK.lock().unwrap();
        assert!(!std::thread::spawn(|| LOCK.try_acquire()).join().unwrap());
        assert!(!spawn(|| LOCK.try_acquire()).join().unwrap());
        drop(guard);
        assert!(
            std::thread::spawn(|| LOCK.try_acquire() && LOCK.release().is_ok()).join().unwrap()
        );
    });
}

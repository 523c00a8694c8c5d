//! Semaphores.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::sync::{BoundedSemaphore, OverRelease, Semaphore, WaitError};
use greenhub::{Timeout, sleep, spawn};

use crate::support::{bounded, millis, settle};

#[test]
fn one_release_too_many_is_an_error_of_a_bounded_one() {
    let semaphore = BoundedSemaphore::new(2);
    assert_eq!(semaphore.release(), Err(OverRelease));
    semaphore.acquire().unwrap();
    assert_eq!((semaphore.release(), semaphore.release()), (Ok(()), Err(OverRelease)));
    assert_eq!(semaphore.free(), 2);
}

#[test]
fn a_release_adds_a_permit_to_an_unbounded_one() {
    let semaphore = Semaphore::new(0);
    semaphore.release();
    assert!(semaphore.try_acquire());
    assert!(!semaphore.try_acquire());
}

#[test]
fn two_releases_serve_two() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(0));
        let served = Rc::new(Cell::new(0));
        let waiters = [(); 2].map(|()| {
            let (semaphore, served) = (Rc::clone(&semaphore), Rc::clone(&served));
            spawn(move || semaphore.acquire().map(|()| served.set(served.get() + 1)))
        });
        settle();
        semaphore.release();
        semaphore.release();
        greenhub::joinall(&waiters);
        assert_eq!((served.get(), semaphore.free()), (2, 0));
    });
}

#[test]
fn as_many_are_let_in_as_there_are_permits_batch_by_batch() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(7));
        let taken = Rc::new(Cell::new(0));
        let takers: Vec<_> = (0..10)
            .map(|_| {
                let (semaphore, taken) = (Rc::clone(&semaphore), Rc::clone(&taken));
                spawn(move || {
                    for _ in 0..2 {
                        semaphore.acquire().unwrap();
                        taken.set(taken.get() + 1);
                    }
                })
            })
            .collect();
        let mut expected = 7;
        for released in [0, 6, 5, 2] {
            (0..released).for_each(|_| semaphore.release());
            settle();
            expected += released;
            assert_eq!((taken.get(), semaphore.free()), (expected, 0));
        }
        assert!(takers.iter().all(|taker| taker.join().is_ok()));
    });
}

#[test]
fn nobody_overtakes_one_that_was_handed_a_permit() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(0));
        let waits = Rc::clone(&semaphore);
        let waiter = spawn(move || waits.acquire());
        settle();
        semaphore.release();
        assert!(!semaphore.try_acquire(), "it is the waiter's, who has yet to run");
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn a_permit_is_released_by_a_kill() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(1));
        let holds = Rc::clone(&semaphore);
        let holder = spawn(move || {
            let _permit = holds.permit().unwrap();
            sleep(millis(60_000));
        });
        settle();
        assert_eq!(semaphore.free(), 0);
        holder.kill();
        assert_eq!(semaphore.free(), 1);
    });
}

#[test]
fn to_wait_for_one_takes_none() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(0));
        assert_eq!(semaphore.wait_for(millis(5)), Err(WaitError::TimedOut));
        let theirs = Rc::clone(&semaphore);
        let waiter = spawn(move || theirs.wait());
        settle();
        semaphore.release();
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!((semaphore.free(), semaphore.wait()), (1, Ok(())));
    });
}

#[test]
fn a_limit_that_is_lifted_in_the_last_moment_does_not_end_a_wait_for_a_permit() {
    bounded(|| {
        let semaphore = Semaphore::new(0);
        let waited = Timeout::new(millis(60)).run(|running| {
            greenhub::scope(|scope| {
                scope.spawn(|| {
                    sleep(millis(5));
                    running.cancel();
                    sleep(millis(5));
                    semaphore.release();
                });
                // The limit is over in the turn in which the other one runs, and that runs first.
                scope.spawn(|| std::thread::sleep(millis(120)));
                semaphore.wait()
            })
        });
        assert_eq!(waited, Ok(Ok(())));
    });
}

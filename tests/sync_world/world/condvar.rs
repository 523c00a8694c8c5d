use std::sync::Arc;
use std::time::{Duration, Instant};

use super::common::{eventually, millis, settle, unwind, unwinds};
use super::world::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use super::world::thread;
use crate::support::bounded;

type Shared<T> = Arc<(Mutex<T>, Condvar)>;

fn shared<T>(value: T) -> Shared<T> {
    Arc::new((Mutex::new(value), Condvar::new()))
}

#[test]
fn it_stands_in_a_static_beside_its_mutex() {
    bounded(|| {
        static READY: Mutex<bool> = Mutex::new(false);
        static CHANGED: Condvar = Condvar::new();
        let waiter = thread::spawn(|| {
            let mut ready = READY.lock().unwrap();
            while !*ready {
                ready = CHANGED.wait(ready).unwrap();
            }
        });
        settle();
        *READY.lock().unwrap() = true;
        CHANGED.notify_one();
        waiter.join().unwrap();
    });
}

#[test]
fn a_notification_before_the_wait_is_not_kept() {
    bounded(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        condvar.notify_one();
        condvar.notify_all();
        let guard = mutex.lock().unwrap();
        assert!(condvar.wait_timeout(guard, millis(10)).unwrap().1.timed_out());
    });
}

#[test]
fn the_mutex_is_free_during_the_wait_and_held_after_it() {
    bounded(|| {
        let shared = shared(0);
        let waits = Arc::clone(&shared);
        let waiter = thread::spawn(move || {
            let (mutex, condvar) = &*waits;
            let guard = condvar.wait_while(mutex.lock().unwrap(), |n| *n == 0).unwrap();
            assert!(mutex.try_lock().is_err());
            *guard
        });
        settle();
        let mut guard = shared.0.lock().unwrap();
        *guard = 7;
        shared.1.notify_one();
        drop(guard);
        assert_eq!(waiter.join().unwrap(), 7);
    });
}

#[test]
fn notify_one_ends_one_wait_and_notify_all_all() {
    bounded(|| {
        let shared = shared((0, 0));
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let guard = shared.0.lock().unwrap();
                    let mut guard = shared.1.wait_while(guard, |(let_in, _)| *let_in == 0).unwrap();
                    guard.0 -= 1;
                    guard.1 += 1;
                })
            })
            .collect();
        settle();
        shared.0.lock().unwrap().0 = 1;
        shared.1.notify_one();
        let waits = || (*shared.0.lock().unwrap() == (0, 1)).then_some(());
        eventually(waits);
        settle();
        waits().expect("the others go on waiting");
        shared.0.lock().unwrap().0 = 3;
        shared.1.notify_all();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(*shared.0.lock().unwrap(), (0, 4));
    });
}

#[test]
fn a_limit_of_zero_times_out() {
    let (mutex, condvar) = (Mutex::new(7), Condvar::new());
    let (guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).unwrap();
    assert!(result.timed_out());
    assert!(mutex.try_lock().is_err(), "it is held again");
    assert_eq!(*guard, 7);
}

#[test]
fn a_loop_of_limits_of_zero_lets_others_have_the_mutex() {
    bounded(|| {
        let shared = shared(false);
        let sets = Arc::clone(&shared);
        let setter = thread::spawn(move || *sets.0.lock().unwrap() = true);
        let mut guard = shared.0.lock().unwrap();
        while !*guard {
            guard = shared.1.wait_timeout(guard, Duration::ZERO).unwrap().0;
        }
        drop(guard);
        setter.join().unwrap();
    });
}

#[test]
fn a_limit_is_kept() {
    bounded(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let start = Instant::now();
        let guard = mutex.lock().unwrap();
        let (guard, result) = condvar.wait_timeout_while(guard, millis(30), |()| true).unwrap();
        assert!(result.timed_out());
        assert!(start.elapsed() >= millis(30));
        drop(guard);
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_notification_in_time_is_no_timeout() {
    bounded(|| {
        let shared = shared(false);
        let notifies = Arc::clone(&shared);
        let guard = shared.0.lock().unwrap();
        let notifier = thread::spawn(move || {
            *notifies.0.lock().unwrap() = true;
            notifies.1.notify_one();
        });
        let limit = Duration::from_secs(50);
        let (guard, result) = shared.1.wait_timeout_while(guard, limit, |is_set| !*is_set).unwrap();
        assert!(*guard && !result.timed_out());
        drop(guard);
        notifier.join().unwrap();
    });
}

#[test]
fn the_longest_limit_is_as_none() {
    bounded(|| {
        let shared = shared(false);
        let notifies = Arc::clone(&shared);
        let guard = shared.0.lock().unwrap();
        let notifier = thread::spawn(move || {
            *notifies.0.lock().unwrap() = true;
            notifies.1.notify_all();
        });
        let (guard, result) =
            shared.1.wait_timeout_while(guard, Duration::MAX, |is_set| !*is_set).unwrap();
        assert!(*guard && !result.timed_out());
        drop(guard);
        notifier.join().unwrap();
    });
}

#[test]
fn a_condition_that_is_false_at_once_is_not_waited_for() {
    let (mutex, condvar) = (Mutex::new(7), Condvar::new());
    assert_eq!(*condvar.wait_while(mutex.lock().unwrap(), |_| false).unwrap(), 7);
    let (guard, result) = condvar
        .wait_timeout_while(mutex.lock().unwrap(), Duration::ZERO, |value| {
            *value = 8;
            false
        })
        .unwrap();
    assert_eq!((*guard, result.timed_out()), (8, false));
}

#[test]
fn a_condition_is_looked_at_before_a_limit_of_zero() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let guard = mutex.lock().unwrap();
    let (guard, result) = condvar
        .wait_timeout_while(guard, Duration::ZERO, |looks| {
            *looks += 1;
            true
        })
        .unwrap();
    assert_eq!((*guard, result.timed_out()), (1, true));
}

#[test]
fn wait_while_goes_on_only_when_the_condition_is_false() {
    bounded(|| {
        let shared = shared(0);
        let waits = Arc::clone(&shared);
        let waiter = thread::spawn(move || {
            *waits.1.wait_while(waits.0.lock().unwrap(), |n| *n < 3).unwrap()
        });
        for _ in 0..3 {
            settle();
            *shared.0.lock().unwrap() += 1;
            shared.1.notify_all();
        }
        assert_eq!(waiter.join().unwrap(), 3);
    });
}

#[test]
#[allow(deprecated)]
fn the_old_name_with_milliseconds_tells_whether_it_was_notified() {
    bounded(|| {
        let (mutex, condvar) = (Mutex::new(7), Condvar::new());
        let (guard, notified) = condvar.wait_timeout_ms(mutex.lock().unwrap(), 5).unwrap();
        assert_eq!((*guard, notified), (7, false));
    });
}

#[test]
fn a_mutex_that_is_poisoned_meanwhile_is_told() {
    bounded(|| {
        let shared = shared(false);
        let poisons = Arc::clone(&shared);
        let guard = shared.0.lock().unwrap();
        let poisoner = thread::spawn(move || {
            let mut guard = poisons.0.lock().unwrap();
            *guard = true;
            poisons.1.notify_one();
            unwind();
        });
        let error = shared.1.wait_while(guard, |is_set| !*is_set).unwrap_err();
        assert!(*error.into_inner());
        assert!(poisoner.join().is_err());
    });
}

#[test]
fn a_poisoned_mutex_can_be_waited_with() {
    bounded(|| {
        let (mutex, condvar) = (Mutex::new(7), Condvar::new());
        assert!(unwinds(|| {
            let _guard = mutex.lock().unwrap();
            unwind()
        }));
        let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, result) = condvar.wait_timeout(guard, millis(1)).unwrap_err().into_inner();
        assert_eq!((*guard, result.timed_out()), (7, true));
        drop(guard);
        let guard: MutexGuard<'_, i32> = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = condvar.wait_timeout_while(guard, millis(1), |_| true);
        assert_eq!(*waited.unwrap_err().into_inner().0, 7);
    });
}

#[test]
fn a_condition_that_panics_poisons_the_mutex() {
    let (mutex, condvar) = (Mutex::new(7), Condvar::new());
    assert!(unwinds(|| drop(condvar.wait_while(mutex.lock().unwrap(), |_| unwind()))));
    assert!(mutex.is_poisoned());
}

#[test]
fn its_texts_are_these() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::default());
    assert_eq!(format!("{condvar:?}"), "Condvar { .. }");
    let result = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).unwrap().1;
    assert_eq!(format!("{result:?}"), "WaitTimeoutResult(true)");
    let copy = result;
    assert_eq!(copy, result);
}

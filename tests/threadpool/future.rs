//! Future: results, looks, cancelling, callbacks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use greenhub::sync::{Event, WaitError};
use greenhub::{Future, FutureError, ThreadPool, sleep, spawn};

use crate::support::{Door, bounded, fail, millis, settle, unhandled};

#[test]
fn a_future_goes_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Future<std::cell::Cell<u8>>>();
    is_send_and_sync::<ThreadPool>();
    is_send_and_sync::<greenhub::ThreadPoolExecutor>();
}

#[test]
fn a_result_is_taken_once() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let future = pool.spawn(|| vec![7]);
        let clone = future.clone();
        assert_eq!(future.result().unwrap(), [7]);
        assert!(matches!(clone.result(), Err(FutureError::Taken)));
        assert!(clone.done() && clone.is_successful() && !clone.cancelled());
    });
}

#[test]
fn a_limit_is_an_error_and_the_future_can_be_asked_again() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        assert!(matches!(held.result_for(Duration::ZERO), Err(FutureError::TimedOut)));
        assert!(matches!(held.result_for(millis(2)), Err(FutureError::TimedOut)));
        assert_eq!(held.wait_for(millis(2)), Err(WaitError::TimedOut));
        door.open();
        held.wait().unwrap();
        assert!(held.result_for(Duration::ZERO).is_ok());
    });
}

#[test]
fn everyone_who_waits_goes_on_and_one_has_the_result() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        let waiters: Vec<_> = (0..5)
            .map(|_| {
                let held = held.clone();
                spawn(move || held.result().is_ok())
            })
            .collect();
        sleep(millis(2));
        door.open();
        let winners = waiters.iter().filter(|waiter| waiter.join().unwrap()).count();
        assert_eq!(winners, 1);
    });
}

#[test]
fn the_state_can_be_seen() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        let queued = pool.spawn(|| fail::<()>("boo"));
        assert!(held.running() && !held.done());
        assert!(!queued.running() && !queued.done() && !queued.cancelled());
        assert!(format!("{held:?} {queued:?}").contains("running"));
        door.open();
        queued.wait().unwrap();
        assert!(queued.done() && !queued.is_successful() && !queued.running());
        assert_eq!(queued.panic_message().as_deref(), Some("boo"));
        assert_eq!(held.panic_message(), None);
        let error = queued.result().unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: boo");
        assert_eq!(queued.panic_message().as_deref(), Some("boo"), "also when it is taken");
    });
}

#[test]
fn a_queued_task_can_be_cancelled_and_is_never_run() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let queued = pool.spawn(move || count.fetch_add(1, Ordering::SeqCst));
        assert_eq!(Arc::strong_count(&runs), 2);
        assert!(queued.cancel());
        assert_eq!(Arc::strong_count(&runs), 1, "its closure is gone");
        assert_eq!(pool.len(), 1, "and so is its place");
        assert!(queued.cancel() && queued.cancelled() && queued.done());
        assert!(matches!(queued.result(), Err(FutureError::Cancelled)));
        assert!(!held.cancel() && !held.cancelled());
        door.open();
        held.result().unwrap();
        assert!(!held.cancel());
        assert_eq!(pool.apply(|| 7), 7);
        assert_eq!(runs.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn cancelling_ends_the_wait_of_others() {
    bounded(|| {
        let pool = ThreadPool::new(0);
        let queued = pool.spawn(|| 7);
        let theirs = queued.clone();
        let waiter = spawn(move || theirs.result());
        sleep(millis(1));
        assert!(queued.cancel());
        assert!(matches!(waiter.join().unwrap(), Err(FutureError::Cancelled)));
    });
}

#[test]
fn a_kill_and_a_limit_reach_one_who_cancels_where_a_destructor_waits() {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            greenhub::sleep(Duration::from_secs(60));
        }
    }
    bounded(|| {
        let pool = ThreadPool::new(0);
        let waiting = || {
            let waits = Waits;
            pool.spawn(move || drop(waits))
        };
        let first = waiting();
        let limited = greenhub::with_timeout(Duration::from_millis(20), || first.cancel());
        assert!(limited.is_err() && first.cancelled());
        let second = waiting();
        let cancels = greenhub::spawn(move || second.cancel());
        greenhub::yield_now();
        assert!(cancels.kill_for(Duration::from_secs(30)));
        assert_eq!(pool.len(), 0);
    });
}

#[test]
fn a_task_is_either_run_or_cancelled() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        for _ in 0..2_000 {
            let runs = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&runs);
            let future = pool.spawn(move || count.fetch_add(1, Ordering::SeqCst));
            let cancelled = future.cancel();
            assert_eq!(future.result().is_err(), cancelled);
            assert_eq!(runs.load(Ordering::SeqCst), usize::from(!cancelled));
        }
        pool.join().unwrap();
    });
}

#[test]
fn callbacks_are_called_in_order_once_before_the_task_counts_as_done() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let task = door.task();
        let future = pool.spawn(move || {
            task();
            thread::current().id()
        });
        let calls = Arc::new(Mutex::new(Vec::new()));
        for n in 0..3 {
            let calls = Arc::clone(&calls);
            future.add_done_callback(move |future| {
                assert!(future.done());
                thread::sleep(millis(1));
                calls.lock().unwrap().push((n, thread::current().id()));
            });
        }
        door.open();
        pool.join().unwrap();
        let worker = future.result().unwrap();
        assert_eq!(*calls.lock().unwrap(), [(0, worker), (1, worker), (2, worker)]);
    });
}

#[test]
fn a_callback_that_is_added_late_is_called_at_once() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let future = pool.spawn(|| 7);
        future.wait().unwrap();
        let called = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&called);
        future.add_done_callback(move |future| {
            *sink.lock().unwrap() = Some((future.result().unwrap(), thread::current().id()));
        });
        assert_eq!(*called.lock().unwrap(), Some((7, thread::current().id())));
    });
}

#[test]
fn a_callback_hears_of_a_cancelling() {
    bounded(|| {
        let pool = ThreadPool::new(0);
        let future = pool.spawn(|| ());
        let heard = Arc::new(Event::new());
        let tell = Arc::clone(&heard);
        future.add_done_callback(move |future| {
            assert!(future.cancelled());
            tell.set();
        });
        future.cancel();
        assert!(heard.is_set());
    });
}

#[test]
fn a_callback_that_panics_is_told_and_the_others_are_called() {
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let future = pool.spawn(door.task());
        let called = Arc::new(Event::new());
        let tell = Arc::clone(&called);
        future.add_done_callback(|_| fail("first"));
        future.add_done_callback(move |_| tell.set());
        door.open();
        settle(&pool);
        assert!(called.is_set());
        assert!(future.result().is_ok());
        future.add_done_callback(|_| fail("late"));
        let from = "a callback of a task of a pool";
        assert_eq!(*told.borrow(), [format!("{from}: first"), format!("{from}: late")]);
    });
}

//! Every closure and every result is dropped, once.

use std::sync::Arc;

use greenhub::{Future, JoinError, ThreadPool, ThreadPoolExecutor, sleep, spawn};

use crate::support::{Counted, Door, Tally, bounded, fail, millis, until};

/// A task that owns a counted value and returns another one.
fn counted(closures: &Tally, results: &Tally) -> impl FnOnce() -> Counted + Send + use<> {
    let (owned, results) = (closures.one(), results.clone());
    move || {
        drop(owned);
        results.one()
    }
}

#[test]
fn what_is_captured_is_freed_when_the_call_is_over() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let captured = Arc::new(());
        let theirs = Arc::clone(&captured);
        let result = pool.apply(move || Arc::clone(&theirs));
        assert_eq!(Arc::strong_count(&captured), 2);
        drop(result);
        let theirs = Arc::clone(&captured);
        let future = pool.spawn(move || {
            let _theirs = theirs;
            fail::<()>("no")
        });
        future.wait().unwrap();
        assert_eq!(Arc::strong_count(&captured), 1, "also by a panic");
        assert!(future.result().is_err());
    });
}

#[test]
fn results_taken_or_not_are_dropped_once() {
    bounded(|| {
        let (closures, results) = (Tally::default(), Tally::default());
        let pool = ThreadPool::new(3);
        for n in 0..3_000 {
            let future = pool.spawn(counted(&closures, &results));
            match n % 4 {
                0 => drop(future.result()),
                1 => drop(future),
                2 => drop((future.clone(), future.cancel())),
                _ => future.add_done_callback(|future| drop(future.result())),
            }
        }
        pool.join().unwrap();
        assert_eq!((closures.made(), closures.dropped()), (3_000, 3_000));
        assert_eq!(results.made(), results.dropped());
        assert!(results.made() >= 2_250);
    });
}

#[test]
fn the_result_for_a_killed_waiter_is_dropped_once() {
    bounded(|| {
        let (pool, door, results) =
            (Arc::new(ThreadPool::new(1)), Door::default(), Tally::default());
        let (theirs, task, made) = (Arc::clone(&pool), door.task(), results.clone());
        let waiter = spawn(move || {
            drop(theirs.apply(move || {
                task();
                made.one()
            }));
        });
        sleep(millis(2));
        waiter.kill();
        assert!(matches!(waiter.join(), Err(JoinError::Killed)));
        assert_eq!(results.made(), 0);
        door.open();
        pool.join().unwrap();
        assert_eq!((results.made(), results.dropped()), (1, 1));
    });
}

#[test]
fn a_dropped_pool_does_its_queue_and_ends_its_threads() {
    bounded(|| {
        let (closures, results) = (Tally::default(), Tally::default());
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        let queued = pool.spawn(counted(&closures, &results));
        drop(pool);
        assert!(!held.done());
        door.open();
        assert!(queued.result().is_ok());
        until(|| closures.dropped() == 1 && results.dropped() == 1);
    });
}

#[test]
fn a_dropped_pool_of_zero_cancels_its_queue() {
    bounded(|| {
        let (closures, results) = (Tally::default(), Tally::default());
        let pool = ThreadPool::new(0);
        let queued = pool.spawn(counted(&closures, &results));
        drop(pool);
        assert!(queued.cancelled());
        assert_eq!((closures.dropped(), results.made()), (1, 0));
    });
}

#[test]
fn a_task_may_hold_the_last_handle_of_its_own_pool() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        let door = Door::default();
        let (own, task) = (Arc::clone(&pool), door.task());
        let future = pool.spawn(move || {
            task();
            own.size()
        });
        drop(pool);
        door.open();
        assert_eq!(future.result().unwrap(), 1);
    });
}

#[test]
fn a_future_that_its_own_callback_holds_is_freed() {
    bounded(|| {
        let results = Tally::default();
        let pool = ThreadPool::new(0);
        let made = results.clone();
        let future: Future<_> = pool.spawn(move || made.one());
        let own = future.clone();
        future.add_done_callback(move |_| drop(own));
        drop(future);
        pool.set_maxsize(1).unwrap();
        pool.join().unwrap();
        assert_eq!((results.made(), results.dropped()), (1, 1));
    });
}

#[test]
fn a_shutdown_that_cancels_drops_every_closure_once() {
    bounded(|| {
        let (closures, results) = (Tally::default(), Tally::default());
        let executor = ThreadPoolExecutor::new(2);
        let futures: Vec<_> =
            (0..500).map(|_| executor.submit(counted(&closures, &results)).unwrap()).collect();
        executor.shutdown_and_cancel(true).unwrap();
        assert_eq!(closures.dropped(), 500);
        let cancelled = futures.iter().filter(|future| future.cancelled()).count();
        drop(futures);
        assert_eq!((results.made(), results.dropped()), (500 - cancelled, 500 - cancelled));
    });
}

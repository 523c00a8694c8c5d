//! ThreadPoolExecutor: submit, map, shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use greenhub::threadpool::SubmitError;
use greenhub::{FutureError, ThreadPoolExecutor, sleep, spawn};

use crate::support::{Door, bounded, millis, until};

#[test]
fn any_number_of_tasks_is_taken_at_once() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let door = Door::default();
        let first = executor.submit(door.task()).unwrap();
        let futures: Vec<_> = (0..1_000).map(|n| executor.submit(move || n).unwrap()).collect();
        assert!(!first.done());
        door.open();
        let sum: u32 = futures.iter().map(|future| future.result().unwrap()).sum();
        assert_eq!(sum, 999 * 1_000 / 2);
    });
}

#[test]
fn the_loop_goes_on_while_one_waits_for_a_future() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let door = Door::default();
        let future = executor.submit(door.task()).unwrap();
        let other = spawn(move || {
            sleep(millis(1));
            door.open();
        });
        future.result().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn after_shutdown_submit_gives_the_closure_back() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        executor.shutdown(false).unwrap();
        let captured = "captured".to_owned();
        let SubmitError(closure) = executor.submit(move || captured).unwrap_err();
        assert_eq!(closure(), "captured");
        let SubmitError((_, items)) = executor.map(|n: u8| n, vec![1, 2]).unwrap_err();
        assert_eq!(items, [1, 2]);
        let error = executor.submit(|| ()).unwrap_err();
        assert!(error.to_string().contains("shut down"));
    });
}

#[test]
fn shutdown_that_waits_returns_when_all_is_done_and_no_thread_is_left() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(2);
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            let done = Arc::clone(&done);
            let task = move || {
                thread::sleep(millis(1));
                done.fetch_add(1, Ordering::SeqCst);
            };
            drop(executor.submit(task).unwrap());
        }
        executor.shutdown(true).unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 10);
        assert!(format!("{executor:?}").contains("size: 0"));
        executor.shutdown(true).unwrap();
    });
}

#[test]
fn shutdown_that_does_not_wait_returns_at_once_and_all_is_done() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let door = Door::default();
        let held = executor.submit(door.task()).unwrap();
        let queued = executor.submit(|| 7).unwrap();
        executor.shutdown(false).unwrap();
        assert!(!held.done() && !queued.done());
        door.open();
        assert_eq!(queued.result().unwrap(), 7);
        executor.shutdown(true).unwrap();
        assert!(format!("{executor:?}").contains("size: 0"));
    });
}

#[test]
fn shutdown_can_cancel_what_has_not_begun() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let door = Door::default();
        let held = executor.submit(door.task()).unwrap();
        until(|| held.running());
        let queued: Vec<_> = (0..5).map(|n| executor.submit(move || n).unwrap()).collect();
        executor.shutdown_and_cancel(false).unwrap();
        assert!(queued.iter().all(|future| future.cancelled()));
        assert!(held.running());
        let opener = spawn(move || door.open());
        executor.shutdown_and_cancel(true).unwrap();
        held.result().unwrap();
        opener.join().unwrap();
    });
}

#[test]
fn a_task_that_would_wait_for_its_own_executor_is_told_so() {
    bounded(|| {
        let executor = Arc::new(ThreadPoolExecutor::new(1));
        let own = Arc::clone(&executor);
        let waits = executor.submit(move || own.shutdown(true)).unwrap();
        let error = waits.result().unwrap_err();
        assert!(error.to_string().contains("would wait for itself"), "{error}");
        let own = Arc::clone(&executor);
        executor.submit(move || own.shutdown(false)).unwrap().result().unwrap().unwrap();
        assert!(executor.submit(|| ()).is_err());
    });
}

#[test]
fn one_who_is_killed_while_it_waits_for_the_end_has_shut_it_down() {
    bounded(|| {
        let executor = Arc::new(ThreadPoolExecutor::new(1));
        let door = Door::default();
        let held = executor.submit(door.task()).unwrap();
        let own = Arc::clone(&executor);
        let closer = spawn(move || own.shutdown(true));
        sleep(millis(1));
        closer.kill();
        assert!(executor.submit(|| ()).is_err());
        assert!(!held.done());
        door.open();
        executor.shutdown(true).unwrap();
        held.result().unwrap();
    });
}

#[test]
fn a_dropped_executor_does_what_it_has_taken() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let door = Door::default();
        drop(executor.submit(door.task()).unwrap());
        let queued = executor.submit(|| 7).unwrap();
        drop(executor);
        door.open();
        assert_eq!(queued.result().unwrap(), 7);
    });
}

#[test]
fn map_gives_results_in_order_and_a_dropped_map_cancels_the_rest() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(2);
        let results = executor.map(
            |n: u64| {
                thread::sleep(millis(3 - n));
                n
            },
            0..3,
        );
        let results = results.unwrap();
        assert_eq!(results.len(), 3);
        let results: Result<Vec<_>, _> = results.collect();
        assert_eq!(results.unwrap(), [0, 1, 2]);

        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let door = Door::default();
        let held = [executor.submit(door.task()).unwrap(), executor.submit(door.task()).unwrap()];
        until(|| held.iter().all(|held| held.running()));
        drop(executor.map(move |_: u8| count.fetch_add(1, Ordering::SeqCst), 0..50).unwrap());
        door.open();
        executor.shutdown(true).unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_shutdown_in_the_middle_of_a_map_cancels_the_other_items() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(1);
        let items = (0..4).inspect(|n| {
            if *n == 2 {
                executor.shutdown(false).unwrap();
            }
        });
        let results: Vec<_> = executor.map(|n: u8| n, items).ok().unwrap().collect();
        assert!(matches!(results[..2], [Ok(0), Ok(1)]));
        assert!(results[2..].iter().all(|item| matches!(item, Err(FutureError::Cancelled))));
    });
}

#[test]
#[should_panic(expected = "at least one thread")]
fn an_executor_without_threads_is_refused() {
    drop(ThreadPoolExecutor::new(0));
}

#[test]
fn the_default_executor_works() {
    bounded(|| {
        let executor = ThreadPoolExecutor::default();
        assert_eq!(executor.submit(|| 7).unwrap().result().unwrap(), 7);
    });
}

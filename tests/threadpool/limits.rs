//! How many threads there are, while that changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use greenhub::{ThreadPool, sleep, spawn};

use crate::support::{Door, bounded, millis, until};

#[test]
fn a_pool_of_zero_queues_until_it_is_raised() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(0));
        let first = pool.spawn(|| 1);
        let theirs = Arc::clone(&pool);
        let second = spawn(move || theirs.spawn(|| 2));
        sleep(millis(2));
        assert!(!first.done() && !first.running() && !second.is_finished());
        assert_eq!((pool.len(), pool.size()), (1, 0));
        pool.set_maxsize(3).unwrap();
        assert_eq!(first.result().unwrap(), 1);
        assert_eq!(second.join().unwrap().result().unwrap(), 2);
    });
}

#[test]
fn a_raised_bound_begins_what_is_queued() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        let door = Door::default();
        let held: Vec<_> = (0..3).map(|_| pool.spawn(door.task())).collect();
        until(|| held.iter().filter(|held| held.running()).count() == 2);
        assert_eq!((pool.size(), pool.maxsize()), (2, 2));
        pool.set_maxsize(3).unwrap();
        until(|| held.iter().all(|held| held.running()));
        assert_eq!((pool.size(), pool.maxsize()), (3, 3));
        door.open();
        pool.join().unwrap();
    });
}

#[test]
fn a_raised_bound_lets_in_those_who_wait_for_room() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(0));
        pool.spawn(|| ());
        let waits: Vec<_> = (0..5)
            .map(|n| {
                let pool = Arc::clone(&pool);
                spawn(move || pool.spawn(move || n))
            })
            .collect();
        sleep(millis(2));
        assert_eq!(pool.len(), 1);
        pool.set_maxsize(8).unwrap();
        for (n, waits) in waits.into_iter().enumerate() {
            assert_eq!(waits.join().unwrap().result().unwrap(), n);
        }
    });
}

#[test]
fn a_lowered_bound_ends_idle_threads_at_once_and_busy_ones_after_their_task() {
    bounded(|| {
        let pool = ThreadPool::new(3);
        let (first, others) = (Door::default(), Door::default());
        let held = first.hold(&pool);
        let mut rest = vec![others.hold(&pool), others.hold(&pool)];
        others.open();
        rest.drain(..).for_each(|future| future.result().unwrap());
        assert_eq!(pool.size(), 3);
        pool.set_maxsize(1).unwrap();
        until(|| pool.size() == 1);
        assert!(held.running());
        let queued = pool.spawn(|| 7);
        pool.set_maxsize(0).unwrap();
        sleep(millis(2));
        assert_eq!(pool.size(), 1, "it is still at its task");
        first.open();
        until(|| pool.size() == 0);
        held.result().unwrap();
        assert!(!queued.done());
        pool.set_maxsize(1).unwrap();
        assert_eq!(queued.result().unwrap(), 7);
    });
}

#[test]
fn a_lowered_bound_makes_spawn_wait_until_there_is_room_under_it() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(3));
        let doors = [(); 4].map(|()| Door::default());
        let futures = doors.each_ref().map(|door| pool.spawn(door.task()));
        pool.set_maxsize(1).unwrap();
        let theirs = Arc::clone(&pool);
        let waits = spawn(move || theirs.spawn(|| ()));
        doors[..2].iter().for_each(Door::open);
        futures[..2].iter().for_each(|future| future.result().unwrap());
        sleep(millis(2));
        assert!(!waits.is_finished(), "two are too many");
        doors[2].open();
        waits.join().unwrap();
        doors[3].open();
        pool.join().unwrap();
    });
}

#[test]
fn no_more_tasks_run_at_once_than_the_bound_while_it_changes() {
    bounded(|| {
        let pool = ThreadPool::new(4);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for round in 0..300 {
            if round % 10 == 0 {
                pool.set_maxsize(1 + round / 10 % 4).unwrap();
            }
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            drop(pool.spawn(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        pool.join().unwrap();
        assert!(most.load(Ordering::SeqCst) <= 4);
        pool.set_maxsize(1).unwrap();
        until(|| pool.size() <= 1);
        assert_eq!(pool.apply(|| 7), 7);
    });
}

#[test]
fn an_idle_thread_ends_after_its_time() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        pool.set_idle_timeout(None);
        pool.apply(|| ());
        sleep(millis(20));
        assert_eq!(pool.size(), 1);
        pool.set_idle_timeout(Some(millis(1)));
        until(|| pool.size() == 0);
        assert_eq!(pool.apply(|| 7), 7);
    });
}

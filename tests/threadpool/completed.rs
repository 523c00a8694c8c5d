//! Several futures at once: as_completed, and wait and iwait over them.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use greenhub::sync::Event;
use greenhub::threadpool::as_completed;
use greenhub::{
    Future, JoinError, Select, ThreadPool, ThreadPoolExecutor, Waitable, iwait, sleep, spawn, wait,
};

use crate::support::{Door, bounded, fail, millis};

/// Tasks that return their place when their door is open.
fn behind_doors(pool: &ThreadPool) -> ([Door; 3], Vec<Future<usize>>) {
    let doors = [(); 3].map(|()| Door::default());
    let tasks = doors.each_ref().map(Door::task).into_iter().enumerate();
    let futures = tasks.map(|(place, task)| {
        pool.spawn(move || {
            task();
            place
        })
    });
    let futures = futures.collect();
    (doors, futures)
}

#[test]
fn futures_come_in_the_order_in_which_their_tasks_end() {
    bounded(|| {
        let pool = ThreadPool::new(3);
        let (doors, futures) = behind_doors(&pool);
        let mut all = as_completed(futures, None);
        for place in [2, 0, 1] {
            doors[place].open();
            let next = all.next().unwrap();
            assert!(next.done());
            assert_eq!(next.result().unwrap(), place);
        }
        assert!(all.next().is_none());
    });
}

#[test]
fn those_that_have_ended_in_whatever_way_come_first() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let held = door.hold(&pool);
        let cancelled = pool.spawn(|| ());
        cancelled.cancel();
        let mut all = as_completed([held, cancelled], None);
        assert!(all.next().unwrap().cancelled());
        door.open();
        assert!(all.next().unwrap().is_successful());
        let failed = pool.spawn(|| fail::<()>("no"));
        let next = as_completed([failed], None).next().unwrap();
        assert_eq!(next.panic_message().as_deref(), Some("no"));
        assert!(next.result().is_err());
    });
}

#[test]
fn a_limit_ends_the_sequence_and_not_the_tasks() {
    bounded(|| {
        let pool = ThreadPool::new(3);
        let (doors, futures) = behind_doors(&pool);
        doors[1].open();
        futures[1].wait().unwrap();
        let in_time: Vec<_> = as_completed(futures.clone(), Some(millis(5))).collect();
        assert_eq!(in_time.len(), 1);
        assert_eq!(as_completed(futures.clone(), Some(Duration::ZERO)).count(), 1);
        doors.iter().for_each(Door::open);
        assert_eq!(as_completed(futures, None).count(), 3);
    });
}

#[test]
fn other_greenlets_run_while_one_waits_for_the_first() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(2);
        let door = Door::default();
        let futures = [(); 2].map(|()| executor.submit(door.task()).unwrap());
        let opener = spawn(move || {
            sleep(millis(2));
            door.open();
        });
        assert_eq!(as_completed(futures, None).count(), 2);
        opener.join().unwrap();
    });
}

#[test]
fn a_thousand_come_each_once() {
    bounded(|| {
        let executor = ThreadPoolExecutor::new(4);
        let futures: Vec<_> = (0..1_000).map(|n| executor.submit(move || n).unwrap()).collect();
        let mut all: Vec<u32> =
            as_completed(futures, None).map(|future| future.result().unwrap()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    });
}

#[test]
fn futures_and_greenlets_and_events_are_waited_for_together() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let future = door.hold(&pool);
        let greenlet = spawn(|| sleep(Duration::from_secs(3600)));
        let event = Event::new();
        let all: [&dyn Waitable; 3] = [&future, &greenlet, &event];
        assert!(wait(all, Some(millis(2)), None).is_empty());
        door.open();
        assert_eq!(wait(all, None, Some(1)).len(), 1);
        assert!(future.done());
        event.set();
        assert_eq!(iwait(all).take(2).count(), 2);
    });
}

#[test]
fn a_select_hears_of_a_future() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let never = Event::new();
        let future = pool.spawn(|| 7);
        let chosen = Select::new().wait(&never, || "event").wait(&future, || "future").run();
        assert_eq!(chosen, Ok("future"));
        assert_eq!(future.result().unwrap(), 7);
    });
}

#[test]
fn one_who_is_killed_while_it_waits_for_several_leaves_them() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(3));
        let (doors, futures) = behind_doors(&pool);
        let theirs = futures.clone();
        let waiter = spawn(move || as_completed(theirs, None).count());
        sleep(millis(2));
        waiter.kill();
        assert!(matches!(waiter.join(), Err(JoinError::Killed)));
        doors.iter().for_each(Door::open);
        assert_eq!(as_completed(futures, None).count(), 3);
    });
}

#[test]
fn a_plain_thread_takes_them_as_they_come() {
    bounded(|| {
        let pool = ThreadPool::new(3);
        let (doors, futures) = behind_doors(&pool);
        let plain = thread::spawn(move || {
            as_completed(futures, None).map(|future| future.result().unwrap()).sum::<usize>()
        });
        doors.iter().for_each(Door::open);
        assert_eq!(plain.join().unwrap(), 3);
    });
}

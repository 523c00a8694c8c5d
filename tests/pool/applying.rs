//! Calls by way of a pool.

use std::rc::Rc;

use greenhub::sync::Event;
use greenhub::{JoinError, Pool, sleep, spawn, with_timeout};

use crate::support::{Gauge, Log, assert_nothing_left, bounded, fail, forever, millis, settle};

#[test]
fn apply_gives_the_value_or_the_error() {
    bounded(|| {
        let pool = Pool::new(1);
        assert_eq!(pool.apply(|| 7).unwrap(), 7);
        match pool.apply(|| fail("boom")) {
            Err(JoinError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&"boom")),
            other => panic!("{other:?}"),
        }
        let killed = pool.apply(|| greenhub::current().kill());
        assert!(matches!(killed, Err(JoinError::Killed)));
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn members_wait_for_each_other() {
    bounded(|| {
        let (pool, log, event) = (Pool::new(2), Log::new(), Rc::new(Event::new()));
        let (sink, happened) = (log.clone(), Rc::clone(&event));
        let consumer = pool.spawn(move || {
            sink.note("consumer");
            happened.wait().unwrap();
            sink.note("consumer again");
        });
        let sink = log.clone();
        pool.apply_async(move || {
            sleep(millis(1));
            sink.note("producer");
            event.set();
        });
        consumer.join().unwrap();
        assert_eq!(log.take(), ["consumer", "producer", "consumer again"]);
    });
}

#[test]
fn a_member_that_applies_in_its_own_pool_does_it_itself() {
    bounded(|| {
        let pool = Pool::new(1);
        let (one, two) = (pool.clone(), pool.clone());
        let six = pool.apply(move || one.apply(move || two.apply(|| 6)));
        assert_eq!(six.unwrap().unwrap().unwrap(), 6);
    });
}

#[test]
fn what_panics_in_a_members_own_apply_is_an_error_there_as_well() {
    bounded(|| {
        let pool = Pool::new(1);
        let own = pool.clone();
        let inner = pool.apply(move || own.apply(|| fail("boom"))).unwrap();
        assert!(matches!(inner, Err(JoinError::Panicked(_))));
    });
}

#[test]
fn what_ends_a_member_passes_through_its_own_apply() {
    bounded(|| {
        let pool = Pool::new(1);
        let own = pool.clone();
        let killed = pool.spawn(move || own.apply(forever).is_err());
        settle();
        killed.kill();
        assert!(matches!(killed.join(), Err(JoinError::Killed)));
        let own = pool.clone();
        let limited = pool.apply(move || with_timeout(millis(1), || own.apply(forever)).is_err());
        assert!(limited.unwrap());
    });
}

#[test]
fn apply_async_never_waits() {
    bounded(|| {
        let (pool, gauge) = (Pool::new(2), Gauge::default());
        let mut jobs = Vec::new();
        let mut free = vec![pool.free_count()];
        for n in 0..5 {
            let gauge = gauge.clone();
            jobs.push(pool.apply_async(move || {
                let _inside = gauge.enter();
                sleep(millis(1));
                n * n
            }));
            free.push(pool.free_count());
        }
        assert_eq!(free, [2, 1, 0, 0, 0, 0]);
        assert_eq!(gauge.now(), 0, "nobody has run");
        let squares: Vec<u32> = jobs.iter().map(|job| job.join().unwrap()).collect();
        assert_eq!(squares, [0, 1, 4, 9, 16]);
        assert_eq!((gauge.most(), pool.free_count()), (2, 2));
        assert_nothing_left();
    });
}

#[test]
fn those_that_queue_are_joined_and_killed_with_the_rest() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        for n in 0..5 {
            let log = log.clone();
            pool.apply_async(move || log.note(n));
        }
        assert_eq!(pool.len(), 5);
        pool.join();
        assert_eq!(log.take(), [0, 1, 2, 3, 4]);
        for _ in 0..5 {
            pool.apply_async(forever);
        }
        settle();
        pool.kill();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
        assert_nothing_left();
    });
}

#[test]
fn one_that_is_killed_in_the_queue_never_runs() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        let first = pool.apply_async(forever);
        let jobs: Vec<_> = (0..3)
            .map(|n| {
                let log = log.clone();
                pool.apply_async(move || log.note(n))
            })
            .collect();
        jobs[0].kill();
        settle();
        jobs[1].kill();
        first.kill();
        pool.join();
        assert_eq!(log.take(), [2]);
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn one_that_is_discarded_in_the_queue_keeps_no_slot() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(forever);
        let queued = pool.apply_async(forever);
        settle();
        assert!(pool.discard(&queued));
        first.kill();
        settle();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
        queued.kill();
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn a_call_whose_caller_is_killed_goes_on() {
    bounded(|| {
        let (pool, log, event) = (Pool::new(1), Log::new(), Rc::new(Event::new()));
        let (own, sink, happened) = (pool.clone(), log.clone(), Rc::clone(&event));
        let caller = spawn(move || {
            own.apply(move || {
                happened.wait().unwrap();
                sink.note("done");
            })
        });
        settle();
        caller.kill();
        event.set();
        assert!(log.take().is_empty());
        pool.join();
        assert_eq!(log.take(), ["done"]);
    });
}

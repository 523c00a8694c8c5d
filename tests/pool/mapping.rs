//! `map` and `map_async`.

use greenhub::{Group, JoinError, Pool, sleep, spawn, with_timeout};

use crate::support::{Gauge, Log, OnDrop, assert_nothing_left, bounded, fail, forever, millis};
use crate::support::{log_unhandled, panic_of, settle};

#[test]
fn results_are_in_the_order_of_the_items_in_pools_of_any_size() {
    bounded(|| {
        let nap = |n: u64| {
            sleep(millis(n * 7 % 5));
            n * n
        };
        let squares: Vec<u64> = (0..40).map(|n| n * n).collect();
        for size in [1, 2, 3, 10, 1000] {
            assert_eq!(Pool::new(size).map(nap, 0..40).unwrap(), squares);
        }
        assert_eq!(Group::new().map(nap, 0..40).unwrap(), squares);
        assert_nothing_left();
    });
}

#[test]
fn a_map_runs_as_many_at_once_as_there_are_slots() {
    bounded(|| {
        let (pool, gauge) = (Pool::new(3), Gauge::default());
        let inside = gauge.clone();
        let mapped = pool.map(
            move |n| {
                let _inside = inside.enter();
                sleep(millis(1));
                n
            },
            0..20,
        );
        assert_eq!((mapped.unwrap().len(), gauge.most()), (20, 3));
    });
}

#[test]
fn a_map_of_nothing_is_empty() {
    bounded(|| {
        assert_eq!(Pool::new(2).map(|n: u32| n, []).unwrap(), []);
        assert_eq!(Group::new().map(|n: u32| n, []).unwrap(), []);
        assert_nothing_left();
    });
}

#[test]
fn the_first_error_in_the_order_of_the_items_ends_a_map_and_what_it_began() {
    bounded(|| {
        let (pool, log, unhandled) = (Pool::new(10), Log::new(), log_unhandled());
        let ended = log.clone();
        let mapped = pool.map(
            move |n| {
                let _dropped = OnDrop(|| ended.note(n));
                match n {
                    0 => sleep(millis(5)),
                    1 => fail("one"),
                    2 => fail("two"),
                    _ => forever(),
                }
            },
            0..4,
        );
        match mapped {
            Err(JoinError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&"one")),
            other => panic!("{other:?}"),
        }
        settle();
        let mut ended = log.take();
        ended.sort_unstable();
        assert_eq!(ended, [0, 1, 2, 3], "nobody sleeps on");
        assert_eq!(unhandled.take(), ["two"], "what is not returned is told");
        assert_eq!((pool.len(), pool.free_count()), (0, 10));
        assert_nothing_left();
    });
}

#[test]
fn a_panic_of_the_source_goes_on_in_the_caller() {
    bounded(|| {
        let pool = Pool::new(2);
        let source = (0..3).map(|n| if n < 2 { n } else { fail("no more") });
        let payload = panic_of(|| pool.map(|n| n, source));
        assert_eq!(payload.downcast_ref(), Some(&"no more"));
        assert_nothing_left();
    });
}

#[test]
fn a_map_that_is_cut_short_ends_what_it_began() {
    bounded(|| {
        let pool = Pool::new(2);
        assert!(with_timeout(millis(3), || pool.map(|_| forever(), 0..10)).is_err());
        settle();
        assert_eq!((pool.len(), pool.free_count()), (0, 2));
        assert_nothing_left();
    });
}

#[test]
fn map_async_gives_a_handle_that_is_joined_or_killed() {
    bounded(|| {
        let pool = Pool::new(2);
        let squares = pool.map_async(|n| n * n, 0..4);
        assert!(pool.is_empty() && !squares.is_finished());
        assert_eq!(squares.join().unwrap().unwrap(), [0, 1, 4, 9]);
        let failing = pool.map_async(|_| fail("boom"), 0..4);
        let result: Result<Vec<()>, _> = failing.join().unwrap();
        assert!(matches!(result, Err(JoinError::Panicked(_))));
        let endless = pool.map_async(|_| forever(), 0..10);
        settle();
        assert_eq!(pool.len(), 2);
        endless.kill();
        settle();
        assert!(pool.is_empty());
        assert_nothing_left();
    });
}

#[test]
fn who_unwinds_gets_an_error_and_no_part_of_the_results() {
    bounded(|| {
        let pool = Pool::new(2);
        let own = pool.clone();
        let log = Log::new();
        let sink = log.clone();
        let unwinds = spawn(move || {
            let _dropped = OnDrop(|| {
                let mapped = own.map(|n| n, 0..4);
                sink.note(matches!(mapped, Err(JoinError::Unwinding)));
            });
            fail("unwinding");
        });
        unwinds.wait();
        assert_eq!(log.take(), [true]);
        assert_nothing_left();
    });
}

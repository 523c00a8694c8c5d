//! `imap` and `imap_unordered`: their order, how far they run ahead, and their errors.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::pool::IMap;
use greenhub::sync::{Event, Semaphore};
use greenhub::{Group, JoinError, Pool, current, sleep, spawn, yield_now};

use crate::support::{Gauge, Log, OnDrop, assert_nothing_left, bounded, fail, forever, millis};
use crate::support::{log_unhandled, panic_of, settle};

type Both = [fn(&Group, fn(u64) -> u64, Box<dyn Iterator<Item = u64>>) -> IMap<u64>; 2];

/// The two of them, for what holds for both.
const BOTH: Both =
    [|group, f, items| group.imap(f, items), |group, f, items| group.imap_unordered(f, items)];

fn nap(n: u64) -> u64 {
    sleep(millis(n));
    n
}

fn values(results: IMap<u64>) -> Vec<u64> {
    results.map(Result::unwrap).collect()
}

#[test]
fn imap_keeps_the_order_of_the_items() {
    bounded(|| {
        for size in [1, 2, 3, 10] {
            let results = Pool::new(size).imap(|n: u64| nap(n * 7 % 5), 0..20);
            let expected: Vec<u64> = (0..20).map(|n| n * 7 % 5).collect();
            assert_eq!(values(results), expected);
        }
        assert_eq!(values(Group::new().imap(nap, [3, 1, 2])), [3, 1, 2]);
        assert_nothing_left();
    });
}

#[test]
fn imap_unordered_gives_results_as_they_come() {
    bounded(|| {
        let groups = [2, 3, 10].map(|size| (*Pool::new(size)).clone());
        for group in groups.into_iter().chain([Group::new()]) {
            let done = Rc::new(Event::new());
            let in_order = move |n| {
                match n {
                    10 => done.wait().unwrap(),
                    2 => done.set(),
                    _ => {}
                }
                n
            };
            assert_eq!(values(group.imap_unordered(in_order, [10, 1, 2])), [1, 2, 10]);
        }
        assert_eq!(values(Pool::new(1).imap_unordered(nap, [10, 1, 2])), [10, 1, 2]);
        assert_nothing_left();
    });
}

#[test]
fn a_thousand_items_pass_through() {
    bounded(|| {
        let pool = Pool::new(10);
        for imap in BOTH {
            let mut squares = values(imap(&pool, |n| n * n, Box::new(0..1000)));
            squares.sort_unstable();
            assert_eq!(squares, (0..1000).map(|n| n * n).collect::<Vec<_>>());
        }
        assert_nothing_left();
    });
}

#[test]
fn of_no_items_there_are_no_results() {
    bounded(|| {
        for imap in BOTH {
            let mut results = imap(&Pool::new(2), nap, Box::new([].into_iter()));
            assert!(results.next().is_none() && results.next().is_none());
            assert!(imap(&Group::new(), nap, Box::new([].into_iter())).next().is_none());
        }
        assert_nothing_left();
    });
}

#[test]
fn an_error_comes_in_its_place_and_the_rest_after_it() {
    bounded(|| {
        let unhandled = log_unhandled();
        let f = |n: u64| 10u64.checked_div(n).unwrap_or_else(|| fail("division by zero"));
        for imap in BOTH {
            let mut results = imap(&Pool::new(1), f, Box::new([5, 0, 2].into_iter()));
            assert_eq!(results.next().unwrap().unwrap(), 2);
            match results.next() {
                Some(Err(JoinError::Panicked(payload))) => assert!(payload.is::<&str>()),
                other => panic!("{other:?}"),
            }
            assert_eq!(results.next().unwrap().unwrap(), 5);
            assert!(results.next().is_none());
        }
        settle();
        assert!(unhandled.take().is_empty(), "it was returned");
    });
}

#[test]
fn a_member_that_is_killed_is_an_error_in_its_place() {
    bounded(|| {
        let pool = Pool::new(3);
        let mut results = pool.imap(
            |n| {
                if n == 1 {
                    current().kill()
                }
            },
            0..3,
        );
        assert!(results.next().unwrap().is_ok());
        assert!(matches!(results.next(), Some(Err(JoinError::Killed))));
        assert!(results.next().unwrap().is_ok() && results.next().is_none());
    });
}

#[test]
fn a_panic_of_the_source_comes_after_the_items_before_it() {
    bounded(|| {
        for imap in BOTH {
            let source = (0..3).map(|n| if n < 2 { n } else { fail("no more") });
            let mut results = imap(&Pool::new(3), nap, Box::new(source));
            assert_eq!(results.next().unwrap().unwrap(), 0);
            assert_eq!(results.next().unwrap().unwrap(), 1);
            let payload = panic_of(|| results.next());
            assert_eq!(payload.downcast_ref(), Some(&"no more"));
            assert!(results.next().is_none());
        }
        assert_nothing_left();
    });
}

#[test]
fn a_source_that_is_killed_is_an_error_and_the_end() {
    bounded(|| {
        for imap in BOTH {
            let source = (0..3).inspect(|n| {
                if *n == 1 {
                    current().kill()
                }
            });
            let mut results = imap(&Pool::new(3), nap, Box::new(source));
            assert_eq!(results.next().unwrap().unwrap(), 0);
            assert!(matches!(results.next(), Some(Err(JoinError::Killed))));
            assert!(results.next().is_none());
        }
    });
}

#[test]
fn a_source_may_wait_and_results_come_meanwhile() {
    bounded(|| {
        for imap in BOTH {
            let (more, log) = (Rc::new(Semaphore::new(1)), Log::new());
            let items = Rc::clone(&more);
            let source = (0..3).inspect(move |_| items.acquire().unwrap());
            let mut results = imap(&Pool::new(2), nap, Box::new(source));
            for _ in 0..3 {
                // The source has no more until the result of the last is there.
                log.note(results.next().unwrap().unwrap());
                more.release();
            }
            assert!(results.next().is_none());
            assert_eq!(log.take(), [0, 1, 2]);
        }
    });
}

#[test]
fn a_source_may_wait_at_its_end() {
    bounded(|| {
        for imap in BOTH {
            let end = std::iter::from_fn(|| {
                sleep(millis(5));
                None
            });
            let results = imap(&Pool::new(2), nap, Box::new((0..2).chain(end)));
            assert_eq!(values(results), [0, 1]);
        }
    });
}

#[test]
fn a_source_may_need_the_pool_itself() {
    bounded(|| {
        let pool = Pool::new(1);
        for imap in BOTH {
            let own = pool.clone();
            let source = (0..3).map(move |n| own.apply(move || n + 1).unwrap());
            assert_eq!(values(imap(&pool, |n| n * 10, Box::new(source))), [10, 20, 30]);
        }
        let results = pool.imap(|n: u64| n + 1, pool.imap(|n| n * 10, 0..3).map(Result::unwrap));
        assert_eq!(values(results), [1, 11, 21]);
    });
}

/// A source that counts what was taken of it.
fn counted() -> (Rc<Cell<u64>>, Box<dyn Iterator<Item = u64>>) {
    let taken = Rc::new(Cell::new(0));
    let count = Rc::clone(&taken);
    (taken, Box::new((0..).inspect(move |_| count.set(count.get() + 1))))
}

#[test]
fn nothing_is_taken_before_the_first_is_asked_for() {
    bounded(|| {
        for imap in BOTH {
            let (taken, source) = counted();
            let results = imap(&Pool::new(3), nap, source);
            settle();
            assert_eq!(taken.get(), 0);
            drop(results);
        }
        assert_nothing_left();
    });
}

#[test]
fn a_pool_runs_ahead_by_its_size() {
    bounded(|| {
        for imap in BOTH {
            let (taken, source) = counted();
            let mut results = imap(&Pool::new(3), |n| n, source);
            for n in 1..10 {
                results.next().unwrap().unwrap();
                settle();
                assert_eq!(taken.get(), n + 3);
            }
        }
        assert_nothing_left();
    });
}

#[test]
fn maxsize_bounds_what_was_begun_and_not_read() {
    bounded(|| {
        for imap in BOTH {
            for (maxsize, group) in
                [(1, (*Pool::new(10)).clone()), (1, Group::new()), (4, Group::new())]
            {
                let (taken, source) = counted();
                let mut results = imap(&group, |n| n, source).maxsize(maxsize);
                for n in 1..10 {
                    results.next().unwrap().unwrap();
                    assert!(taken.get() <= n + maxsize as u64);
                    settle();
                    assert_eq!(taken.get(), n + maxsize as u64);
                }
            }
        }
        panic_of(|| Group::new().imap(nap, 0..1).maxsize(0));
        assert_nothing_left();
    });
}

#[test]
fn items_are_taken_only_as_there_is_room() {
    bounded(|| {
        let pool = Pool::new(2);
        let busy = [pool.spawn(forever), pool.spawn(forever)];
        let (taken, source) = counted();
        let own = pool.clone();
        let reader = spawn(move || {
            let mut results = own.imap(|n| n, source).maxsize(100);
            let first = results.next().unwrap().unwrap();
            forever();
            first
        });
        settle();
        assert_eq!(taken.get(), 0, "others have the slots");
        busy[0].kill();
        while taken.get() < 101 {
            yield_now();
        }
        settle();
        assert_eq!(taken.get(), 101, "one was read, and a hundred are ahead");
        reader.kill();
        busy[1].kill();
        assert_nothing_left();
        assert_eq!(pool.free_count(), 2);
    });
}

#[test]
fn an_endless_source_of_a_group_lets_others_run() {
    bounded(|| {
        let group = Group::new();
        let first: Vec<u64> = group.imap(|n| n, 0..).take(5).map(Result::unwrap).collect();
        assert_eq!(first, [0, 1, 2, 3, 4]);
        assert_nothing_left();
    });
}

#[test]
fn dropped_it_kills_what_it_began_and_drops_the_source() {
    bounded(|| {
        for imap in BOTH {
            let (pool, log) = (Pool::new(3), Log::new());
            let sink = log.clone();
            let dropped = OnDrop(move || sink.note(()));
            let source = (0..).inspect(move |_| _ = &dropped);
            let f = |n| if n == 0 { n } else { nap(u64::MAX) };
            let mut results = imap(&pool, f, Box::new(source));
            results.next().unwrap().unwrap();
            settle();
            assert_eq!(pool.len(), 3);
            drop(results);
            pool.join();
            settle();
            assert_eq!((log.len(), pool.free_count()), (1, 3));
        }
        assert_nothing_left();
    });
}

#[test]
fn dropped_while_its_source_waits_it_ends_that_too() {
    bounded(|| {
        let gauge = Gauge::default();
        let inside = gauge.clone();
        let source = std::iter::from_fn(move || {
            let _inside = inside.enter();
            forever();
            None
        });
        let reader = spawn(move || Pool::new(1).imap(nap, source).next().is_none());
        settle();
        assert_eq!(gauge.now(), 1);
        reader.kill();
        settle();
        assert_eq!(gauge.now(), 0);
        assert_nothing_left();
    });
}

#[test]
fn panics_whose_turn_does_not_come_are_told_to_the_hook() {
    bounded(|| {
        let unhandled = log_unhandled();
        let mut results = Pool::new(3).imap(|n| if n == 1 { fail("unread") } else { n }, 0..3);
        assert_eq!(results.next().unwrap().unwrap(), 0);
        settle();
        assert!(unhandled.take().is_empty());
        drop(results);
        settle();
        assert_eq!(unhandled.take(), ["unread"]);
    });
}

#[test]
fn a_reader_that_is_cut_short_reads_on_where_it_was() {
    bounded(|| {
        let pool = Pool::new(2);
        let mut results = pool.imap(nap, [20, 1, 2]);
        let late = greenhub::with_timeout(millis(2), || results.next().is_none());
        assert!(late.is_err());
        assert_eq!(values(results), [20, 1, 2]);
    });
}

#[test]
fn who_unwinds_gets_one_error_and_the_end() {
    bounded(|| {
        let pool = Pool::new(2);
        let log = Log::new();
        let (own, sink) = (pool.clone(), log.clone());
        let unwinds = spawn(move || {
            let mut results = own.imap(|n| if n == 0 { n } else { nap(u64::MAX) }, 0..5);
            assert_eq!(results.next().unwrap().unwrap(), 0);
            let _dropped = OnDrop(|| {
                for result in results.by_ref() {
                    sink.note(result.unwrap_err().to_string());
                }
            });
            fail("unwinding");
        });
        unwinds.wait();
        assert_eq!(log.take(), [JoinError::Unwinding.to_string()]);
        assert_nothing_left();
    });
}

//! Sets that keep every result.

use std::rc::Rc;

use greenhub::sync::Event;
use greenhub::{JoinError, JoinSet, Pool, sleep, spawn};

use crate::support::{Log, OnDrop, assert_nothing_left, bounded, fail, forever, log_unhandled};
use crate::support::{millis, settle};

#[test]
fn results_come_in_the_order_of_the_ends() {
    bounded(|| {
        let mut set = JoinSet::new();
        for n in [300, 1, 100] {
            set.spawn(move || {
                sleep(millis(n));
                n
            });
        }
        let results: Vec<u64> = set.join_all().into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [1, 100, 300]);
        assert_nothing_left();
    });
}

#[test]
fn what_has_ended_before_is_not_lost() {
    bounded(|| {
        let unhandled = log_unhandled();
        let mut set = JoinSet::new();
        set.spawn(|| 1);
        set.spawn(|| fail("boom"));
        set.spawn(|| 3).start_kill();
        let ended = spawn(|| 4);
        ended.wait();
        settle();
        set.add(ended);
        assert_eq!(set.len(), 4);
        assert_eq!(set.join_next().unwrap().unwrap(), 1);
        assert!(matches!(set.join_next(), Some(Err(JoinError::Panicked(_)))));
        assert!(matches!(set.join_next(), Some(Err(JoinError::Killed))));
        assert_eq!(set.join_next().unwrap().unwrap(), 4);
        assert!(set.join_next().is_none() && set.is_empty());
        assert!(unhandled.take().is_empty());
    });
}

#[test]
fn a_pools_results_are_kept_by_a_set() {
    bounded(|| {
        let (pool, mut set) = (Pool::new(2), JoinSet::new());
        for n in 0..10 {
            set.add(pool.spawn(move || if n == 3 { fail("three") } else { n }));
        }
        let (values, errors): (Vec<_>, Vec<_>) =
            set.join_all().into_iter().partition(Result::is_ok);
        assert_eq!((values.len(), errors.len()), (9, 1));
    });
}

#[test]
fn a_limit_leaves_the_set_as_it_is() {
    bounded(|| {
        let mut set = JoinSet::new();
        assert!(set.join_next_for(millis(1)).is_none());
        let event = Rc::new(Event::new());
        let happened = Rc::clone(&event);
        set.spawn(move || {
            happened.wait().unwrap();
            7
        });
        for limit in [0, 1] {
            assert!(matches!(set.join_next_for(millis(limit)), Some(Err(JoinError::TimedOut))));
        }
        assert!(greenhub::with_timeout(millis(1), || set.join_next().is_none()).is_err());
        event.set();
        assert_eq!(set.join_next_for(millis(60_000)).unwrap().unwrap(), 7);
        assert_nothing_left();
    });
}

#[test]
fn a_result_that_someone_else_has_taken_is_said_to_be() {
    bounded(|| {
        let mut set = JoinSet::new();
        let greenlet = spawn(|| 7);
        set.add(greenlet.clone());
        greenlet.join().unwrap();
        assert!(matches!(set.join_next(), Some(Err(JoinError::Taken))));
    });
}

#[test]
fn kill_ends_all_and_leaves_their_results() {
    bounded(|| {
        let mut set = JoinSet::new();
        set.spawn(|| 1);
        settle();
        set.spawn(|| {
            forever();
            2
        });
        set.kill();
        assert_eq!(set.join_next().unwrap().unwrap(), 1);
        assert!(matches!(set.join_next(), Some(Err(JoinError::Killed))));
        assert_nothing_left();
    });
}

#[test]
fn dropped_it_lets_them_run_and_tells_the_hook_of_panics() {
    bounded(|| {
        let (unhandled, log) = (log_unhandled(), Log::new());
        let mut set = JoinSet::new();
        set.spawn(|| fail("ended"));
        settle();
        let sink = log.clone();
        set.spawn(move || {
            sleep(millis(1));
            sink.note(());
            fail("running");
        });
        drop(set);
        sleep(millis(5));
        assert_eq!((unhandled.take(), log.len()), (vec!["ended".into(), "running".into()], 1));
        assert_nothing_left();
    });
}

#[test]
fn who_unwinds_gets_what_is_there_and_an_error_for_each_other() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        let unwinds = spawn(move || {
            let mut set = JoinSet::new();
            set.spawn(|| 7);
            settle();
            set.spawn(|| 8);
            set.spawn(|| 9);
            let _dropped = OnDrop(|| {
                while let Some(result) = set.join_next() {
                    sink.note(result.ok());
                }
            });
            fail("unwinding");
        });
        unwinds.wait();
        assert_eq!(log.take(), [Some(7), None, None]);
        assert_nothing_left();
    });
}

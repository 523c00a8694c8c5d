//! Blocks within blocks, and kills.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use greenhub::{Hub, JoinError, TimedOut, Timeout, sleep, spawn, with_timeout, yield_now};

use crate::support::{
    Log, OnDrop, bounded, compute, in_main_and_in_a_greenlet, millis, sleep_for_ever,
};

#[test]
fn an_outer_expiry_passes_through_an_inner_block() {
    in_main_and_in_a_greenlet(|| {
        let log = Log::default();
        let outer = with_timeout(millis(5), || {
            let inner = with_timeout(Duration::from_secs(60), sleep_for_ever);
            log.note(format!("{inner:?}"));
        });
        assert_eq!(outer.unwrap_err().limit(), millis(5));
        assert!(log.take().is_empty(), "the inner block returned nothing");
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn an_outer_silent_limit_passes_through_an_inner_error() {
    bounded(|| {
        let outer = Timeout::new(millis(5)).silent().run(|_| {
            Timeout::new(Duration::from_secs(60)).with_error("inner").run(|_| sleep_for_ever())
        });
        assert_eq!(outer, None);
    });
}

#[test]
fn an_inner_limit_is_pending_while_the_outer_one_unwinds() {
    bounded(|| {
        let log = Log::default();
        let outer = Timeout::new(millis(5)).run(|_| {
            let _ = Timeout::new(Duration::from_secs(60)).run(|inner| {
                let _guard = OnDrop(|| log.note(format!("{}", inner.is_pending())));
                sleep_for_ever();
            });
        });
        assert!(outer.is_err());
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn an_inner_expiry_leaves_the_outer_limit_pending() {
    in_main_and_in_a_greenlet(|| {
        let ended: Result<(), TimedOut> = Timeout::new(millis(60)).run(|outer| {
            let inner = Timeout::new(millis(5)).run(|_| sleep_for_ever());
            assert_eq!(inner.unwrap_err().limit(), millis(5));
            assert!(outer.is_pending());
            sleep_for_ever();
        });
        assert_eq!(ended.unwrap_err().limit(), millis(60));
    });
}

#[test]
fn of_several_that_have_expired_the_outermost_ends() {
    in_main_and_in_a_greenlet(|| {
        for [outer, middle, inner] in [[10, 5, 1], [1, 5, 10], [5, 5, 5], [0, 0, 0], [0, 1, 0]] {
            let log = Log::default();
            let ended = with_timeout(millis(outer), || {
                let ended = with_timeout(millis(middle), || {
                    let ended = with_timeout(millis(inner), || {
                        compute(millis(12));
                        sleep_for_ever();
                    });
                    log.note(format!("{ended:?}"));
                });
                log.note(format!("{ended:?}"));
            });
            assert_eq!(ended.unwrap_err().limit(), millis(outer));
            assert!(log.take().is_empty(), "the inner blocks returned nothing");
        }
        yield_now();
    });
}

#[test]
fn when_an_expired_outer_limit_is_cancelled_the_inner_one_ends() {
    bounded(|| {
        let outer = Timeout::new(Duration::ZERO).run(|outer| {
            let inner = with_timeout(Duration::ZERO, || {
                outer.cancel();
                yield_now();
            });
            assert!(inner.is_err());
            yield_now();
            7
        });
        assert_eq!(outer, Ok(7));
    });
}

#[test]
fn an_outer_expiry_swallowed_in_an_inner_block_leaves_the_inner_limit() {
    bounded(|| {
        let outer = with_timeout(millis(5), || {
            let inner = with_timeout(millis(20), || {
                assert!(catch_unwind(AssertUnwindSafe(sleep_for_ever)).is_err());
                sleep_for_ever();
            });
            inner.unwrap_err().limit()
        });
        assert_eq!(outer, Ok(millis(20)));
    });
}

#[test]
fn of_a_hundred_nested_blocks_the_one_with_the_shortest_limit_ends() {
    fn nest(level: u64) -> Vec<u64> {
        if level == 100 {
            sleep_for_ever();
        }
        let limit = if level == 37 { millis(5) } else { Duration::from_secs(60 + level) };
        match with_timeout(limit, || nest(level + 1)) {
            Ok(mut levels) => {
                levels.push(level);
                levels
            }
            Err(_) => vec![level],
        }
    }
    bounded(|| {
        let expected: Vec<u64> = (0..=37).rev().collect();
        assert_eq!(nest(0), expected);
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_kill_comes_before_an_expiry() {
    bounded(|| {
        let log = Log::default();
        let inner = log.clone();
        let greenlet = spawn(move || {
            let _ = with_timeout(millis(5), sleep_for_ever);
            inner.note("the limit ended it");
        });
        yield_now();
        compute(millis(10));
        greenlet.start_kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
        assert!(log.take().is_empty());
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn an_expiry_of_a_greenlet_that_catches_a_kill_is_raised_at_the_next_wait() {
    bounded(|| {
        let greenlet = spawn(|| {
            with_timeout(Duration::ZERO, || {
                let me = greenhub::current();
                let killer = spawn(move || me.start_kill());
                let killed = catch_unwind(AssertUnwindSafe(yield_now)).unwrap_err();
                assert!(killed.is::<greenhub::Exit>() && killer.is_finished());
                yield_now();
            })
        });
        assert!(greenlet.join().unwrap().is_err());
    });
}

#[test]
fn a_kill_passes_through_blocks() {
    bounded(|| {
        let greenlet = spawn(|| {
            with_timeout(Duration::from_secs(60), || {
                with_timeout(Duration::from_secs(60), sleep_for_ever)
            })
        });
        yield_now();
        greenlet.kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
        assert_eq!(Hub::current().stats().timers, 0);
        sleep(millis(1));
    });
}

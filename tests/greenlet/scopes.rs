//! Greenlets that borrow.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::time::Duration;

use greenhub::{Exit, JoinError, scope, sleep, spawn, yield_now};

use crate::support::{Log, bounded, log_unhandled, message, millis, panic_of};

#[test]
fn greenlets_borrow_and_have_ended_when_the_scope_returns() {
    bounded(|| {
        let count = Cell::new(0);
        let answer = scope(|s| {
            for _ in 0..100 {
                s.spawn(|| {
                    sleep(millis(1));
                    s.spawn(|| count.set(count.get() + 1));
                });
            }
            "answer"
        });
        assert_eq!((count.get(), answer), (100, "answer"));
    });
}

#[test]
fn values_may_borrow_too() {
    bounded(|| {
        let text = String::from("a b");
        let word = scope(|s| s.spawn(|| text.split(' ').next()).join().unwrap());
        assert_eq!(word, Some("a"));
    });
}

#[test]
fn a_body_that_panics_kills_its_greenlets_and_goes_on_when_they_have_ended() {
    bounded(|| {
        let log = Log::new();
        let payload = panic_of(|| {
            scope(|s| {
                s.spawn(|| {
                    let _guard = log.on_drop("child");
                    sleep(Duration::from_secs(60));
                });
                s.spawn(|| {
                    panic_of(|| sleep(Duration::from_secs(60)));
                    sleep(millis(5));
                    log.note("stubborn");
                });
                yield_now();
                resume_unwind(Box::new("body"));
            });
        });
        assert_eq!(message(&*payload), "body");
        assert_eq!(log.take(), ["child", "stubborn"]);
    });
}

#[test]
fn an_owner_that_is_killed_waits_for_its_greenlets_also_when_killed_again() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let owner = spawn(move || {
            let local = inner.on_drop("owner");
            scope(|s| {
                s.spawn(|| {
                    let _borrow = &local;
                    assert!(panic_of(|| sleep(Duration::from_secs(60))).is::<Exit>());
                    sleep(millis(10));
                    inner.note("child");
                });
            });
        });
        yield_now();
        yield_now();
        owner.start_kill();
        yield_now();
        assert!(!owner.kill_for(millis(1)));
        owner.wait();
        assert_eq!(log.take(), ["child", "owner"]);
        assert!(matches!(owner.join(), Err(JoinError::Killed)));
    });
}

/// A raw greenlet that is in a scope, whose greenlet catches its kill or ends in 20 ms.
fn raw_owner(log: &Log) -> greenhub::raw::Greenlet<()> {
    let inner = log.clone();
    greenhub::raw::Greenlet::new(move |()| {
        let local = inner.on_drop("owner");
        scope(|s| {
            s.spawn(|| {
                let _borrow = &local;
                let _ = std::panic::catch_unwind(|| sleep(millis(20)));
                sleep(millis(5));
                inner.note("child");
            });
        });
    })
}

#[test]
fn a_raw_owner_that_is_dropped_waits_for_its_greenlets() {
    bounded(|| {
        let log = Log::new();
        let owner = raw_owner(&log);
        let main = greenhub::current();
        spawn(move || main.start_kill());
        assert!(panic_of(|| owner.switch::<()>(())).is::<Exit>());
        drop(owner);
        sleep(millis(60));
        assert_eq!(log.take(), ["child", "owner"]);
    });
}

#[test]
fn a_raw_owner_whose_holder_unwinds_waits_for_its_greenlets() {
    bounded(|| {
        let log = Log::new();
        let owner = raw_owner(&log);
        let holder = spawn(move || {
            let _ = owner.switch::<()>(());
        });
        sleep(millis(1));
        holder.kill();
        sleep(millis(60));
        assert_eq!(log.take(), ["child", "owner"]);
    });
}

#[test]
fn the_first_panic_of_a_greenlet_is_raised_when_all_have_ended() {
    bounded(|| {
        let (log, unhandled) = (Log::new(), log_unhandled());
        let payload = panic_of(|| {
            scope(|s| {
                s.spawn(|| {
                    sleep(millis(10));
                    log.note("ended");
                    resume_unwind(Box::new("second"));
                });
                s.spawn(|| resume_unwind(Box::new("first")));
            });
        });
        assert_eq!(message(&*payload), "first");
        assert_eq!(log.take(), ["ended"]);
        assert_eq!(unhandled.take(), ["second"]);
    });
}

#[test]
fn a_panic_of_the_body_goes_before_those_of_greenlets_which_are_reported() {
    bounded(|| {
        let unhandled = log_unhandled();
        let payload = panic_of(|| {
            scope(|s| {
                s.spawn(|| resume_unwind(Box::new("child")));
                yield_now();
                resume_unwind(Box::new("body"));
            });
        });
        assert_eq!(message(&*payload), "body");
        assert_eq!(unhandled.take(), ["child"]);
    });
}

#[test]
fn a_panic_that_was_joined_is_not_raised() {
    bounded(|| {
        scope(|s| {
            let child = s.spawn(|| resume_unwind(Box::new("boom")));
            assert!(matches!(child.join(), Err::<(), _>(JoinError::Panicked(_))));
        });
    });
}

#[test]
fn a_scope_that_would_wait_for_ever_kills_its_greenlets_and_reports() {
    bounded(|| {
        let log = Log::new();
        let payload = panic_of(|| {
            scope(|s| {
                s.spawn(|| {
                    let _guard = log.on_drop("child");
                    let main = greenhub::raw::Greenlet::new(|()| sleep(Duration::MAX));
                    let _ = main.switch::<()>(());
                });
            });
        });
        assert!(message(&*payload).starts_with("everything waits for ever"));
        assert_eq!(log.take(), ["child"]);
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

//! Panics that nobody joins are told once, whoever drops the handles and when.

use greenhub::{JoinError, sleep, spawn, yield_now};

use crate::support::{bounded, log_unhandled, millis};

#[test]
fn a_panic_after_the_handle_was_dropped_is_told_once() {
    bounded(|| {
        let log = log_unhandled();
        let greenlet = greenhub::Builder::new().name("lonely").spawn(|| panic!("nobody"));
        drop(greenlet.unwrap());
        sleep(millis(1));
        assert_eq!(log.take(), ["greenlet 1 'lonely': nobody"]);
    });
}

#[test]
fn a_panic_before_the_handle_is_dropped_is_told_once_when_it_is() {
    bounded(|| {
        let log = log_unhandled();
        let greenlet = spawn(|| panic!("unread"));
        let clone = greenlet.clone();
        greenlet.wait();
        drop(greenlet);
        assert!(log.take().is_empty(), "it can still be joined");
        drop(clone);
        assert_eq!(log.take(), ["greenlet 1: unread"]);
    });
}

#[test]
fn a_panic_is_told_also_when_the_last_handle_has_no_type() {
    bounded(|| {
        let log = log_unhandled();
        let before = spawn(|| panic!("before")).any();
        sleep(millis(1));
        drop(before);
        assert_eq!(log.take(), ["greenlet 1: before"]);
        let greenlet = spawn(|| panic!("after"));
        let any = greenlet.any();
        any.wait();
        drop(greenlet);
        drop(any);
        assert_eq!(log.take(), ["greenlet 1: after"]);
    });
}

#[test]
fn a_joined_panic_is_not_told() {
    bounded(|| {
        let log = log_unhandled();
        assert!(matches!(spawn(|| panic!("joined")).join(), Err(JoinError::Panicked(_))));
        sleep(millis(1));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_killed_greenlet_is_not_told() {
    bounded(|| {
        let log = log_unhandled();
        let greenlet = spawn(|| sleep(millis(60_000)));
        yield_now();
        greenlet.start_kill();
        drop(greenlet);
        sleep(millis(1));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_panic_while_the_joiners_limit_has_passed_is_told() {
    bounded(|| {
        let log = log_unhandled();
        let greenlet = spawn(|| {
            sleep(millis(10));
            panic!("late");
        });
        assert!(matches!(greenlet.join_for(millis(1)), Err(JoinError::TimedOut)));
        drop(greenlet);
        sleep(millis(30));
        assert_eq!(log.take(), ["greenlet 1: late"]);
    });
}

#[test]
fn each_of_many_panics_is_told() {
    bounded(|| {
        let log = log_unhandled();
        (0..100).for_each(|n| drop(spawn(move || panic!("{n}"))));
        sleep(millis(1));
        assert_eq!(log.take().len(), 100);
    });
}

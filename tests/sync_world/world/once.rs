use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::common::{Flag, message, millis, settle, unwind, unwinds};
use super::world::sync::Once;
use super::world::thread;
use crate::support::bounded;

fn poisoned() -> Once {
    let once = Once::new();
    assert!(unwinds(|| once.call_once(|| unwind())));
    once
}

#[test]
fn only_the_first_call_does_it() {
    static ONCE: Once = Once::new();
    let mut times = 0;
    assert!(!ONCE.is_completed());
    ONCE.call_once(|| times += 1);
    assert!(ONCE.is_completed());
    ONCE.call_once(|| times += 1);
    ONCE.call_once_force(|_| times += 1);
    assert_eq!(times, 1);
}

#[test]
fn it_is_not_completed_while_it_is_being_done() {
    let once = Once::new();
    once.call_once(|| assert!(!once.is_completed()));
}

#[test]
fn a_panic_poisons_it() {
    let once = poisoned();
    assert!(!once.is_completed());
    let text = "Once instance has previously been poisoned";
    assert_eq!(message(|| once.call_once(|| unreachable!())), text);
    assert_eq!(message(|| once.wait()), text);
}

#[test]
fn a_forced_call_does_it_all_the_same() {
    let once = poisoned();
    let mut told = None;
    once.call_once_force(|state| told = Some(state.is_poisoned()));
    assert_eq!(told, Some(true));
    assert!(once.is_completed());
    once.call_once(|| unreachable!());
    once.wait();
}

#[test]
fn a_forced_call_of_one_that_is_not_poisoned_is_told_so() {
    let once = Once::new();
    once.call_once_force(|state| assert!(!state.is_poisoned()));
    assert!(once.is_completed());
}

#[test]
fn a_forced_call_that_panics_poisons_it_again() {
    let once = poisoned();
    assert!(unwinds(|| once.call_once_force(|_| unwind())));
    assert!(unwinds(|| once.call_once(|| ())));
    once.call_once_force(|state| assert!(state.is_poisoned()));
    assert!(once.is_completed());
}

#[test]
fn eight_who_ask_at_a_time_see_it_done_once() {
    bounded(|| {
        static ONCE: Once = Once::new();
        static TIMES: AtomicUsize = AtomicUsize::new(0);
        let askers: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(|| {
                    ONCE.call_once(|| {
                        thread::sleep(millis(10));
                        TIMES.fetch_add(1, Ordering::SeqCst);
                    });
                    TIMES.load(Ordering::SeqCst)
                })
            })
            .collect();
        assert!(askers.into_iter().all(|asker| asker.join().unwrap() == 1));
    });
}

#[test]
fn who_waits_for_one_that_panics_panics_too() {
    bounded(|| {
        let once = Arc::new(Once::new());
        let (does, begun) = (Arc::clone(&once), Flag::default());
        let tells = begun.clone();
        let doer = thread::spawn(move || {
            does.call_once(|| {
                tells.set();
                thread::sleep(millis(80));
                unwind()
            });
        });
        begun.wait();
        let text = "Once instance has previously been poisoned";
        assert_eq!(message(|| once.call_once(|| unreachable!())), text);
        assert!(doer.join().is_err());
    });
}

#[test]
fn who_waits_by_force_for_one_that_panics_does_it() {
    bounded(|| {
        let once = Arc::new(Once::new());
        let (does, begun) = (Arc::clone(&once), Flag::default());
        let tells = begun.clone();
        let doer = thread::spawn(move || {
            does.call_once(|| {
                tells.set();
                thread::sleep(millis(80));
                unwind()
            });
        });
        begun.wait();
        let mut told = None;
        once.call_once_force(|state| told = Some(state.is_poisoned()));
        assert_eq!(told, Some(true));
        assert!(doer.join().is_err());
    });
}

#[test]
fn wait_waits_also_for_one_that_nobody_has_begun() {
    bounded(|| {
        let once = Arc::new(Once::new());
        let waits = Arc::clone(&once);
        let waiter = thread::spawn(move || {
            waits.wait();
            waits.is_completed()
        });
        settle();
        assert!(!waiter.is_finished());
        once.call_once(|| thread::sleep(millis(5)));
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn a_forced_wait_outlasts_the_poison() {
    bounded(|| {
        let once = Arc::new(poisoned());
        let waits = Arc::clone(&once);
        let waiter = thread::spawn(move || waits.wait_force());
        settle();
        assert!(!waiter.is_finished());
        once.call_once_force(|_| ());
        waiter.join().unwrap();
    });
}

#[test]
fn a_wait_is_ended_by_poison() {
    bounded(|| {
        let once = Arc::new(Once::new());
        let waits = Arc::clone(&once);
        let waiter = thread::spawn(move || message(|| waits.wait()));
        settle();
        assert!(unwinds(|| once.call_once(|| unwind())));
        assert_eq!(waiter.join().unwrap(), "Once instance has previously been poisoned");
    });
}

#[test]
fn one_may_be_done_within_another() {
    let (outer, inner) = (Once::new(), Once::new());
    outer.call_once(|| inner.call_once(|| ()));
    assert!(outer.is_completed() && inner.is_completed());
}

#[test]
#[allow(deprecated)]
fn its_old_initial_value_is_new() {
    static ONCE: Once = super::world::sync::ONCE_INIT;
    assert!(!ONCE.is_completed());
}

#[test]
fn its_texts_are_these() {
    let once = Once::new();
    assert_eq!(format!("{once:?}"), "Once { .. }");
    once.call_once_force(|state| assert_eq!(format!("{state:?}"), "OnceState { poisoned: false }"));
}

//! Events.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::sync::{Event, WaitError};
use greenhub::{Greenlet, joinall, spawn};

use crate::support::{bounded, millis, settle};

fn set_then_clear_wakes(count: usize) {
    bounded(move || {
        let event = Rc::new(Event::new());
        let waiters: Vec<Greenlet<bool>> = (0..count)
            .map(|_| {
                let event = Rc::clone(&event);
                spawn(move || event.wait().is_ok())
            })
            .collect();
        settle();
        event.set();
        event.clear();
        joinall(&waiters);
        assert!(waiters.iter().all(|waiter| waiter.join().unwrap()));
        assert!(!event.is_set());
    });
}

#[test]
fn set_and_clear_at_once_wakes_the_one_that_waited() {
    set_then_clear_wakes(1);
}

#[test]
fn set_and_clear_at_once_wakes_a_hundred_that_waited() {
    set_then_clear_wakes(100);
}

#[test]
fn set_and_clear_at_once_wakes_a_thousand_that_waited() {
    set_then_clear_wakes(1_000);
}

#[test]
fn a_wait_after_a_clear_waits_although_a_wake_came_before() {
    bounded(|| {
        let event = Rc::new(Event::new());
        let waits = Rc::clone(&event);
        let waiter = spawn(move || (waits.wait(), waits.wait_for(millis(5))));
        settle();
        event.set();
        event.clear();
        assert_eq!(waiter.join().unwrap(), (Ok(()), Err(WaitError::TimedOut)));
    });
}

#[test]
fn set_does_not_switch() {
    bounded(|| {
        let event = Rc::new(Event::new());
        let ran = Rc::new(Cell::new(false));
        let (waits, runs) = (Rc::clone(&event), Rc::clone(&ran));
        let waiter = spawn(move || waits.wait().map(|()| runs.set(true)));
        settle();
        event.set();
        assert!(!ran.get());
        waiter.join().unwrap().unwrap();
    });
}

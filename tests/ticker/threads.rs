//! Calls of `thread`.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::monkey::thread;

use crate::support::{bounded, millis, pause, ticks_beside, until_ticked_beside};

#[test]
fn a_join() {
    bounded(|| {
        let thread = thread::spawn(|| {
            pause();
            7
        });
        assert_eq!(ticks_beside(|| (), || thread.join().unwrap()), 7);
        let named = thread::Builder::new().name("slow".into()).spawn(pause).unwrap();
        ticks_beside(|| (), || named.join().unwrap());
    });
}

#[test]
fn a_park_with_and_without_a_limit() {
    bounded(|| {
        let this = thread::current();
        ticks_beside(move || this.unpark(), thread::park);
        let this = thread::current();
        ticks_beside(move || this.unpark(), || thread::park_timeout(millis(30_000)));
        ticks_beside(|| (), || thread::park_timeout(millis(300)));
        #[allow(deprecated)]
        ticks_beside(|| (), || thread::park_timeout_ms(300));
    });
}

#[test]
fn a_sleep() {
    bounded(|| {
        ticks_beside(|| (), || thread::sleep(millis(300)));
        #[allow(deprecated)]
        ticks_beside(|| (), || thread::sleep_ms(300));
    });
}

#[test]
fn yields_without_end() {
    bounded(|| until_ticked_beside(thread::yield_now));
}

#[test]
fn the_end_of_a_scope_and_a_join_inside() {
    bounded(|| {
        ticks_beside(
            || (),
            || {
                thread::scope(|scope| {
                    scope.spawn(pause);
                    scope.spawn(pause);
                });
            },
        );
        let seen = Cell::new(0);
        ticks_beside(
            || (),
            || {
                thread::scope(|scope| {
                    let inner = scope.spawn(|| {
                        pause();
                        seen.set(7);
                    });
                    inner.join().unwrap();
                    assert_eq!(seen.get(), 7);
                });
            },
        );
    });
}

#[test]
fn a_look_whether_one_has_ended_between_sleeps() {
    bounded(|| {
        let done = Rc::new(Cell::new(false));
        let sets = Rc::clone(&done);
        let thread = thread::spawn(move || {
            pause();
            sets.set(true);
        });
        ticks_beside(
            || (),
            || {
                while !thread.is_finished() {
                    thread::sleep(millis(1));
                }
            },
        );
        assert!(done.get());
    });
}

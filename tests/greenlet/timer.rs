//! Timers: they fire once, or never.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::{Hub, JoinError, Timer, sleep, spawn, spawn_later, with_timeout};

use crate::support::{Log, bounded, log_unhandled, message, millis, panic_of, settle};

/// A timer that notes `fired`.
fn noting(log: &Log, delay: Duration) -> Timer {
    let sink = log.clone();
    Timer::new(delay, move || sink.note("fired"))
}

#[test]
fn it_fires_once_after_its_delay() {
    bounded(|| {
        let log = Log::new();
        let timer = noting(&log, millis(10));
        assert!(!timer.is_alive());
        let start = Instant::now();
        timer.start();
        assert!(timer.is_alive());
        timer.wait();
        assert!(start.elapsed() >= millis(10), "{:?}", start.elapsed());
        assert!(!timer.is_alive());
        sleep(millis(25));
        assert_eq!(log.take(), ["fired"]);
    });
}

#[test]
fn the_delay_begins_with_the_start() {
    bounded(|| {
        let log = Log::new();
        let timer = noting(&log, millis(20));
        sleep(millis(30));
        let start = Instant::now();
        timer.start();
        assert!(log.take().is_empty());
        timer.wait();
        assert!(start.elapsed() >= millis(20), "{:?}", start.elapsed());
    });
}

#[test]
fn one_that_is_cancelled_while_it_is_pending_never_fires_and_leaves_no_timer() {
    bounded(|| {
        let log = Log::new();
        let captured = log.on_drop("captures");
        let timer = Timer::new(Duration::from_secs(3600), move || drop(captured));
        timer.start();
        assert_eq!(Hub::current().stats().timers, 1);
        assert!(timer.cancel());
        assert!(!timer.is_alive());
        assert_eq!(Hub::current().stats().timers, 0);
        timer.wait();
        assert_eq!(log.take(), ["captures"]);
        assert!(matches!(timer.greenlet().join(), Err(JoinError::Killed)));
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn one_that_is_cancelled_before_its_start_never_fires() {
    bounded(|| {
        let log = Log::new();
        let timer = noting(&log, millis(1));
        assert!(timer.cancel());
        timer.start();
        assert!(!timer.is_alive());
        assert_eq!(Hub::current().stats().timers, 0);
        timer.wait();
        sleep(millis(10));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_cancel_after_the_delay_but_before_the_function_begins_is_in_time() {
    bounded(|| {
        let log = Log::new();
        let timer = Rc::new(noting(&log, millis(5)));
        let inner = Rc::clone(&timer);
        // It runs in the turn that also ends the delay, and before the function.
        let canceller = spawn_later(millis(4), move || inner.cancel());
        timer.start();
        std::thread::sleep(millis(20));
        assert!(canceller.join().unwrap());
        timer.wait();
        assert!(log.take().is_empty());
    });
}

#[test]
fn only_the_cancel_that_prevents_it_says_so() {
    bounded(|| {
        let log = Log::new();
        let cancelled = noting(&log, millis(1));
        cancelled.start();
        assert!(cancelled.cancel());
        assert!(!cancelled.cancel());
        cancelled.wait();
        assert!(!cancelled.cancel());

        let fired = noting(&log, millis(1));
        fired.start();
        fired.wait();
        assert!(!fired.cancel());
        assert!(fired.greenlet().is_successful());
        assert_eq!(log.take(), ["fired"]);
    });
}

#[test]
fn a_cancel_from_its_own_function_is_harmless() {
    bounded(|| {
        let log = Log::new();
        let slot: Rc<RefCell<Option<Timer>>> = Rc::default();
        let (own, sink) = (Rc::clone(&slot), log.clone());
        *slot.borrow_mut() = Some(Timer::new(millis(1), move || {
            sink.note(own.borrow().as_ref().unwrap().cancel());
            sleep(millis(1));
            sink.note("to the end");
        }));
        slot.borrow().as_ref().unwrap().start();
        let greenlet = slot.borrow().as_ref().unwrap().greenlet().clone();
        greenlet.join().unwrap();
        assert_eq!(log.take(), ["false", "to the end"]);
    });
}

#[test]
fn a_cancel_leaves_a_function_that_waits_to_its_end() {
    bounded(|| {
        let done = Rc::new(Cell::new(false));
        let inner = Rc::clone(&done);
        let timer = Timer::new(Duration::ZERO, move || {
            sleep(millis(10));
            inner.set(true);
        });
        timer.start();
        settle();
        assert!(timer.is_alive() && !timer.cancel() && timer.is_alive());
        timer.wait();
        assert!(done.get());
    });
}

#[test]
fn one_that_was_started_fires_though_its_handle_is_dropped() {
    bounded(|| {
        let log = Log::new();
        let timer = noting(&log, millis(5));
        timer.start();
        drop(timer);
        sleep(millis(30));
        assert_eq!(log.take(), ["fired"]);
    });
}

#[test]
fn one_that_is_dropped_without_a_start_drops_its_captures_and_never_fires() {
    bounded(|| {
        let log = Log::new();
        let captured = log.on_drop("captures");
        drop(Timer::new(Duration::ZERO, move || drop(captured)));
        assert_eq!(log.take(), ["captures"]);
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_second_start_is_refused_and_changes_nothing() {
    bounded(|| {
        let log = Log::new();
        let timer = noting(&log, millis(1));
        timer.start();
        assert!(message(&*panic_of(|| timer.start())).contains("a timer is started once"));
        timer.wait();
        assert!(message(&*panic_of(|| timer.start())).contains("a timer is started once"));
        sleep(millis(5));
        assert_eq!(log.take(), ["fired"]);
    });
}

#[test]
fn a_wait_with_a_limit_says_whether_it_is_over() {
    bounded(|| {
        let timer = Timer::new(Duration::from_secs(3600), || ());
        timer.start();
        assert!(!timer.wait_for(Duration::ZERO));
        assert!(!timer.wait_for(millis(2)));
        timer.cancel();
        assert!(timer.wait_for(Duration::from_secs(30)));
    });
}

#[test]
fn one_who_waits_may_be_killed_or_timed_out_and_it_fires_all_the_same() {
    bounded(|| {
        let log = Log::new();
        let timer = Rc::new(noting(&log, millis(30)));
        timer.start();
        let waits = Rc::clone(&timer);
        let waiter = spawn(move || waits.wait());
        assert!(with_timeout(millis(2), || timer.wait()).is_err());
        waiter.kill();
        assert!(timer.is_alive());
        timer.wait();
        assert_eq!(log.take(), ["fired"]);
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines() {
    bounded(|| {
        let log = Log::new();
        let timers = [30, 10, 20].map(|delay| {
            let sink = log.clone();
            Timer::new(millis(delay), move || sink.note(delay))
        });
        timers.iter().for_each(Timer::start);
        timers.iter().for_each(Timer::wait);
        assert_eq!(log.take(), ["10", "20", "30"]);
    });
}

#[test]
fn a_panic_of_its_function_is_told_to_the_error_hook() {
    bounded(|| {
        let unhandled = log_unhandled();
        let timer = Timer::new(Duration::ZERO, || std::panic::resume_unwind(Box::new("boom")));
        timer.start();
        timer.wait();
        drop(timer);
        assert_eq!(unhandled.take(), ["boom"]);
    });
}

#[test]
fn it_is_named_and_placed_as_other_greenlets_are() {
    bounded(|| {
        let timer = Timer::new(Duration::MAX, || ());
        timer.greenlet().set_name("alarm");
        timer.start();
        let report = message(&*panic_of(|| timer.wait()));
        assert!(report.contains("'alarm' waits for its start (made at tests/greenlet/timer.rs"));
        timer.cancel();
    });
}

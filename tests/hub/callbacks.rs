//! What the thread itself has its hub call.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::{Callback, Hub, sleep, spawn, yield_now};

use crate::support::{Log, bounded, millis, timed};

fn add(what: &'static str, log: &Log) -> Callback {
    let log = log.clone();
    Hub::current().run_callback(move || log.note(what))
}

#[test]
fn callbacks_are_called_once_in_order_and_before_others_run() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        let greenlet = spawn(move || own.note("greenlet"));
        let first = add("first", &log);
        add("second", &log);
        assert!(first.is_pending());
        yield_now();
        assert_eq!(log.take(), ["first", "second", "greenlet"]);
        assert!(!first.is_pending() && !first.stop());
        greenlet.wait();
        sleep(millis(1));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_callback_that_is_stopped_is_never_called_and_is_dropped_at_once() {
    bounded(|| {
        let log = Log::new();
        let guard = log.on_drop("dropped");
        let own = log.clone();
        let callback = Hub::current().run_callback(move || {
            own.note("called");
            drop(guard);
        });
        assert!(callback.stop());
        assert_eq!(log.take(), ["dropped"]);
        assert!(!callback.is_pending() && !callback.stop());
        sleep(millis(1));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_callback_may_stop_the_next() {
    bounded(|| {
        let slot: Rc<Cell<Option<Callback>>> = Rc::default();
        let own = Rc::clone(&slot);
        Hub::current().run_callback(move || assert!(own.take().unwrap().stop()));
        let log = Log::new();
        slot.set(Some(add("called", &log)));
        yield_now();
        assert!(log.take().is_empty() && slot.take().is_none());
    });
}

#[test]
fn a_callback_whose_handle_is_dropped_is_called() {
    bounded(|| {
        let log = Log::new();
        drop(add("called", &log));
        sleep(millis(1));
        assert_eq!(log.take(), ["called"]);
    });
}

#[test]
fn a_callback_that_panics_or_waits_is_told_to_the_error_hook_and_the_others_are_called() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        Hub::current().set_error_hook(move |unhandled| {
            let message = unhandled.message().unwrap_or("?");
            own.note(message.split(':').next().unwrap());
        });
        Hub::current().run_callback(|| panic!("oops"));
        Hub::current().run_callback(|| sleep(millis(1)));
        Hub::current().run_callback(|| Hub::current().join());
        Hub::current().run_callback(|| assert!(Hub::current().turn().is_none()));
        add("called", &log);
        yield_now();
        let waits = "a callback in the hub's loop cannot wait";
        assert_eq!(log.take(), ["oops", waits, waits, waits, "called"]);
        let took = timed(|| sleep(millis(20)));
        assert!(took >= millis(20) && took < Duration::from_secs(10), "{took:?}");
    });
}

#[test]
fn a_callback_that_adds_itself_again_starves_nobody() {
    fn again(stop: Rc<Cell<bool>>, calls: Rc<Cell<u32>>) {
        calls.set(calls.get() + 1);
        if !stop.get() {
            Hub::current().run_callback(move || again(stop, calls));
        }
    }
    bounded(|| {
        let (stop, calls) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        again(Rc::clone(&stop), Rc::clone(&calls));
        let yielding = spawn(|| {
            for _ in 0..1000 {
                yield_now();
            }
        });
        yielding.wait();
        sleep(millis(1));
        assert!(calls.get() > 2);
        assert!(!Hub::current().join_for(millis(1)), "a callback is always pending");
        stop.set(true);
        Hub::current().join();
    });
}

#[test]
fn a_callback_may_spawn_and_is_seen_by_a_join() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        Hub::current().run_callback(move || {
            spawn(move || {
                sleep(millis(1));
                own.note("spawned");
            });
        });
        Hub::current().join();
        assert_eq!(log.take(), ["spawned"]);
    });
}

#[test]
fn callbacks_of_a_thread_that_ends_are_not_called() {
    bounded(|| {
        std::thread::spawn(|| drop(Hub::current().run_callback(|| unreachable!()))).join().unwrap();
    });
}

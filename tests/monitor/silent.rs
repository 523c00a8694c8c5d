//! What is no stall, and not told of.

use std::cell::Cell;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use greenhub::monitor::Monitor;
use greenhub::sync::Event;
use greenhub::{Hub, ThreadPool, sleep, spawn, yield_now};

use crate::support::{LIMIT, alone, compute, millis, start};

#[test]
fn a_hub_that_sleeps_is_not_told_of_and_the_monitor_sleeps_with_it() {
    alone("silent::a_hub_that_sleeps_is_not_told_of_and_the_monitor_sleeps_with_it", || {
        let (_monitoring, told) = start(Monitor::new());
        let waits = spawn(|| sleep(Duration::from_secs(3600)));
        for _ in 0..3 {
            sleep(LIMIT * 4);
            told.is_silent();
        }
        // It wakes when the hub does.
        told.block_until_told();
        waits.kill();
    });
}

#[test]
fn a_thread_of_a_pool_may_block() {
    alone("silent::a_thread_of_a_pool_may_block", || {
        let (_monitoring, told) = start(Monitor::new());
        let pool = ThreadPool::new(1);
        // One that has a hub as well.
        pool.apply(|| {
            sleep(millis(1));
            thread::sleep(LIMIT * 4);
        });
        greenhub::offload(|| thread::sleep(LIMIT * 4));
        told.is_silent();
    });
}

#[test]
fn a_thread_that_has_ended_its_hub_is_not_told_of() {
    alone("silent::a_thread_that_has_ended_its_hub_is_not_told_of", || {
        let (_monitoring, told) = start(Monitor::new());
        for _ in 0..20 {
            let thread = thread::spawn(|| {
                let _never = spawn(|| sleep(Duration::from_secs(3600)));
                sleep(millis(1));
            });
            thread.join().unwrap();
        }
        sleep(LIMIT * 5);
        told.is_silent();
    });
}

/// Has this process stopped for two and a half seconds, while it does `meanwhile` over and over.
fn be_stopped(meanwhile: impl Fn()) {
    let own = std::process::id();
    let script = format!("sleep 0.2; kill -STOP {own}; sleep 2.5; kill -CONT {own}");
    // Before there is anyone to stop it: on a machine that has much to do it may be stopped before
    // `spawn` has returned.
    let began = Instant::now();
    let mut stops = Command::new("sh").args(["-c", &script]).spawn().unwrap();
    while stops.try_wait().unwrap().is_none() {
        meanwhile();
    }
    assert!(began.elapsed() >= millis(2500), "it was stopped");
}

#[test]
fn a_process_that_was_stopped_has_not_been_blocked() {
    alone("silent::a_process_that_was_stopped_has_not_been_blocked", || {
        let (_monitoring, told) = start(Monitor::new().limit(millis(1000)));
        let _waits = spawn(|| sleep(Duration::from_secs(3600)));
        be_stopped(yield_now);
        told.is_silent();
    });
}

#[test]
fn one_that_computes_for_less_than_the_limit_and_is_stopped_meanwhile_has_not_blocked() {
    let test = "silent::one_that_computes_for_less_than_the_limit_and_is_stopped_meanwhile_has_not_blocked";
    alone(test, || {
        let (_monitoring, told) = start(Monitor::new().limit(millis(1000)));
        let _waits = spawn(|| sleep(Duration::from_secs(3600)));
        be_stopped(|| {
            compute(millis(600));
            yield_now();
        });
        told.is_silent();
    });
}

/// Where the machine has too much to do, a greenlet that needs the processor for a moment has it
/// later, and has not held up anyone.
#[test]
#[cfg(target_os = "linux")]
fn one_that_gets_no_processor_has_not_blocked() {
    alone("silent::one_that_gets_no_processor_has_not_blocked", || {
        let (_monitoring, told) = start(Monitor::new());
        let _waits = spawn(|| sleep(Duration::from_secs(3600)));
        let is_over = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().unwrap().get();
        let others: Vec<_> = (0..processors * 8)
            .map(|_| {
                let is_over = Arc::clone(&is_over);
                thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
            })
            .collect();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            // A fifth of the limit. With so many others that takes as long as the limit, or longer.
            compute(LIMIT / 5);
            yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
        others.into_iter().for_each(|other| other.join().unwrap());
        told.is_silent();
    });
}

#[test]
fn a_loop_that_has_the_hub_in_it_may_sleep_but_a_greenlet_in_its_turn_may_not() {
    alone(
        "silent::a_loop_that_has_the_hub_in_it_may_sleep_but_a_greenlet_in_its_turn_may_not",
        || {
            let (_monitoring, told) = start(Monitor::new());
            let hub = Hub::current();
            let waits = spawn(|| sleep(Duration::from_secs(3600)));
            for _ in 0..3 {
                while hub.turn() == Some(Duration::ZERO) {}
                thread::sleep(LIMIT * 3);
            }
            told.is_silent();
            let heard = Rc::new(Cell::new(false));
            let hears = Rc::clone(&heard);
            spawn(move || {
                told.block_until_told();
                hears.set(true);
            });
            while !heard.get() {
                hub.turn();
            }
            waits.kill();
        },
    );
}

#[test]
fn what_waits_for_ever_is_reported_beside_a_monitor() {
    alone("silent::what_waits_for_ever_is_reported_beside_a_monitor", || {
        let (_monitoring, told) = start(Monitor::new().tell_ends(true));
        let rude = told.clone();
        spawn(move || rude.block_until_told()).join().unwrap();
        told.block_until_next();
        let waits = spawn(|| sleep(Duration::MAX));
        let panicked = std::panic::catch_unwind(|| sleep(Duration::MAX));
        let report = *panicked.unwrap_err().downcast::<String>().unwrap();
        assert!(report.contains("everything waits for ever"), "{report}");
        waits.kill();
    });
}

#[test]
fn a_hook_can_wake_a_greenlet() {
    alone("silent::a_hook_can_wake_a_greenlet", || {
        static TOLD: Event = Event::new();
        let monitor = Monitor::new().on_event(|_| TOLD.set());
        let _monitoring = monitor.start().unwrap();
        let waits = spawn(|| TOLD.wait().unwrap());
        yield_now();
        while !TOLD.is_set() {
            thread::sleep(millis(1));
        }
        waits.join().unwrap();
    });
}

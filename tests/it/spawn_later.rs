//! Greenlets that start after a delay.

use std::time::Duration;

use greenhub::{Builder, Hub, JoinError, joinall, sleep, spawn, spawn_later, yield_now};

use crate::support::{Log, bounded, millis, timed};

#[test]
fn it_starts_after_its_delay_and_not_before() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let took = timed(|| {
            let late = spawn_later(millis(20), move || inner.note("late"));
            spawn(|| ()).wait();
            assert!(log.take().is_empty());
            late.wait();
        });
        assert!(took >= millis(20), "{took:?}");
        assert_eq!(log.take(), ["late"]);
    });
}

#[test]
fn they_start_in_the_order_of_their_delays() {
    bounded(|| {
        let log = Log::new();
        let greenlets = [30, 10, 20].map(|delay| {
            let log = log.clone();
            spawn_later(millis(delay), move || log.note(delay))
        });
        joinall(&greenlets);
        assert_eq!(log.take(), ["10", "20", "30"]);
    });
}

#[test]
fn a_kill_cancels_the_delay_and_it_never_runs() {
    bounded(|| {
        let log = Log::new();
        let (inner, captured) = (log.clone(), log.on_drop("captures"));
        let late = spawn_later(Duration::from_secs(60), move || {
            let _captured = captured;
            inner.note("ran");
        });
        yield_now();
        let took = timed(|| late.kill());
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(log.take(), ["captures"]);
        assert!(matches!(late.join(), Err(JoinError::Killed)));
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_kill_after_the_delay_but_before_the_first_turn_is_in_time() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let late = spawn_later(millis(5), move || inner.note("ran"));
        let victim = late.clone();
        let killer = spawn_later(millis(4), move || victim.start_kill());
        std::thread::sleep(millis(20));
        joinall([&late, &killer]);
        assert!(log.take().is_empty());
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_builders_delay_is_the_same() {
    bounded(|| {
        let late = Builder::new().delay(millis(10)).name("late").spawn(|| 7).unwrap();
        let took = timed(|| assert_eq!(late.join().unwrap(), 7));
        assert!(took >= millis(10), "{took:?}");
    });
}

#[test]
fn a_delay_of_zero_starts_it() {
    bounded(|| assert_eq!(spawn_later(Duration::ZERO, || 7).join().unwrap(), 7));
}

#[test]
fn a_delay_of_zero_comes_after_those_that_are_ready_and_before_longer_ones() {
    bounded(|| {
        let log = Log::new();
        let note = |what: &'static str| {
            let log = log.clone();
            move || log.note(what)
        };
        let longer = spawn_later(millis(5), note("longer"));
        let first = spawn(note("first"));
        let zero = spawn_later(Duration::ZERO, note("zero"));
        joinall([&longer, &first, &zero]);
        assert_eq!(log.take(), ["first", "zero", "longer"]);
    });
}

#[test]
fn a_detached_one_starts_as_well() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        drop(spawn_later(millis(5), move || inner.note("ran")));
        sleep(millis(30));
        assert_eq!(log.take(), ["ran"]);
    });
}

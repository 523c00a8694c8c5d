//! Killing a greenlet, in whatever state it is.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::raw::{self, Exit};
use greenhub::{Builder, Greenlet, Hub, JoinError, current, sleep, spawn, yield_now};

use crate::support::{Log, bounded, millis, panic_of, timed};

fn sleeper(log: &Log) -> Greenlet<()> {
    let guard = log.on_drop("unwound");
    spawn(move || {
        let _guard = guard;
        sleep(Duration::from_secs(60));
    })
}

fn is_killed<T: 'static>(greenlet: &Greenlet<T>) -> bool {
    matches!(greenlet.join(), Err(JoinError::Killed))
}

#[test]
fn one_killed_before_its_first_turn_never_runs_and_drops_its_captures() {
    bounded(|| {
        let log = Log::new();
        let (inner, captured) = (log.clone(), log.on_drop("captures"));
        let greenlet = spawn(move || {
            let _captured = captured;
            inner.note("ran");
        });
        greenlet.kill();
        assert_eq!(log.take(), ["captures"]);
        assert!(greenlet.is_finished() && is_killed(&greenlet));
    });
}

#[test]
fn killed_greenlet_runs_its_destructors_before_kill_returns() {
    bounded(|| {
        let log = Log::new();
        let greenlet = sleeper(&log);
        yield_now();
        greenlet.kill();
        assert_eq!(log.take(), ["unwound"]);
        assert!(is_killed(&greenlet));
        assert_eq!(Hub::current().stats().timers, 0, "its sleep is cancelled");
    });
}

#[test]
fn start_kill_does_not_wait() {
    bounded(|| {
        let log = Log::new();
        let greenlet = sleeper(&log);
        yield_now();
        greenlet.start_kill();
        assert!(log.take().is_empty() && !greenlet.is_finished());
        yield_now();
        assert_eq!(log.take(), ["unwound"]);
    });
}

#[test]
fn a_second_kill_does_no_harm() {
    bounded(|| {
        let log = Log::new();
        let greenlet = sleeper(&log);
        yield_now();
        greenlet.start_kill();
        greenlet.start_kill();
        greenlet.kill();
        greenlet.kill();
        assert_eq!(log.take(), ["unwound"]);
        assert!(is_killed(&greenlet));
    });
}

#[test]
fn a_kill_of_one_that_has_ended_leaves_its_result() {
    bounded(|| {
        let greenlet = spawn(|| 7);
        greenlet.wait();
        greenlet.kill();
        assert_eq!(greenlet.join().unwrap(), 7);
    });
}

#[test]
fn one_that_only_yields_is_killed() {
    bounded(|| {
        let spinner = spawn(|| {
            loop {
                yield_now();
            }
        });
        yield_now();
        spinner.kill();
        assert!(is_killed(&spinner));
    });
}

#[test]
fn one_that_kills_itself_unwinds_at_once() {
    bounded(|| {
        let log = Log::new();
        let (inner, guard) = (log.clone(), log.on_drop("unwound"));
        let greenlet = spawn(move || {
            let _guard = guard;
            current().kill();
            inner.note("went on");
        });
        assert!(is_killed(&greenlet));
        assert_eq!(log.take(), ["unwound"]);
    });
}

#[test]
fn one_that_joins_another_is_killed_and_the_other_goes_on() {
    bounded(|| {
        let other = spawn(|| {
            sleep(millis(10));
            7
        });
        let joined = other.clone();
        let joiner = spawn(move || joined.wait());
        yield_now();
        joiner.kill();
        assert!(is_killed(&joiner));
        assert_eq!(other.join().unwrap(), 7);
    });
}

#[test]
fn one_that_catches_the_exit_lives_on_and_kill_waits_for_its_end() {
    bounded(|| {
        let stubborn = spawn(|| {
            assert!(panic_of(|| sleep(Duration::from_secs(60))).is::<Exit>());
            sleep(millis(20));
            "my own end"
        });
        yield_now();
        let took = timed(|| stubborn.kill());
        assert!(took >= millis(20), "{took:?}");
        assert_eq!(stubborn.join().unwrap(), "my own end");
    });
}

#[test]
fn one_in_a_raw_switch_is_killed() {
    bounded(|| {
        let log = Log::new();
        let guard = log.on_drop("unwound");
        let greenlet = spawn(move || {
            let _guard = guard;
            let silent = raw::Greenlet::new(|()| sleep(Duration::from_secs(60)));
            silent.switch::<()>(()).unwrap();
        });
        yield_now();
        greenlet.kill();
        assert_eq!(log.take(), ["unwound"]);
        assert!(is_killed(&greenlet));
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_kill_beats_a_wake_of_the_same_turn() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let first = spawn(|| ());
        let joined = first.clone();
        let joiner = spawn(move || {
            joined.wait();
            inner.note("went on");
        });
        yield_now();
        // The joiner is ready already, since `first` has ended in this turn.
        joiner.kill();
        assert!(joiner.is_finished());
        let went_on = !log.take().is_empty();
        assert_eq!(went_on, joiner.join().is_ok(), "it ends in one way only");
    });
}

#[test]
fn a_kill_between_deadline_and_turn_leaves_no_timer_and_no_stale_time_out() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let sleeper = spawn(move || {
            assert!(panic_of(|| sleep(millis(5))).is::<Exit>());
            let other = spawn(|| sleep(millis(5)));
            inner.note(other.wait_for(Duration::from_secs(60)));
        });
        let late = sleeper.clone();
        let killer = spawn(move || {
            sleep(millis(5));
            late.start_kill();
        });
        yield_now();
        // Both deadlines pass while this thread is busy, so both are woken in one turn.
        std::thread::sleep(millis(20));
        greenhub::joinall([&sleeper.any(), &killer.any()]);
        assert!(sleeper.join().is_err() || log.take() == ["true"]);
    });
}

#[test]
fn destructors_run_from_the_innermost_outwards() {
    bounded(|| {
        let log = Log::new();
        let (outer, inner) = (log.on_drop("outer"), log.on_drop("inner"));
        let greenlet = spawn(move || {
            let _outer = outer;
            let call = move || {
                let _inner = inner;
                sleep(Duration::from_secs(60));
            };
            call();
        });
        yield_now();
        greenlet.kill();
        assert_eq!(log.take(), ["inner", "outer"]);
    });
}

#[test]
fn a_destructor_may_kill_another() {
    struct KillsInDrop(Greenlet<()>);
    impl Drop for KillsInDrop {
        fn drop(&mut self) {
            self.0.kill();
        }
    }
    bounded(|| {
        let log = Log::new();
        let victim = sleeper(&log);
        let guard = KillsInDrop(victim.clone());
        let killer = spawn(move || {
            let _guard = guard;
            sleep(Duration::from_secs(60));
        });
        yield_now();
        killer.kill();
        victim.wait();
        assert_eq!(log.take(), ["unwound"]);
    });
}

#[test]
fn a_thousand_sleepers_are_killed() {
    bounded(|| {
        let log = Log::new();
        let sleepers: Vec<_> = (0..1000).map(|_| sleeper(&log)).collect();
        yield_now();
        sleepers.iter().for_each(Greenlet::start_kill);
        greenhub::joinall(&sleepers);
        assert_eq!(log.take().len(), 1000);
        let stats = Hub::current().stats();
        assert_eq!((stats.timers, stats.stacks_in_use, stats.ready), (0, 0, 0));
    });
}

#[test]
fn main_in_a_raw_switch_can_be_killed_and_catch_that() {
    bounded(|| {
        let main = current();
        let greenlet: Rc<RefCell<Option<Greenlet<()>>>> = Rc::default();
        let killer = Builder::new().spawn(move || main.start_kill()).unwrap();
        greenlet.replace(Some(killer));
        let silent = raw::Greenlet::new(|()| sleep(millis(60_000)));
        assert!(panic_of(|| silent.switch::<()>(())).is::<Exit>());
        drop(silent);
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn what_a_killed_greenlet_has_spawned_runs_on() {
    bounded(|| {
        let child = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&child);
        let parent = spawn(move || {
            *slot.borrow_mut() = Some(spawn(|| {
                sleep(millis(2));
                7
            }));
            sleep(Duration::MAX);
        });
        yield_now();
        parent.kill();
        let child: Greenlet<i32> = child.take().expect("it was spawned");
        assert!(!child.is_finished());
        assert_eq!(child.join().unwrap(), 7);
    });
}

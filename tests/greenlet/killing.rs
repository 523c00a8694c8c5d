//! Kills with a payload, with a limit, and of many.

use std::collections::HashMap;
use std::time::Duration;

use greenhub::{
    Builder, Exit, Greenlet, JoinError, killall, killall_for, sleep, spawn, start_killall,
    yield_now,
};

use crate::support::{Log, bounded, message, millis, panic_of};

fn stubborn() -> Greenlet<()> {
    spawn(|| {
        panic_of(|| sleep(Duration::from_secs(60)));
        sleep(millis(30));
    })
}

fn payload_of(greenlet: &Greenlet<()>) -> String {
    match greenlet.join() {
        Err(JoinError::Panicked(payload)) => message(&*payload),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kill_with_a_payload_ends_it_as_panicked_before_and_after_its_start() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        let unstarted = Builder::new().create(move || sink.note("ran")).unwrap();
        unstarted.greenlet().start_kill_with("made");
        let sink = log.clone();
        let ready = spawn(move || sink.note("ran"));
        ready.start_kill_with("ready");
        let guard = log.on_drop("unwound");
        let waiting = spawn(move || {
            let _guard = guard;
            sleep(Duration::from_secs(60));
        });
        yield_now();
        waiting.kill_with("waiting");
        let made = unstarted.start();
        made.wait();
        assert_eq!(log.take(), ["unwound"]);
        for (greenlet, text) in [(made, "made"), (ready, "ready"), (waiting, "waiting")] {
            assert!(greenlet.is_dead() && !greenlet.is_successful());
            assert_eq!(payload_of(&greenlet), text);
        }
    });
}

#[test]
fn a_payload_reaches_one_that_only_yields() {
    bounded(|| {
        let spinner = spawn(|| {
            loop {
                yield_now();
            }
        });
        yield_now();
        spinner.any().kill_with("stop");
        assert_eq!(payload_of(&spinner), "stop");
    });
}

#[test]
fn a_second_kill_ends_what_is_done_after_the_first() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let greenlet = spawn(move || {
            assert!(panic_of(|| sleep(Duration::from_secs(60))).is::<Exit>());
            inner.note("cleans up");
            sleep(Duration::from_secs(60));
            inner.note("is clean");
        });
        yield_now();
        assert!(!greenlet.kill_for(millis(5)));
        greenlet.kill();
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
        assert_eq!(log.take(), ["cleans up"]);
    });
}

#[test]
fn a_kill_with_a_limit_tells_whether_it_has_ended() {
    bounded(|| {
        let greenlet = stubborn();
        yield_now();
        assert!(!greenlet.kill_for(millis(1)));
        assert!(greenlet.wait_for(Duration::from_secs(10)) && greenlet.is_successful());
    });
}

#[test]
fn killall_takes_any_iterable_and_those_that_never_ran_do_not_run() {
    bounded(|| {
        let log = Log::new();
        let spawn_one = |_| {
            let sink = log.clone();
            spawn(move || sink.note("ran"))
        };
        let map: HashMap<u32, _> = (0..5).map(|n| (n, spawn_one(n))).collect();
        start_killall(map.values());
        assert!(map.values().all(Greenlet::is_dead));
        killall(map.values());
        assert!(map.values().all(|g| g.is_finished() && g.is_successful()));
        assert!(log.take().is_empty());
        killall(map.values());
    });
}

#[test]
fn killall_with_a_limit_counts_the_stubborn_and_not_those_that_never_ran() {
    bounded(|| {
        let running = stubborn();
        yield_now();
        let unstarted = Builder::new().create(|| panic!("it runs")).unwrap();
        let all = [running.clone(), unstarted.greenlet().clone(), stubborn()];
        assert_eq!(killall_for(&all, Duration::ZERO).unwrap_err().count, 1);
        assert!(all[1].is_dead() && all[2].is_dead());
        assert!(killall_for(&all[1..], millis(1000)).is_ok());
        running.wait();
    });
}

#[test]
fn one_that_kills_or_joins_itself_while_it_unwinds_is_not_unwound_twice() {
    struct KillsItself;
    impl Drop for KillsItself {
        fn drop(&mut self) {
            greenhub::current().start_kill();
            greenhub::current().kill();
            killall(&[greenhub::current()]);
        }
    }
    bounded(|| {
        let unwound = spawn(|| {
            let _kills = KillsItself;
            panic!("first");
        });
        let JoinError::Panicked(payload) = unwound.join().unwrap_err() else { panic!("killed") };
        assert_eq!(message(&*payload), "first");
        let caught = spawn(|| {
            assert_eq!(
                message(&*panic_of(|| {
                    let _kills = KillsItself;
                    panic!("first");
                })),
                "first"
            );
            yield_now();
        });
        assert!(matches!(caught.join(), Err(JoinError::Killed)), "it ends where it waits next");
    });
}

#[test]
fn one_that_is_among_those_it_kills_ends_last() {
    bounded(|| {
        let log = Log::new();
        let guard = log.on_drop("other");
        let other = spawn(move || {
            let _guard = guard;
            sleep(Duration::from_secs(60));
        });
        let victim = other.any();
        let killer = spawn(move || {
            yield_now();
            killall(&[greenhub::current(), victim]);
        });
        assert!(matches!(killer.join(), Err(JoinError::Killed)));
        other.wait();
        assert_eq!(log.take(), ["other"]);
    });
}

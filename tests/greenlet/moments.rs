//! A kill at every moment of a greenlet's life, in every way.

use std::time::Duration;

use greenhub::{
    Builder, Greenlet, Hub, JoinError, Unstarted, killall, sleep, spawn, spawn_later,
    start_killall, yield_now,
};

use crate::support::{Log, bounded, settle};

type Kill = fn(&Greenlet<()>);

/// Each way to kill, and whether it waits for the end.
const WAYS: [(Kill, bool); 4] = [
    (Greenlet::kill, true),
    (Greenlet::start_kill, false),
    (|greenlet| killall([greenlet]), true),
    (|greenlet| start_killall([greenlet]), false),
];

type Victim = (Greenlet<()>, Option<Unstarted<()>>);

/// Kills a victim in each way, and sees that `trace` is what it did, and that it is told once.
fn each_way(trace: &'static [&'static str], victim: fn(Box<dyn FnOnce()>) -> Victim) {
    bounded(move || {
        for (kill, waits) in WAYS {
            let log = Log::new();
            let inner = log.clone();
            let (greenlet, unstarted) = victim(Box::new(move || {
                inner.note("ran");
                let _guard = inner.on_drop("unwound");
                sleep(Duration::from_secs(60));
            }));
            let sink = log.clone();
            greenlet.link(move |_| sink.note("linked"));
            kill(&greenlet);
            assert!(greenlet.is_finished() || !waits);
            settle();
            let told: Vec<&str> = trace.iter().copied().chain(["linked"]).collect();
            assert_eq!(log.take(), told);
            assert!(greenlet.is_dead() && greenlet.is_successful() && greenlet.value().is_none());
            kill(&greenlet);
            let _ = unstarted.map(Unstarted::start);
            settle();
            assert!(log.take().is_empty(), "a second kill, or a start, does nothing");
            assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
            assert_eq!(Hub::current().stats().timers, 0);
        }
    });
}

#[test]
fn one_that_was_only_made_never_runs_however_it_is_killed() {
    each_way(&[], |body| {
        let unstarted = Builder::new().create(body).unwrap();
        (unstarted.greenlet().clone(), Some(unstarted))
    });
}

#[test]
fn one_that_was_started_but_has_not_run_never_runs_however_it_is_killed() {
    each_way(&[], |body| (spawn(body), None));
}

#[test]
fn one_whose_start_is_put_off_never_runs_however_it_is_killed() {
    each_way(&[], |body| (spawn_later(Duration::from_secs(60), body), None));
}

#[test]
fn one_that_waits_is_unwound_once_however_it_is_killed() {
    each_way(&["ran", "unwound"], |body| {
        let greenlet = spawn(body);
        yield_now();
        (greenlet, None)
    });
}

//! Whose turn it is, and when those who sleep wake.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::UdpSocket;
use greenhub::{Hub, joinall, sleep, spawn, spawn_later, yield_now};

use crate::support::{Log, bounded, millis, timed};

#[test]
fn spawn_does_not_run_the_body_at_once() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let greenlet = spawn(move || inner.note("ran"));
        assert!(log.take().is_empty());
        greenlet.wait();
        assert_eq!(log.take(), ["ran"]);
    });
}

#[test]
fn greenlets_start_in_the_order_in_which_they_were_spawned() {
    bounded(|| {
        let log = Log::new();
        let greenlets: Vec<_> = (0..200)
            .map(|n| {
                let log = log.clone();
                spawn(move || log.note(n))
            })
            .collect();
        joinall(&greenlets);
        assert_eq!(log.take(), (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn yielding_greenlets_take_turns() {
    bounded(|| {
        let log = Log::new();
        let greenlets = [1, 2].map(|n| {
            let log = log.clone();
            spawn(move || {
                log.note(format!("{n}A"));
                sleep(Duration::ZERO);
                log.note(format!("{n}B"));
            })
        });
        joinall(&greenlets);
        assert_eq!(log.take(), ["1A", "2A", "1B", "2B"]);
    });
}

#[test]
fn zero_sleeps_and_yields_alone_return() {
    bounded(|| {
        for _ in 0..1000 {
            sleep(Duration::ZERO);
            yield_now();
        }
    });
}

#[test]
fn a_greenlet_that_only_yields_does_not_starve_timers() {
    bounded(|| {
        let spinner = spawn(|| {
            loop {
                yield_now();
            }
        });
        sleep(millis(10));
        spinner.kill();
    });
}

#[test]
fn main_that_only_yields_does_not_starve_timers() {
    bounded(|| {
        let done = Rc::new(Cell::new(false));
        let flag = Rc::clone(&done);
        spawn_later(millis(5), move || flag.set(true));
        while !done.get() {
            yield_now();
        }
    });
}

#[test]
fn sleepers_sleep_side_by_side() {
    bounded(|| {
        let took = timed(|| {
            let sleepers: Vec<_> =
                (0..5).map(|_| spawn(|| (0..5).for_each(|_| sleep(millis(20))))).collect();
            joinall(&sleepers);
        });
        assert!(took >= millis(100), "{took:?}");
        assert!(took < millis(400), "one after the other it would be 500 ms: {took:?}");
    });
}

#[test]
fn a_sleep_is_not_shorter_than_asked() {
    bounded(|| {
        for length in [1, 3, 10] {
            let took = timed(|| sleep(millis(length)));
            assert!(took >= millis(length), "{took:?}");
        }
    });
}

#[test]
fn a_sleep_counts_from_its_call_however_long_was_computed_before() {
    bounded(|| {
        yield_now();
        // The hub does not look at the clock meanwhile.
        std::thread::sleep(millis(50));
        let took = timed(|| sleep(millis(30)));
        assert!(took >= millis(30), "{took:?}");
    });
}

#[test]
fn a_descriptor_that_is_waited_for_does_not_make_sleeps_coarse() {
    bounded(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = spawn(move || socket.recv(&mut [0; 4]).is_ok());
        yield_now();
        assert_eq!(Hub::current().stats().sources, 1);
        let mut naps: Vec<_> = (0..150).map(|_| timed(|| sleep(millis(1)))).collect();
        naps.sort();
        // What else runs on this machine may delay many of them, but not most.
        assert!(naps[15] < millis(11), "nine in ten took longer than {:?}", naps[15]);
        receiver.kill();
    });
}

#[test]
fn equal_deadlines_wake_in_the_order_in_which_they_were_set() {
    bounded(|| {
        let log = Log::new();
        let greenlets: Vec<_> = (0..100)
            .map(|n| {
                let log = log.clone();
                spawn(move || {
                    sleep(millis(20));
                    log.note(n);
                })
            })
            .collect();
        joinall(&greenlets);
        assert_eq!(log.take(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn shorter_sleeps_end_first_whatever_order_they_began_in() {
    bounded(|| {
        let log = Log::new();
        let greenlets: Vec<_> = [60, 20, 40]
            .map(|length| {
                let log = log.clone();
                spawn(move || {
                    sleep(millis(length));
                    log.note(length);
                })
            })
            .into();
        joinall(&greenlets);
        assert_eq!(log.take(), ["20", "40", "60"]);
    });
}

#[test]
fn a_greenlet_outlives_the_one_that_spawned_it() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        spawn(move || {
            spawn_later(millis(5), move || inner.note("child"));
        })
        .wait();
        assert!(log.take().is_empty());
        sleep(millis(30));
        assert_eq!(log.take(), ["child"]);
    });
}

#[test]
fn a_greenlet_that_sleeps_while_it_unwinds_sleeps_with_the_thread() {
    struct SleepsInDrop;
    impl Drop for SleepsInDrop {
        fn drop(&mut self) {
            sleep(millis(10));
            yield_now();
        }
    }
    bounded(|| {
        let log = Log::new();
        let neighbour = log.clone();
        let unwinds = spawn(|| {
            let _guard = SleepsInDrop;
            panic!("unwinds");
        });
        spawn(move || neighbour.note(std::thread::panicking()));
        let took = timed(|| unwinds.wait());
        assert!(took >= millis(10), "{took:?}");
        sleep(millis(1));
        assert_eq!(log.take(), ["false"]);
    });
}

#[test]
fn stats_tell_what_the_hub_holds() {
    bounded(|| {
        let hub = Hub::current();
        let at_first = hub.stats();
        assert_eq!((at_first.ready, at_first.timers, at_first.sources), (0, 0, 0));
        let sleepers: Vec<_> = (0..3).map(|_| spawn(|| sleep(Duration::from_secs(60)))).collect();
        assert_eq!((hub.stats().ready, hub.stats().stacks_in_use), (3, 3));
        yield_now();
        assert_eq!((hub.stats().ready, hub.stats().timers), (0, 3));
        sleepers.iter().for_each(|sleeper| sleeper.kill());
        let at_last = hub.stats();
        assert_eq!((at_last.timers, at_last.stacks_in_use, at_last.stacks_idle), (0, 0, 3));
    });
}

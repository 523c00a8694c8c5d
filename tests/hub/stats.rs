//! What a hub counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use greenhub::sync::Event;
use greenhub::{Hub, raw, sleep, spawn, yield_now};

use crate::support::{LONG, bounded, millis};

#[test]
fn switches_are_counted_however_many_there_are_in_a_turn() {
    bounded(|| {
        let hub = Hub::current();
        let greenlet = spawn(|| (0..1_000).for_each(|_| yield_now()));
        let before = hub.stats();
        greenlet.wait();
        let after = hub.stats();
        // It is run 1,001 times, and main once.
        assert_eq!(after.switches - before.switches, 1_002);
        assert!(after.turns - before.turns >= 1_002 / 64);
    });
}

#[test]
fn turns_that_are_cut_short_do_not_change_the_count() {
    bounded(|| {
        let hub = Hub::current();
        let before = hub.stats().switches;
        for _ in 0..10 {
            hub.run_callback(|| ());
            yield_now();
        }
        assert_eq!(hub.stats().switches - before, 10);
    });
}

#[test]
fn waits_timers_polls_and_greenlets_are_counted() {
    bounded(|| {
        let hub = Hub::current();
        let before = hub.stats();
        let sleepers: Vec<_> = (0..5).map(|_| spawn(|| sleep(millis(1)))).collect();
        greenhub::joinall(&sleepers);
        raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap();
        let after = hub.stats();
        assert_eq!(after.timers_set - before.timers_set, 5);
        assert_eq!((after.made - before.made, after.ended - before.ended), (6, 6));
        assert!(after.waits - before.waits >= 6, "five sleep, and main waits");
        assert!(after.polls > before.polls, "the hub has slept");
    });
}

#[test]
fn alarms_of_other_threads_are_counted() {
    bounded(|| {
        let gone = std::thread::spawn(|| Hub::current().stats().alarms);
        assert_eq!(gone.join().unwrap(), 0);
        let hub = Hub::current();
        assert_eq!(hub.stats().alarms, 0);
        for sent in 1.. {
            let remote = hub.remote();
            let come = Arc::new(Event::new());
            let sets = Arc::clone(&come);
            let thread = std::thread::spawn(move || {
                std::thread::sleep(millis(20));
                remote.run_callback(move || sets.set())
            });
            come.wait().unwrap();
            assert!(thread.join().unwrap());
            // One that comes before the hub sleeps is found without an alarm.
            assert!(hub.stats().alarms <= sent);
            if hub.stats().alarms > 0 {
                break;
            }
        }
    });
}

#[test]
fn kills_that_were_outlived_are_counted_when_the_greenlet_has_ended() {
    bounded(|| {
        let hub = Hub::current();
        let outlives = spawn(|| {
            for _ in 0..2 {
                assert!(catch_unwind(AssertUnwindSafe(|| sleep(LONG))).is_err());
            }
        });
        yield_now();
        outlives.start_kill();
        yield_now();
        outlives.kill();
        assert_eq!(hub.stats().ignored_kills, 2);
        let obeys = spawn(|| sleep(LONG));
        yield_now();
        obeys.kill();
        spawn(|| ()).kill();
        assert_eq!(hub.stats().ignored_kills, 2);
    });
}

#[test]
fn a_hub_that_has_nothing_to_do_does_not_look_around() {
    bounded(|| {
        let (mut reader, writer) = greenhub::monkey::io::pipe().unwrap();
        let reading = spawn(move || std::io::Read::read(&mut reader, &mut [0]).unwrap());
        sleep(millis(1));
        let before = Hub::current().stats();
        sleep(millis(100));
        let after = Hub::current().stats();
        assert!(after.polls - before.polls <= 3, "{} polls", after.polls - before.polls);
        assert!(after.turns - before.turns <= 3, "{} turns", after.turns - before.turns);
        drop(writer);
        assert_eq!(reading.join().unwrap(), 0);
    });
}

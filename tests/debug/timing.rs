//! How long greenlets run, and since when they do not.

use std::time::Instant;

use greenhub::debug::{Survey, is_timing, set_timing, slices};
use greenhub::{Builder, Hub, raw, sleep, spawn, yield_now};

use crate::support::{LONG, alone, bounded, here, millis, seen};

#[test]
fn slices_are_noted_only_while_timing_is_on() {
    alone("timing::slices_are_noted_only_while_timing_is_on", || {
        assert!(slices().is_none() && !is_timing());
        set_timing(true);
        set_timing(true);
        let blocks = Builder::new().name("blocks").spawn(|| std::thread::sleep(millis(400)));
        blocks.unwrap().wait();
        let noted = slices().unwrap();
        assert_eq!(noted.count, 2, "main's, and one");
        let longest = noted.longest.as_ref().unwrap();
        assert_eq!(longest.name, "greenlet 1 'blocks'");
        assert!(longest.length >= millis(400) && noted.total >= longest.length);
        assert!(longest.spawned_at.as_ref().unwrap().starts_with("tests/debug/timing.rs:"));
        assert_eq!(noted.below().map(|(_, count)| count).sum::<u64>(), 2);
        assert!(here().to_string().contains("\n  slices: 2 in "));
        set_timing(false);
        yield_now();
        assert!(slices().is_none() && !is_timing());
        set_timing(true);
        assert_eq!(slices().unwrap().count, 0, "what was noted is forgotten");
        set_timing(false);
    });
}

#[test]
fn sleep_is_no_slice() {
    alone("timing::sleep_is_no_slice", || {
        let start = Instant::now();
        set_timing(true);
        sleep(millis(400));
        spawn(|| sleep(millis(400))).wait();
        let noted = slices().unwrap();
        assert!(noted.total * 2 < start.elapsed(), "{noted}");
        set_timing(false);
    });
}

#[test]
fn each_yield_and_each_raw_switch_ends_a_slice() {
    alone("timing::each_yield_and_each_raw_switch_ends_a_slice", || {
        set_timing(true);
        spawn(|| (0..9).for_each(|_| yield_now())).wait();
        assert_eq!(slices().unwrap().count, 11, "main's, and ten");
        raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap();
        assert_eq!(slices().unwrap().count, 13);
        set_timing(false);
    });
}

#[test]
fn it_is_told_for_how_long_a_greenlet_has_not_run() {
    alone("timing::it_is_told_for_how_long_a_greenlet_has_not_run", || {
        let before = spawn(|| sleep(LONG));
        yield_now();
        set_timing(true);
        let after = spawn(|| sleep(LONG));
        yield_now();
        std::thread::sleep(millis(20));
        assert_eq!(seen(before.id()).idle, None, "it has not run since");
        assert!(seen(after.id()).idle.unwrap() >= millis(20));
        assert!(seen(0).idle.is_none(), "it runs");
        // Another that has its number is not taken for it.
        after.kill();
        let next = spawn(|| sleep(LONG));
        assert_eq!((next.id(), seen(next.id()).idle), (after.id(), None));
        set_timing(false);
        assert_eq!(seen(next.id()).idle, None);
        Hub::current().end(millis(1000)).unwrap();
    });
}

#[test]
fn hubs_of_other_threads_are_timed_when_they_come_round() {
    alone("timing::hubs_of_other_threads_are_timed_when_they_come_round", || {
        let (begun, begins) = std::sync::mpsc::channel();
        let other = std::thread::Builder::new().name("timed".into()).spawn(move || {
            let _hub = Hub::current();
            begun.send(()).unwrap();
            while !is_timing() {
                sleep(millis(1));
            }
            while is_timing() {
                sleep(millis(1));
            }
        });
        begins.recv().unwrap();
        set_timing(true);
        loop {
            let dump = Survey::new().limit(LONG).take();
            let hub = dump.hubs.iter().find(|hub| hub.thread.as_deref() == Some("timed")).unwrap();
            if hub.seen.as_ref().unwrap().slices.as_ref().is_some_and(|slices| slices.count > 3) {
                break;
            }
            sleep(millis(1));
        }
        set_timing(false);
        other.unwrap().join().unwrap();
    });
}

#[test]
fn what_a_trace_hook_is_told_does_not_change_by_timing() {
    bounded(|| {
        let log = crate::support::Log::default();
        let sink = log.clone();
        greenhub::set_trace(Some(std::rc::Rc::new(move |switch| {
            sink.note(format!("{}>{}", switch.origin().id(), switch.target().id()));
        })));
        let recorder = greenhub::debug::Recorder::new(std::io::sink());
        let recording = recorder.record().unwrap();
        spawn(|| ()).wait();
        assert_eq!(log.take(), ["0>1", "1>0"]);
        recording.stop().unwrap();
        spawn(|| ()).wait();
        assert_eq!(log.take(), ["0>1", "1>0"]);
        greenhub::set_trace(None);
    });
}

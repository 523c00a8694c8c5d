//! Links: who is told of an end, and in which order.

use std::panic::resume_unwind;

use greenhub::{Greenlet, sleep, spawn, yield_now};

use crate::support::{Log, bounded, log_unhandled, millis, settle};

#[test]
fn a_thousand_links_are_called_in_the_order_in_which_they_were_added() {
    bounded(|| {
        let log = Log::new();
        let greenlet = spawn(|| ());
        for n in 0..1000 {
            let sink = log.clone();
            greenlet.link(move |_| sink.note(n));
        }
        settle();
        let expected: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(log.take(), expected);
        assert!(!greenlet.has_links());
    });
}

#[test]
fn links_are_called_also_when_they_are_added_after_the_end() {
    bounded(|| {
        let log = Log::new();
        let greenlet = spawn(|| 7);
        greenlet.wait();
        for _ in 0..3 {
            let sink = log.clone();
            greenlet.link(move |g| {
                yield_now();
                sink.note(g.value().unwrap());
            });
        }
        assert!(log.take().is_empty(), "not at once");
        settle();
        assert_eq!(log.take(), ["7", "7", "7"]);
    });
}

fn link_all(greenlet: &Greenlet<u32>, log: &Log) {
    let [value, error, any, raw] = [log.clone(), log.clone(), log.clone(), log.clone()];
    greenlet.link_value(move |_| value.note("value"));
    greenlet.link_error(move |_| error.note("error"));
    greenlet.link(move |_| any.note("any"));
    greenlet.raw_link(move |_| raw.note("raw"));
}

#[test]
fn value_links_are_for_values_and_kills_and_error_links_for_panics() {
    bounded(|| {
        let log = Log::new();
        let bodies: [fn() -> u32; 3] =
            [|| 7, || resume_unwind(Box::new("boom")), || resume_unwind(Box::new(greenhub::Exit))];
        for (body, expected) in bodies.into_iter().zip(["value", "error", "value"]) {
            let greenlet = spawn(body);
            for _ in 0..20 {
                greenlet.link(|_| ());
            }
            link_all(&greenlet, &log);
            settle();
            assert_eq!(log.take(), ["raw", expected, "any"]);
            let _ = greenlet.join();
        }
    });
}

#[test]
fn a_link_that_panics_is_reported_and_does_not_stop_the_others() {
    bounded(|| {
        let (log, unhandled) = (Log::new(), log_unhandled());
        let greenlet = spawn(|| ());
        greenlet.link(|_| resume_unwind(Box::new("first")));
        greenlet.raw_link(|_| resume_unwind(Box::new("second")));
        greenlet.raw_link(|_| sleep(millis(1)));
        let sink = log.clone();
        greenlet.link(move |_| sink.note("called"));
        settle();
        assert_eq!(log.take(), ["called"]);
        let reports = unhandled.take();
        assert_eq!(reports.len(), 3, "{reports:?}");
        assert!(reports.contains(&"first".into()) && reports.contains(&"second".into()));
    });
}

#[test]
fn a_link_that_is_taken_back_is_not_called() {
    bounded(|| {
        let log = Log::new();
        let greenlet = spawn(|| ());
        assert!(!greenlet.has_links());
        let captured = log.on_drop("dropped");
        let id = greenlet.link(move |_| drop(captured));
        assert!(greenlet.has_links());
        assert!(greenlet.unlink(id) && !greenlet.unlink(id));
        assert_eq!(log.take(), ["dropped"]);
        assert!(!greenlet.has_links());
        greenlet.link(|_| panic!("called"));
        greenlet.raw_link(|_| panic!("called"));
        greenlet.unlink_all();
        assert!(!greenlet.has_links());
        let unhandled = log_unhandled();
        settle();
        assert!(unhandled.take().is_empty());
    });
}

#[test]
fn a_link_can_be_taken_back_by_an_earlier_one() {
    bounded(|| {
        let log = Log::new();
        let greenlet = spawn(|| ());
        let (other, sink) = (greenlet.any(), log.clone());
        let ids = std::rc::Rc::new(std::cell::Cell::new(None));
        let later = std::rc::Rc::clone(&ids);
        greenlet.link(move |_| sink.note(other.unlink(later.take().unwrap())));
        let sink = log.clone();
        ids.set(Some(greenlet.link(move |_| sink.note("called"))));
        settle();
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn a_link_may_take_the_result_when_nobody_has_a_handle() {
    bounded(|| {
        let (log, unhandled) = (Log::new(), log_unhandled());
        let greenlet: Greenlet<()> = spawn(|| resume_unwind(Box::new("boom")));
        let sink = log.clone();
        greenlet.link_error(move |g| sink.note(g.join().unwrap_err()));
        drop(greenlet);
        settle();
        assert_eq!(log.take(), ["the greenlet panicked: boom"]);
        assert!(unhandled.take().is_empty());
    });
}

#[test]
fn one_is_not_dead_as_seen_from_itself_and_dead_as_seen_from_its_links() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        let greenlet = spawn(move || sink.note(greenhub::current().is_dead()));
        let sink = log.clone();
        greenlet.link(move |g| sink.note(g.is_dead()));
        settle();
        assert_eq!(log.take(), ["false", "true"]);
    });
}

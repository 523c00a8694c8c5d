//! That nothing stays entered, however a greenlet leaves its spans.

use std::cell::RefCell;
use std::panic;
use std::rc::Rc;

use greenhub::spans::Switching;
use greenhub::{Hub, sleep, spawn, with_timeout, yield_now};
use tracing::span::{Attributes, EnteredSpan, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber, info, info_span};

use crate::support::{LONG, Seen, millis, noted};

/// How often each span was entered more than it was left.
#[track_caller]
fn assert_balanced(seen: &Seen) {
    let lines = seen.take();
    let count = |sign| lines.iter().filter(|line| line.starts_with(sign)).count();
    assert!(count('+') > 0 && count('+') == count('-'), "{lines:?}");
    info!("here");
    assert_eq!(seen.events(), [": here"]);
}

#[test]
fn a_kill_leaves_the_spans_on_its_way() {
    noted(|seen| {
        let killed = spawn(|| {
            let _outer = info_span!("outer").entered();
            info_span!("inner").in_scope(|| sleep(LONG));
        });
        yield_now();
        killed.kill();
        assert_balanced(seen);
    });
}

#[test]
fn what_a_destructor_says_while_a_kill_unwinds_is_in_the_spans_around_it() {
    struct Says;
    impl Drop for Says {
        fn drop(&mut self) {
            info!("dropped");
        }
    }
    noted(|seen| {
        let killed = spawn(|| {
            let _outer = info_span!("outer").entered();
            let _says = Says;
            info_span!("inner").in_scope(|| sleep(LONG));
        });
        yield_now();
        killed.kill();
        assert_eq!(seen.events(), ["outer: dropped"]);
    });
}

#[test]
fn a_panic_leaves_the_spans_on_its_way() {
    noted(|seen| {
        let panics = spawn(|| {
            let _span = info_span!("own").entered();
            yield_now();
            panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panics.join().is_err());
        assert_balanced(seen);
    });
}

#[test]
fn a_limit_leaves_the_spans_of_its_block_and_no_others() {
    noted(|seen| {
        let limited = spawn(|| {
            let _outer = info_span!("outer").entered();
            let ended = with_timeout(millis(1), || info_span!("inner").in_scope(|| sleep(LONG)));
            assert!(ended.is_err());
            info!("late");
            yield_now();
            info!("later");
        });
        limited.join().unwrap();
        assert_eq!(seen.events(), ["outer: late", "outer: later"]);
        spawn(|| info_span!("other").in_scope(yield_now)).join().unwrap();
        assert_balanced(seen);
    });
}

#[test]
fn the_end_of_a_hub_leaves_all_spans() {
    noted(|seen| {
        for _ in 0..3 {
            drop(spawn(|| info_span!("own").in_scope(|| sleep(LONG))));
        }
        yield_now();
        Hub::current().end(millis(1000)).unwrap();
        assert_balanced(seen);
    });
}

#[test]
fn a_guard_that_was_forgotten_keeps_nobody_else_in_the_span() {
    noted(|seen| {
        let forgets = spawn(|| {
            std::mem::forget(info_span!("forgotten").entered());
            yield_now();
            info!("still");
        });
        let other = spawn(|| info!("other"));
        forgets.join().unwrap();
        other.join().unwrap();
        for _ in 0..10 {
            spawn(yield_now).join().unwrap();
        }
        assert_balanced_events(seen);
    });
}

#[track_caller]
fn assert_balanced_events(seen: &Seen) {
    assert_eq!(seen.events(), [": other", "forgotten: still"]);
    info!("here");
    assert_eq!(seen.events(), [": here"]);
}

#[test]
fn a_guard_that_another_drops_is_left_for_good() {
    noted(|seen| {
        let shared: Rc<RefCell<Option<EnteredSpan>>> = Rc::default();
        let slot = Rc::clone(&shared);
        let enters = spawn(move || {
            *slot.borrow_mut() = Some(info_span!("own").entered());
            yield_now();
            info!("left");
        });
        yield_now();
        drop(shared.take());
        info!("dropped");
        enters.join().unwrap();
        assert_eq!(seen.events(), [": dropped", ": left"]);
    });
}

/// Has spans, and panics when one is left.
struct Panics;

impl Subscriber for Panics {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {
        panic::resume_unwind(Box::new("on purpose"));
    }
}

#[test]
fn a_subscriber_that_panics_at_a_switch_does_not_end_the_hub() {
    noted(|_| {
        let _guard = tracing::subscriber::set_default(Switching::new(Panics));
        let span = info_span!("own");
        let other = Span::clone(&span);
        let greenlet = spawn(move || {
            std::mem::forget(other.entered());
            yield_now();
            7
        });
        assert_eq!(greenlet.join().unwrap(), 7);
        assert_eq!(spawn(|| 8).join().unwrap(), 8);
    });
}

//! The flags of a greenlet's life, its start, and those who are told of that.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::{Builder, Greenlet, add_spawn_hook, current, remove_spawn_hook, spawn, spawn_later};

use crate::support::{Log, bounded, log_unhandled, millis, settle};

/// Started, finished, dead, successful.
fn flags<T: 'static>(g: &Greenlet<T>) -> [bool; 4] {
    [g.is_started(), g.is_finished(), g.is_dead(), g.is_successful()]
}

#[test]
fn the_flags_of_one_that_returns() {
    bounded(|| {
        let log = Log::new();
        let unstarted = Builder::new()
            .create(|| {
                let own = current();
                assert!(own.is_started() && !own.is_dead() && !own.is_successful());
                5
            })
            .unwrap();
        let sink = log.clone();
        unstarted.greenlet().link(move |g| sink.note(g.id()));
        assert_eq!(flags(unstarted.greenlet()), [false; 4]);
        let greenlet = unstarted.start();
        assert_eq!(flags(&greenlet), [true, false, false, false]);
        assert_eq!(greenlet.value(), None);
        greenlet.wait();
        assert_eq!(flags(&greenlet), [false, true, true, true]);
        assert_eq!((greenlet.value(), greenlet.value()), (Some(5), Some(5)));
        assert!(greenlet.with_error(|_| ()).is_none());
        settle();
        assert_eq!(log.take().len(), 1, "the link is called once");
        assert_eq!(greenlet.join().unwrap(), 5);
    });
}

#[test]
fn the_flags_of_one_that_panics() {
    bounded(|| {
        let unhandled = log_unhandled();
        let greenlet: Greenlet<u32> = spawn(|| std::panic::resume_unwind(Box::new("boom")));
        assert_eq!(flags(&greenlet), [true, false, false, false]);
        greenlet.wait();
        assert_eq!(flags(&greenlet), [false, true, true, false]);
        assert_eq!(greenlet.value(), None);
        let text = greenlet.any().with_error(|p| *p.downcast_ref::<&str>().unwrap());
        assert_eq!(text, Some("boom"));
        drop(greenlet);
        assert!(unhandled.take().is_empty(), "a panic that was seen is not reported");
    });
}

#[test]
fn the_flags_of_one_that_is_killed_before_it_starts() {
    bounded(|| {
        let log = Log::new();
        let captured = log.on_drop("captures");
        let unstarted = Builder::new().create(move || drop(captured)).unwrap();
        unstarted.greenlet().start_kill();
        assert_eq!(flags(unstarted.greenlet()), [false, false, true, false]);
        let greenlet = unstarted.start();
        greenlet.wait();
        assert_eq!(flags(&greenlet), [false, true, true, true]);
        assert_eq!(log.take(), ["captures"]);
    });
}

#[test]
fn one_that_is_dropped_unstarted_drops_its_captures_at_once_and_ends_as_killed() {
    bounded(|| {
        let log = Log::new();
        let captured = log.on_drop("captures");
        let unstarted = Builder::new().create(move || drop(captured)).unwrap();
        let greenlet = unstarted.greenlet().clone();
        let sink = log.clone();
        greenlet.link_value(move |_| sink.note("linked"));
        drop(unstarted);
        assert_eq!(log.take(), ["captures"]);
        assert!(matches!(greenlet.join(), Err(greenhub::JoinError::Killed)));
        settle();
        assert_eq!(log.take(), ["linked"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

/// Counts that it is dropped, and panics.
struct Bomb(Rc<Cell<u32>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("a capture panics when it is dropped");
    }
}

#[test]
fn captures_that_panic_when_they_are_dropped_unstarted_leave_no_stack_behind() {
    bounded(|| {
        let count = Rc::new(Cell::new(0));
        // Kept in the greenlet itself, and beside it.
        let (small, large) = (Bomb(Rc::clone(&count)), (Bomb(Rc::clone(&count)), [0u8; 200]));
        drop(Builder::new().create(move || drop(small)).unwrap());
        drop(Builder::new().create(move || drop(large)).unwrap());
        assert_eq!((count.get(), Rc::strong_count(&count)), (2, 1));
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn one_that_is_started_later_starts_later() {
    bounded(|| {
        let unstarted = Builder::new().create(|| 7).unwrap();
        let greenlet = unstarted.start_later(millis(5));
        assert!(greenlet.is_started() && !greenlet.wait_for(millis(1)));
        assert_eq!(greenlet.join().unwrap(), 7);
    });
}

#[test]
fn a_kill_while_the_start_is_put_off_cancels_the_timer() {
    bounded(|| {
        let greenlet = Builder::new().create(|| ()).unwrap().start_later(millis(60_000));
        greenlet.kill();
        assert_eq!(greenhub::Hub::current().stats().timers, 0);
        assert!(greenlet.is_successful());
    });
}

#[test]
fn spawn_hooks_are_told_of_starts_until_they_are_removed() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        let hook = add_spawn_hook(move |g| sink.note(g.name().unwrap_or_default()));
        let first = Builder::new().name("spawned").spawn(|| ()).unwrap();
        let unstarted = Builder::new().name("started").create(|| ()).unwrap();
        assert_eq!(log.take(), ["spawned"]);
        unstarted.start().wait();
        spawn_later(millis(1), || ()).wait();
        first.link(|_| ());
        settle();
        assert_eq!(log.take(), ["started", ""]);
        assert!(remove_spawn_hook(hook) && !remove_spawn_hook(hook));
        spawn(|| ()).wait();
        assert!(log.take().is_empty());
    });
}

#[test]
fn one_tells_who_spawned_it_and_where_and_can_be_renamed() {
    bounded(|| {
        let outer = spawn(|| (current().id(), spawn(|| ()).spawner_id()));
        assert_eq!(outer.spawner_id(), 0);
        assert!(outer.spawned_at().file().ends_with("life.rs"));
        outer.set_name("outer");
        assert_eq!(outer.name().as_deref(), Some("outer"));
        let (own, told) = outer.join().unwrap();
        assert_eq!(own, told);
    });
}

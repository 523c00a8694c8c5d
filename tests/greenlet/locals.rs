//! Values of which each greenlet has its own.

use std::cell::{Cell, RefCell};

use greenhub::raw;
use greenhub::{Builder, greenlet_local, sleep, spawn, yield_now};

use crate::support::{Log, OnDrop, bounded, millis};

greenlet_local! {
    static COUNT: Cell<u32> = Cell::new(1);
    static KEPT: RefCell<Option<OnDrop>> = RefCell::new(None);
    static NAME: String = "none".to_owned(); inherit;
    static OTHER: Cell<u32> = Cell::new(7);
}

#[test]
fn each_greenlet_has_its_own_and_main_too() {
    bounded(|| {
        COUNT.with(|count| count.set(10));
        let bump = || {
            COUNT.with(|count| count.set(count.get() + 1));
            yield_now();
            COUNT.with(Cell::get)
        };
        let [first, second] = [spawn(bump), spawn(bump)];
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (2, 2));
        assert_eq!(COUNT.with(Cell::get), 10);
        assert_eq!(raw::Greenlet::new(move |()| bump()).switch::<u32>(()).unwrap(), 2);
        assert_eq!(OTHER.with(Cell::get), 7);
    });
}

#[test]
fn values_are_dropped_when_the_greenlet_ends_though_its_handle_is_kept() {
    bounded(|| {
        let log = Log::new();
        let value = log.on_drop("dropped");
        let greenlet = spawn(move || {
            KEPT.with(|kept| kept.replace(Some(value)));
            sleep(millis(1));
        });
        yield_now();
        assert!(log.take().is_empty());
        greenlet.wait();
        assert_eq!(log.take(), ["dropped"]);
        assert!(greenlet.is_finished());
    });
}

#[test]
fn values_are_dropped_by_a_kill_and_by_the_end_of_a_raw_greenlet() {
    bounded(|| {
        let log = Log::new();
        let value = log.on_drop("killed");
        let greenlet = spawn(move || {
            KEPT.with(|kept| kept.replace(Some(value)));
            sleep(millis(60_000));
        });
        yield_now();
        greenlet.kill();
        assert_eq!(log.take(), ["killed"]);
        let value = log.on_drop("raw");
        let raw = raw::Greenlet::new(move |()| {
            KEPT.with(|kept| kept.replace(Some(value)));
        });
        raw.switch::<()>(()).unwrap();
        assert_eq!(log.take(), ["raw"]);
    });
}

#[test]
fn values_are_inherited_where_that_is_asked_for() {
    bounded(|| {
        assert_eq!(spawn(|| NAME.with(String::clone)).join().unwrap(), "none");
        NAME.set("spawner".to_owned());
        let child = spawn(|| {
            let own = NAME.with(String::clone);
            NAME.set("child".to_owned());
            (own, spawn(|| NAME.with(String::clone)).join().unwrap())
        });
        assert_eq!(child.join().unwrap(), ("spawner".to_owned(), "child".to_owned()));
        assert_eq!(NAME.take().as_deref(), Some("spawner"));
        assert_eq!((NAME.take(), NAME.try_with(String::len)), (None, Ok(4)));
        NAME.set("late".to_owned());
        drop(Builder::new().create(|| ()).unwrap());
    });
}

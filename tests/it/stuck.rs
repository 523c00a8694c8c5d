//! When everything waits for ever, main is told, and who waits for what.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::raw::{Generator, Greenlet as Raw, generator};
use greenhub::{Builder, Greenlet, Hub, current, sleep, spawn, spawn_later};

use crate::support::{bounded, message, millis, panic_of, timed};

type Slot = Rc<RefCell<Option<Greenlet<()>>>>;

/// Two greenlets, each of which joins the other.
fn two_that_join_each_other() -> [Greenlet<()>; 2] {
    let slot: Slot = Rc::default();
    let other = Rc::clone(&slot);
    let romeo = Builder::new().name("romeo").spawn(move || {
        let juliet = other.borrow().clone().unwrap();
        juliet.wait();
    });
    let romeo = romeo.unwrap();
    let beloved = romeo.clone();
    let juliet = Builder::new().name("juliet").spawn(move || beloved.wait()).unwrap();
    *slot.borrow_mut() = Some(juliet.clone());
    [romeo, juliet]
}

#[test]
fn two_that_join_each_other_are_named_in_mains_panic() {
    bounded(|| {
        let [romeo, juliet] = two_that_join_each_other();
        let report = message(&*panic_of(|| romeo.wait()));
        assert!(report.contains("waits for ever"), "{report}");
        let (r, j) = (romeo.id(), juliet.id());
        assert!(report.contains(&format!(
            "greenlet {r} 'romeo' waits for the end of greenlet {j} 'juliet' (made at tests/it/stuck.rs"
        )), "{report}");
        assert!(report.contains(&format!("'juliet' waits for the end of greenlet {r} 'romeo'")));
        assert!(report.contains(&format!("main waits for the end of greenlet {r} 'romeo'")));
    });
}

#[test]
fn a_circle_of_joins_is_told() {
    bounded(|| {
        let slot: Slot = Rc::default();
        let first = Rc::clone(&slot);
        let ann = Builder::new().name("ann").spawn(move || {
            let cid = first.borrow().clone().unwrap();
            cid.wait();
        });
        let (ann, mut chain) = (ann.unwrap(), Vec::new());
        for name in ["bob", "cid"] {
            let before = chain.last().unwrap_or(&ann).clone();
            let waits = Builder::new().name(name).spawn(move || before.wait()).unwrap();
            chain.push(waits);
        }
        *slot.borrow_mut() = chain.last().cloned();
        let report = message(&*panic_of(|| chain[0].wait()));
        let (a, b, c) = (ann.id(), chain[0].id(), chain[1].id());
        assert!(report.contains(&format!(
            "in a circle: greenlet {b} 'bob' waits for the end of greenlet {a} 'ann', which waits \
             for the end of greenlet {c} 'cid', which waits for the end of greenlet {b} 'bob'\n"
        )), "{report}");
        ann.kill();
    });
}

#[test]
fn of_many_the_first_are_listed_and_the_others_counted() {
    bounded(|| {
        let sleepers: Vec<_> = (0..1000).map(|_| spawn(|| sleep(Duration::MAX))).collect();
        let report = message(&*panic_of(|| sleep(Duration::MAX)));
        assert_eq!(report.lines().count(), 1 + 20 + 1, "{report}");
        assert!(report.ends_with("\n  and 981 more"), "{report}");
        assert!(!report.contains("circle"), "{report}");
        greenhub::killall(&sleepers);
    });
}

#[test]
fn the_hub_goes_on_after_the_report() {
    bounded(|| {
        let [romeo, juliet] = two_that_join_each_other();
        panic_of(|| romeo.wait());
        sleep(millis(2));
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
        panic_of(|| juliet.wait());
        romeo.kill();
        juliet.wait();
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn the_report_ends_a_generator_in_main_as_well() {
    bounded(|| {
        let [romeo, _juliet] = two_that_join_each_other();
        let waits = romeo.clone();
        let mut never: Generator<()> = generator(move |_| waits.wait());
        let report = message(&*panic_of(|| never.next()));
        assert!(report.contains("main waits in a raw switch, for a value"), "{report}");
        drop(never);
        romeo.kill();
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_generator_that_main_drops_while_it_unwinds_from_the_report_is_unwound() {
    bounded(|| {
        let report = panic_of(|| {
            let mut never: Generator<()> = generator(|_| sleep(Duration::MAX));
            never.next()
        });
        assert!(message(&*report).contains("waits for ever"));
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
        assert!(!std::thread::panicking());
    });
}

#[test]
fn a_sleep_without_end_is_reported_and_does_not_hang() {
    bounded(|| {
        let sleeper = spawn(|| sleep(Duration::MAX));
        let report = message(&*panic_of(|| sleep(Duration::MAX)));
        assert!(report.contains("main waits in a sleep"), "{report}");
        sleeper.kill();
    });
}

#[test]
fn a_start_that_never_comes_is_reported_and_does_not_hang() {
    bounded(|| {
        let never = spawn_later(Duration::MAX, || ());
        let report = message(&*panic_of(|| never.wait()));
        assert!(report.contains("waits for its start"), "{report}");
        never.kill();
    });
}

#[test]
fn a_start_that_was_cancelled_does_not_put_the_report_off() {
    bounded(|| {
        spawn_later(Duration::from_secs(3600), || ()).kill();
        let took = timed(|| drop(panic_of(|| sleep(Duration::MAX))));
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}

#[test]
fn a_limit_keeps_the_report_away() {
    bounded(|| {
        let [romeo, _juliet] = two_that_join_each_other();
        assert!(!romeo.wait_for(millis(10)));
        romeo.kill();
    });
}

#[test]
fn a_remote_keeps_the_report_away_until_it_is_dropped() {
    bounded(|| {
        let remote = Hub::current().remote();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(millis(20));
            drop(remote);
        });
        let took = timed(|| drop(panic_of(|| sleep(Duration::MAX))));
        assert!(took >= millis(15), "{took:?}");
        thread.join().unwrap();
    });
}

#[test]
fn a_spawned_greenlet_in_a_switch_that_nobody_answers_is_in_the_report() {
    bounded(|| {
        let asks = Builder::new().name("asks").spawn(|| {
            let silent = Raw::new(|()| sleep(Duration::MAX));
            silent.switch::<()>(()).is_ok()
        });
        let asks = asks.unwrap();
        let report = message(&*panic_of(|| asks.wait()));
        assert!(report.contains("'asks' waits in a raw switch"), "{report}");
        asks.kill();
        assert!(current().is_main());
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

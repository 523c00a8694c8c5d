//! Blocks that must let others run.

use std::panic;
use std::rc::Rc;
use std::time::Duration;

use greenhub::debug::{AssertSwitches, assert_switches};
use greenhub::sync::Event;
use greenhub::{Hub, current, raw, sleep, spawn, yield_now};

use crate::support::{LONG, bounded, message, millis, panic_of};

/// Long enough for a machine that is busy with other things to keep it.
const LIMIT: Duration = Duration::from_millis(400);

fn block() {
    std::thread::sleep(LIMIT + millis(50));
}

#[test]
fn a_block_that_switches_passes_and_gives_its_value() {
    bounded(|| {
        assert_eq!(assert_switches(|| spawn(|| 7).join().unwrap()), 7);
        assert_switches(yield_now);
        assert_switches(|| sleep(millis(1)));
        assert_switches(|| raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap());
        let in_greenlet = spawn(|| {
            assert_switches(|| sleep(millis(1)));
            assert_switches(yield_now);
            assert_switches(|| raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap());
        });
        in_greenlet.join().unwrap();
    });
}

#[test]
fn a_block_that_does_not_switch_is_a_panic_that_names_it() {
    bounded(|| {
        let told = message(&*panic_of(|| assert_switches(|| 2 + 2)));
        assert!(told.starts_with("main did not let others run for "), "{told}");
        assert!(told.contains("(in the block at tests/debug/asserting.rs:"), "{told}");
        let set = Event::new();
        set.set();
        panic_of(|| assert_switches(|| set.wait()));
        let told = spawn(|| message(&*panic_of(|| assert_switches(|| ())))).join().unwrap();
        assert!(told.starts_with("greenlet 1 did not let others run"), "{told}");
    });
}

#[test]
fn with_a_limit_a_quick_block_need_not_switch_and_a_slow_one_fails() {
    bounded(|| {
        let limit = AssertSwitches::new().max_blocking(LIMIT);
        limit.run(|| ());
        limit.run(|| sleep(LIMIT * 2));
        let told = message(&*panic_of(|| limit.run(block)));
        assert!(told.starts_with("main did not let others run for "), "{told}");
        assert!(told.contains("and 400ms are allowed"), "{told}");
        // Between two switches, before the first, and after the last.
        panic_of(|| limit.run(|| (yield_now(), block(), yield_now())));
        panic_of(|| limit.run(|| (block(), yield_now())));
        panic_of(|| limit.run(|| (yield_now(), block())));
        // Others run meanwhile.
        let told = message(&*panic_of(|| limit.run(|| spawn(block).wait())));
        assert!(told.starts_with("greenlet 1 did not"), "{told}");
        let in_greenlet = spawn(move || {
            limit.run(|| sleep(LIMIT * 2));
            panic_of(|| limit.run(|| (block(), sleep(millis(1)))));
            panic_of(|| limit.run(|| (sleep(millis(1)), block())));
        });
        in_greenlet.join().unwrap();
    });
}

#[test]
fn what_ran_before_the_block_does_not_count() {
    bounded(|| {
        let limit = AssertSwitches::new().max_blocking(LIMIT);
        block();
        limit.run(yield_now);
        let in_greenlet = spawn(move || {
            block();
            limit.run(yield_now);
        });
        in_greenlet.join().unwrap();
    });
}

#[test]
fn of_the_hub_alone_raw_switches_are_none() {
    bounded(|| {
        let limit = AssertSwitches::new().max_blocking(LIMIT);
        let pieces = || {
            for _ in 0..5 {
                std::thread::sleep(millis(100));
                raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap();
            }
        };
        limit.run(pieces);
        let told = message(&*panic_of(|| limit.hub_only(true).run(pieces)));
        assert!(told.contains("did not let others run for"), "{told}");
    });
}

#[test]
fn blocks_nest_and_each_asserts_for_itself() {
    bounded(|| {
        assert_switches(|| assert_switches(yield_now));
        panic_of(|| assert_switches(|| panic_of(|| assert_switches(|| ()))));
        assert_switches(|| {
            panic_of(|| assert_switches(|| ()));
            yield_now();
        });
        let limit = AssertSwitches::new().max_blocking(LIMIT);
        limit.run(|| limit.run(|| assert_switches(yield_now)));
    });
}

#[test]
fn a_panic_of_the_block_is_not_masked() {
    bounded(|| {
        let payload = panic_of(|| assert_switches(|| panic!("the block's own")));
        assert_eq!(message(&*payload), "the block's own");
        let killed = spawn(|| AssertSwitches::new().max_blocking(millis(1)).run(|| sleep(LONG)));
        yield_now();
        yield_now();
        killed.kill();
        assert!(matches!(killed.join(), Err(greenhub::JoinError::Killed)));
    });
}

#[test]
fn nothing_is_left_behind() {
    bounded(|| {
        let _ = panic::catch_unwind(|| assert_switches(|| ()));
        assert!(greenhub::debug::slices().is_none());
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let killed = spawn(move || assert_switches(|| own.wait()));
        yield_now();
        killed.kill();
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
        assert!(current().is_main());
    });
}

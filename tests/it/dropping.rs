//! What dropping the last handle of a raw greenlet does.

use greenhub::raw::{self, Exit, Greenlet, set_lost_hook};

use crate::support::{Log, bounded, message, millis, panic_of};

/// A greenlet suspended in a switch to main, with something to drop on its stack.
fn suspended(log: &Log, name: &str) -> Greenlet<()> {
    let (main, guard) = (raw::main().takes::<()>(), log.on_drop(name));
    let greenlet = Greenlet::new(move |()| {
        let _guard = guard;
        main.switch::<()>(()).unwrap();
    });
    greenlet.switch::<()>(()).unwrap();
    greenlet
}

#[test]
fn dropping_the_last_handle_unwinds_once_and_in_order() {
    bounded(|| {
        let log = Log::new();
        let (first, second) = (suspended(&log, "first"), suspended(&log, "second"));
        let clone = first.clone();
        drop(first);
        assert!(log.take().is_empty(), "a handle is left");
        drop(clone);
        drop(second);
        assert_eq!(log.take(), ["first", "second"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_cleanup_that_panics_is_reported_once_and_the_dropper_goes_on() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        set_lost_hook(move |lost| sink.note(message(&**lost.payload.as_ref().unwrap())));
        let main = raw::main().takes::<()>();
        let greenlet = Greenlet::new(move |()| {
            assert!(panic_of(|| main.switch::<()>(())).is::<Exit>());
            panic!("cleanup failed");
        });
        greenlet.switch::<()>(()).unwrap();
        drop(greenlet);
        assert_eq!(log.take(), ["cleanup failed"]);
    });
}

#[test]
fn a_lost_hook_that_panics_does_not_reach_the_dropper() {
    bounded(|| {
        set_lost_hook(|_| panic!("in the hook"));
        let main = raw::main().takes::<()>();
        let greenlet = Greenlet::new(move |()| {
            panic_of(|| main.switch::<()>(()));
            panic!("cleanup failed");
        });
        greenlet.switch::<()>(()).unwrap();
        drop(greenlet);
    });
}

#[test]
fn a_body_that_catches_the_exit_and_returns_is_ended() {
    bounded(|| {
        let main = raw::main().takes::<()>();
        let greenlet = Greenlet::new(move |()| drop(panic_of(|| main.switch::<()>(()))));
        greenlet.switch::<()>(()).unwrap();
        drop(greenlet);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_body_that_catches_the_exit_and_switches_again_does_not_hang_the_drop() {
    bounded(|| {
        let log = Log::new();
        let (inner, main) = (log.clone(), raw::main().takes::<()>());
        let greenlet = Greenlet::new(move |()| {
            panic_of(|| main.switch::<()>(()));
            inner.note(main.switch::<()>(()).unwrap_err());
        });
        greenlet.switch::<()>(()).unwrap();
        drop(greenlet);
        assert_eq!(log.take(), ["a greenlet cannot switch away while it unwinds"]);
    });
}

#[test]
fn a_body_that_catches_the_exit_and_sleeps_goes_on_in_the_hub() {
    bounded(|| {
        let log = Log::new();
        let (inner, main) = (log.clone(), raw::main().takes::<()>());
        let greenlet = Greenlet::new(move |()| {
            panic_of(|| main.switch::<()>(()));
            greenhub::sleep(millis(5));
            inner.note("slept");
        });
        greenlet.switch::<()>(()).unwrap();
        drop(greenlet);
        assert!(log.take().is_empty(), "the drop does not wait for it");
        greenhub::sleep(millis(30));
        assert_eq!(log.take(), ["slept"]);
    });
}

#[test]
fn an_unstarted_one_drops_its_captures_and_never_runs() {
    bounded(|| {
        let log = Log::new();
        let (inner, captured) = (log.clone(), log.on_drop("captured"));
        let greenlet = Greenlet::new(move |()| {
            let _captured = captured;
            inner.note("ran");
        });
        drop(greenlet);
        assert_eq!(log.take(), ["captured"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn captures_whose_destructor_panics_are_reported_and_dropped_once() {
    struct Panics(Log);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.note("dropped");
            panic!("in a capture");
        }
    }
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        set_lost_hook(move |lost| sink.note(message(&**lost.payload.as_ref().unwrap())));
        let captured = Panics(log.clone());
        drop(Greenlet::new(move |()| drop(captured)));
        assert_eq!(log.take(), ["dropped", "in a capture"]);
    });
}

/// Spawns a greenlet that switches to a raw one, which kills it, and so loses its last handle
/// while it is ready; `then` is what it would go on with.
fn orphan(log: &Log, then: impl FnOnce() + 'static) {
    let guard = log.on_drop("unwound");
    let holder = greenhub::spawn(move || {
        let holder = greenhub::current();
        let orphan = Greenlet::new(move |()| {
            let _guard = guard;
            holder.start_kill();
            drop(holder);
            greenhub::yield_now();
            then();
        });
        let _ = orphan.switch::<()>(());
    });
    assert!(matches!(holder.join(), Err(greenhub::JoinError::Killed)));
    greenhub::sleep(millis(5));
}

#[test]
fn one_that_loses_its_last_handle_while_it_is_ready_is_unwound_at_its_turn() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        orphan(&log, move || inner.note("went on"));
        assert_eq!(log.take(), ["unwound"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn one_that_nobody_can_reach_leaves_no_stack_behind_when_it_sleeps_or_switches() {
    bounded(|| {
        let log = Log::new();
        orphan(&log, || greenhub::sleep(millis(60_000)));
        orphan(&log, || drop(raw::main().takes::<()>().switch::<()>(())));
        assert_eq!(log.take(), ["unwound", "unwound"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_drop_while_the_dropper_panics_unwinds_as_well() {
    bounded(|| {
        let log = Log::new();
        let greenlet = suspended(&log, "unwound");
        let payload = panic_of(move || {
            let _greenlet = greenlet;
            panic!("outer");
        });
        assert_eq!(message(&*payload), "outer");
        assert_eq!(log.take(), ["unwound"]);
        assert!(!std::thread::panicking());
    });
}

#[test]
fn dropping_in_a_destructor_of_another_unwinds_both() {
    bounded(|| {
        let log = Log::new();
        let inner = suspended(&log, "inner");
        let (main, guard) = (raw::main().takes::<()>(), log.on_drop("outer"));
        let outer = Greenlet::new(move |()| {
            let _held = (inner, guard);
            main.switch::<()>(()).unwrap();
        });
        outer.switch::<()>(()).unwrap();
        drop(outer);
        assert_eq!(log.take(), ["inner", "outer"]);
    });
}

#[test]
fn a_destructor_that_drops_a_handle_of_a_sleeper_in_the_hub_unwinds_that_too() {
    bounded(|| {
        let log = Log::new();
        let in_sleeper = log.on_drop("sleeper");
        let sleeper = Greenlet::new(move |()| {
            let _guard = in_sleeper;
            greenhub::sleep(millis(60_000));
        });
        let holder = greenhub::spawn(move || drop(sleeper.switch::<()>(())));
        greenhub::yield_now();
        let victim = holder.clone();
        let killer = greenhub::spawn(move || victim.kill());
        killer.join().unwrap();
        drop(holder);
        assert_eq!(log.take(), ["sleeper"]);
        let stats = greenhub::Hub::current().stats();
        assert_eq!((stats.stacks_in_use, stats.timers), (0, 0));
    });
}

#[test]
fn a_body_that_refuses_to_end_by_a_drop_is_left_and_the_process_goes_on() {
    bounded(|| {
        let main = raw::main().takes::<()>();
        let stubborn = Greenlet::new(move |()| {
            let _ = panic_of(|| main.switch::<()>(()));
            greenhub::yield_now();
            unreachable!("nobody can run it any more");
        });
        stubborn.switch::<()>(()).unwrap();
        drop(stubborn);
        greenhub::sleep(millis(2));
        assert_eq!(greenhub::spawn(|| 7).join().unwrap(), 7);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 1, "its stack is lost");
    });
}

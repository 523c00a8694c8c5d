//! Raising something inside another greenlet.

use std::panic::{AssertUnwindSafe, catch_unwind};

use greenhub::raw::{self, Exit, Greenlet, SwitchErrorKind};

use crate::support::{Log, bounded, message, panic_of};

#[test]
fn a_thrown_payload_is_caught_inside_intact_and_the_greenlet_goes_on() {
    bounded(|| {
        let main = raw::main().takes::<&str>();
        let greenlet = Greenlet::new(move |()| {
            let caught = panic_of(|| main.switch::<()>("waiting"));
            let () = main.switch(*caught.downcast_ref::<&'static str>().unwrap()).unwrap();
            "ended"
        });
        assert_eq!(greenlet.switch::<&str>(()).unwrap(), "waiting");
        assert_eq!(greenlet.throw::<&str>(Box::new("ciao")).unwrap(), "ciao");
        assert_eq!(greenlet.switch::<&str>(()).unwrap(), "ended");
    });
}

#[test]
fn a_thrown_payload_that_is_not_caught_comes_back_to_the_parent() {
    bounded(|| {
        let main = raw::main().takes::<()>();
        let greenlet = Greenlet::new(move |()| main.switch::<()>(()).unwrap());
        greenlet.switch::<()>(()).unwrap();
        let payload = panic_of(|| greenlet.throw::<()>(Box::new("through")));
        assert_eq!(message(&*payload), "through");
        assert!(greenlet.is_dead());
    });
}

#[test]
fn exit_ends_a_greenlet_quietly_and_is_ignored_by_a_dead_one() {
    bounded(|| {
        let log = Log::new();
        let (main, guard) = (raw::main().takes::<()>(), log.on_drop("unwound"));
        let greenlet = Greenlet::new(move |()| {
            let _guard = guard;
            main.switch::<()>(()).unwrap();
        });
        greenlet.switch::<()>(()).unwrap();
        for _ in 0..2 {
            let error = greenlet.throw::<()>(Box::new(Exit)).unwrap_err();
            assert_eq!(error.kind(), SwitchErrorKind::Exited);
            assert!(greenlet.is_dead());
        }
        assert_eq!(log.take(), ["unwound"]);
    });
}

#[test]
fn a_throw_into_an_unstarted_one_kills_it_and_it_never_runs() {
    bounded(|| {
        let log = Log::new();
        let (inner, captured) = (log.clone(), log.on_drop("captures dropped"));
        let greenlet = Greenlet::new(move |()| {
            let _captured = captured;
            inner.note("ran");
        });
        let payload = panic_of(|| greenlet.throw::<()>(Box::new("early")));
        assert_eq!(message(&*payload), "early");
        assert!(greenlet.is_dead());
        assert_eq!(log.take(), ["captures dropped"]);
    });
}

#[test]
fn a_throw_into_a_dead_one_is_raised_in_its_parent() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| ());
        greenlet.switch::<()>(()).unwrap();
        let payload = panic_of(|| greenlet.throw::<()>(Box::new("late")));
        assert_eq!(message(&*payload), "late");
    });
}

#[test]
fn a_throw_into_the_current_one_raises_at_once() {
    bounded(|| {
        let own = raw::main().takes::<()>();
        let caught = catch_unwind(AssertUnwindSafe(|| own.throw::<()>(Box::new("here"))));
        assert_eq!(message(&*caught.unwrap_err()), "here");
    });
}

#[test]
fn a_greenlet_that_unwinds_cannot_switch_and_says_so() {
    struct SwitchesInDrop(Log);
    impl Drop for SwitchesInDrop {
        fn drop(&mut self) {
            let error = raw::main().takes::<()>().switch::<()>(()).unwrap_err();
            self.0.note(error);
        }
    }
    bounded(|| {
        let log = Log::new();
        let guard = SwitchesInDrop(log.clone());
        let greenlet = Greenlet::new(move |()| {
            let _guard = guard;
            panic!("unwinds");
        });
        panic_of(|| greenlet.switch::<()>(()));
        assert_eq!(log.take(), ["a greenlet cannot switch away while it unwinds"]);
    });
}

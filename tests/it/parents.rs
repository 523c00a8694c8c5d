//! Parents: who gets a result or a panic, and which parents there cannot be.

use std::panic::{AssertUnwindSafe, catch_unwind};

use greenhub::raw::{self, Greenlet, SetParentError};

use crate::support::{Log, bounded, message, panic_of};

#[test]
fn a_panic_goes_to_main_as_the_parent_and_can_be_caught_there() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| panic!("ciao"));
        let payload = panic_of(|| greenlet.switch::<()>(()));
        assert_eq!(message(&*payload), "ciao");
        assert!(greenlet.is_dead());
    });
}

#[test]
fn a_panic_is_seen_inside_the_parent_at_its_switch_and_then_in_main() {
    bounded(|| {
        let log = Log::new();
        let seen = log.clone();
        let parent = Greenlet::new(move |()| {
            let main = raw::main().takes::<()>();
            let caught = panic_of(|| main.switch::<()>(()));
            seen.note(message(&*caught));
            std::panic::resume_unwind(caught);
        });
        parent.switch::<()>(()).unwrap();
        let child = Greenlet::new(|()| panic!("from the child"));
        child.set_parent(&parent.any()).unwrap();
        let payload = panic_of(|| child.switch::<()>(()));
        assert_eq!(message(&*payload), "from the child");
        assert_eq!(log.take(), ["from the child"]);
        assert!(parent.is_dead() && child.is_dead());
    });
}

#[test]
fn the_greenlet_that_makes_another_is_its_parent() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| {
            let child = Greenlet::new(|()| ());
            child.parent() == Some(raw::current())
        });
        assert_eq!(greenlet.parent(), Some(raw::main()));
        assert!(greenlet.switch::<bool>(()).unwrap());
    });
}

#[test]
fn a_dead_parent_passes_the_result_on_to_its_own() {
    bounded(|| {
        let child = Greenlet::new(|()| {
            let grandchild = Greenlet::new(|()| 5u32);
            raw::main().takes().switch::<()>(grandchild).unwrap();
        });
        let grandchild: Greenlet<()> = child.switch(()).unwrap();
        child.switch::<()>(()).unwrap();
        assert!(child.is_dead());
        assert_eq!(grandchild.switch::<u32>(()).unwrap(), 5);
    });
}

#[test]
fn an_unstarted_parent_is_started_by_the_result() {
    bounded(|| {
        let parent = Greenlet::new(|value: u32| (value, 24u32));
        let child = Greenlet::new(|()| 42u32);
        child.set_parent(&parent.any()).unwrap();
        assert_eq!(child.switch::<(u32, u32)>(()).unwrap(), (42, 24));
        assert!(parent.is_dead());
    });
}

#[test]
fn an_unstarted_parent_is_not_run_by_a_panic() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let parent = Greenlet::new(move |()| inner.note("ran"));
        let child = Greenlet::new(|()| panic!("up"));
        child.set_parent(&parent.any()).unwrap();
        assert_eq!(message(&*panic_of(|| child.switch::<()>(()))), "up");
        assert!(parent.is_dead() && log.take().is_empty());
    });
}

#[test]
fn no_greenlet_is_its_own_parent() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| ());
        assert_eq!(greenlet.set_parent(&greenlet.any()), Err(SetParentError::Cycle));
    });
}

#[test]
fn no_greenlet_descends_from_itself() {
    bounded(|| {
        let greenlets: Vec<_> = (0..4).map(|_| Greenlet::new(|()| ())).collect();
        for pair in greenlets.windows(2) {
            pair[1].set_parent(&pair[0].any()).unwrap();
        }
        let error = greenlets[0].set_parent(&greenlets[3].any()).unwrap_err();
        assert_eq!(error.to_string(), "cyclic parent chain");
    });
}

#[test]
fn mains_parent_is_fixed() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| ());
        assert_eq!(raw::main().set_parent(&greenlet.any()), Err(SetParentError::Fixed));
        assert_eq!(raw::main().set_parent(&raw::main()), Err(SetParentError::Fixed));
        assert_eq!(raw::main().parent(), None);
    });
}

#[test]
fn a_spawned_greenlets_parent_is_fixed() {
    bounded(|| {
        let spawned = greenhub::spawn(|| raw::current().set_parent(&raw::main()));
        assert_eq!(spawned.join().unwrap(), Err(SetParentError::Fixed));
    });
}

#[test]
fn a_caught_panic_leaves_the_thread_not_panicking() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| {
            let caught = catch_unwind(AssertUnwindSafe(|| panic!("inside")));
            assert!(caught.is_err() && !std::thread::panicking());
        });
        greenlet.switch::<()>(()).unwrap();
        assert!(!std::thread::panicking());
    });
}

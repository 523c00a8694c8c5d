//! A hook that is told of every switch.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use greenhub::greenlet::Trace;
use greenhub::raw::{self, Generator, generator};
use greenhub::{
    JoinError, current, offload, set_trace, sleep, spawn, trace, with_timeout, yield_now,
};

use crate::support::{LONG, Log, bounded, message, millis, panic_of};

/// Notes each switch as `0>1`, and as `0!1` if it is a throw.
fn noting(log: &Log) -> Trace {
    let log = log.clone();
    Rc::new(move |switch| {
        assert_eq!(current(), switch.target(), "it is called in the target");
        let how = if switch.is_throw() { '!' } else { '>' };
        log.note(format!("{}{how}{}", switch.origin().id(), switch.target().id()));
    })
}

/// What is switched while `body` runs.
fn traced<R>(body: impl FnOnce() -> R) -> (R, Vec<String>) {
    let log = Log::new();
    assert!(set_trace(Some(noting(&log))).is_none());
    let result = body();
    assert!(set_trace(None).is_some());
    (result, log.take())
}

#[test]
fn raw_switches_and_their_ends_are_told_and_panics_are_throws() {
    bounded(|| {
        let ((), seen) = traced(|| {
            let first = raw::Greenlet::new(|()| ());
            first.switch::<()>(()).unwrap();
            let second = raw::Greenlet::new(|()| -> () { std::panic::panic_any("in the child") });
            panic_of(|| drop(second.switch::<()>(())));
        });
        assert_eq!(seen, ["0>1", "1>0", "0>1", "1!0"]);
    });
}

#[test]
fn a_thrown_payload_is_a_throw_and_the_next_switch_is_none() {
    bounded(|| {
        let main = raw::main().takes::<u32>();
        let greenlet = raw::Greenlet::new(move |()| {
            let thrown = panic_of(|| drop(main.switch::<()>(1)));
            assert_eq!(message(&*thrown), "thrown");
            main.switch::<()>(2).unwrap();
            3u32
        });
        let ((), seen) = traced(|| {
            assert_eq!(greenlet.switch::<u32>(()).unwrap(), 1);
            assert_eq!(greenlet.throw::<u32>(Box::new("thrown")).unwrap(), 2);
            assert_eq!(greenlet.switch::<u32>(()).unwrap(), 3);
        });
        assert_eq!(seen, ["0>1", "1>0", "0!1", "1>0", "0>1", "1>0"]);
    });
}

#[test]
fn greenlets_of_the_hub_follow_each_other_directly() {
    bounded(|| {
        let ((), seen) = traced(|| {
            for _ in 0..2 {
                spawn(|| {
                    yield_now();
                    sleep(millis(1));
                });
            }
            sleep(millis(5));
        });
        assert_eq!(seen[..4], ["0>1", "1>2", "2>1", "1>2"]);
        assert_eq!(seen.last().unwrap().split('>').next_back(), Some("0"));
    });
}

#[test]
fn one_that_goes_on_after_itself_has_not_been_switched_to() {
    bounded(|| {
        let ((), seen) = traced(|| {
            yield_now();
            sleep(millis(1));
            spawn(|| {
                yield_now();
                yield_now();
            });
            sleep(millis(1));
        });
        assert_eq!(seen, ["0>1", "1>0"]);
    });
}

#[test]
fn kills_and_timeouts_are_throws() {
    bounded(|| {
        let sleeper = spawn(|| {
            let _ = with_timeout(millis(1), || sleep(LONG));
            sleep(LONG);
        });
        yield_now();
        let ((), seen) = traced(|| {
            sleep(millis(10));
            sleeper.kill();
        });
        assert_eq!(seen, ["0!1", "1>0", "0!1", "1>0"]);
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn a_hook_that_panics_is_removed_and_its_panic_goes_on_in_the_target() {
    bounded(|| {
        let calls = Rc::new(Cell::new(0));
        let own = Rc::clone(&calls);
        set_trace(Some(Rc::new(move |_| {
            own.set(own.get() + 1);
            panic!("in the hook");
        })));
        let greenlet = raw::Greenlet::new(|()| ());
        let payload = panic_of(|| greenlet.switch::<()>(()));
        assert_eq!(message(&*payload), "in the hook");
        assert!(trace().is_none() && greenlet.is_dead());
        assert_eq!(calls.get(), 1);

        set_trace(Some(Rc::new(|_| panic!("in the hook"))));
        match spawn(|| ()).join() {
            Err(JoinError::Panicked(payload)) => assert_eq!(message(&*payload), "in the hook"),
            other => panic!("{other:?}"),
        }
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn a_panic_of_the_hook_where_main_waits_leaves_nothing_behind() {
    bounded(|| {
        let sleeper = spawn(|| sleep(LONG));
        set_trace(Some(Rc::new(|switch| {
            if switch.target().is_main() {
                panic!("in the hook");
            }
        })));
        assert_eq!(message(&*panic_of(|| sleeper.wait_for(millis(2)))), "in the hook");
        assert_eq!(greenhub::Hub::current().stats().timers, 1);
        assert!(!sleeper.wait_for(millis(2)));
        sleeper.kill();
        assert_eq!(greenhub::Hub::current().stats().timers, 0);
    });
}

#[test]
fn what_the_hook_switches_itself_is_not_told() {
    bounded(|| {
        let log = Log::new();
        let inner = noting(&log);
        let sleeper = spawn(|| (0..20).for_each(|_| yield_now()));
        set_trace(Some(Rc::new(move |switch| {
            let mut numbers: Generator<u32> = generator(|yielder| {
                yielder.give(1);
            });
            assert_eq!(numbers.next(), Some(1));
            yield_now();
            inner(switch);
        })));
        raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap();
        set_trace(None);
        assert_eq!(log.take(), ["0>2", "2>0"]);
        sleeper.wait();
    });
}

#[test]
fn hooks_can_be_chained_and_put_back() {
    bounded(|| {
        let log = Log::new();
        let first = noting(&log);
        set_trace(Some(Rc::clone(&first)));
        let previous = trace().unwrap();
        assert!(Rc::ptr_eq(&previous, &first));
        let own = log.clone();
        let both: Trace = Rc::new(move |switch| {
            own.note("both");
            previous(switch);
        });
        assert!(Rc::ptr_eq(&set_trace(Some(both)).unwrap(), &first));
        spawn(|| ()).wait();
        assert_eq!(log.take(), ["both", "0>1", "both", "1>0"]);
        set_trace(Some(first));
        spawn(|| ()).wait();
        assert_eq!(log.take(), ["0>1", "1>0"]);
        set_trace(None);
        spawn(|| ()).wait();
        assert!(log.take().is_empty() && trace().is_none());
    });
}

#[test]
fn a_trace_keeps_no_greenlet_alive_for_longer_than_a_switch() {
    bounded(|| {
        let log = Log::new();
        let ((), _) = traced(|| {
            let guard = log.on_drop("dropped");
            drop(spawn(move || guard));
            sleep(millis(1));
            assert_eq!(log.take(), ["dropped"]);

            let main = raw::main().takes::<()>();
            let guard = log.on_drop("unwound");
            let raw = raw::Greenlet::new(move |()| {
                let _guard = guard;
                let _ = main.switch::<()>(());
            });
            raw.switch::<()>(()).unwrap();
            drop(raw);
            assert_eq!(log.take(), ["unwound"]);
        });
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_destructor_that_panics_under_a_trace_harms_nobody() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in the destructor");
        }
    }
    bounded(|| {
        let ((), seen) = traced(|| {
            drop(spawn(|| PanicsInDrop));
            sleep(millis(1));
        });
        assert_eq!(seen, ["0>1", "1>0"]);
    });
}

#[test]
fn a_call_that_lends_its_buffer_does_not_confuse_a_trace() {
    bounded(|| {
        let ((), seen) = traced(|| {
            let greenlet = spawn(|| {
                offload(|| std::thread::sleep(Duration::from_millis(1)));
                yield_now();
            });
            greenlet.wait();
        });
        assert_eq!(seen.first().unwrap(), "0>1");
        assert_eq!(seen.last().unwrap(), "1>0");
    });
}

#[test]
fn a_trace_is_its_threads_own() {
    bounded(|| {
        let (result, seen) = traced(|| {
            std::thread::spawn(|| {
                assert!(trace().is_none());
                set_trace(Some(Rc::new(|_| ())));
                spawn(|| 7).join().unwrap()
            })
            .join()
        });
        assert_eq!(result.unwrap(), 7);
        assert!(seen.is_empty());
    });
}

#[test]
fn a_catcher_of_a_throw_goes_on_and_is_told_of_as_before() {
    bounded(|| {
        let greenlet = spawn(|| {
            let _ = catch_unwind(AssertUnwindSafe(|| sleep(LONG)));
            sleep(millis(1));
        });
        yield_now();
        let ((), seen) = traced(|| greenlet.kill());
        assert_eq!(seen, ["0!1", "1>0"]);
    });
}

//! Greenlets: results, names, numbers, and what they share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenhub::{Builder, Greenlet, Hub, JoinError, current, sleep, spawn, yield_now};

use crate::support::{Log, bounded, message, millis};

#[test]
fn a_join_returns_the_result() {
    bounded(|| assert_eq!(spawn(|| "done".to_owned()).join().unwrap(), "done"));
}

#[test]
fn a_panic_reaches_the_joiner_with_its_payload_and_others_go_on() {
    bounded(|| {
        let panics = spawn(|| -> () { std::panic::panic_any(42u8) });
        let other = spawn(|| {
            sleep(millis(2));
            "unharmed"
        });
        match panics.join().unwrap_err() {
            JoinError::Panicked(payload) => assert_eq!(payload.downcast_ref::<u8>(), Some(&42)),
            error => panic!("{error}"),
        }
        assert_eq!(other.join().unwrap(), "unharmed");
    });
}

#[test]
fn a_join_error_tells_the_panics_message() {
    bounded(|| {
        let error = spawn(|| panic!("of {}", 7)).join().unwrap_err();
        assert_eq!(error.to_string(), "the greenlet panicked: of 7");
    });
}

#[test]
fn a_second_join_finds_the_result_taken() {
    bounded(|| {
        let greenlet = spawn(|| 7);
        let clone = greenlet.clone();
        assert_eq!(greenlet.join().unwrap(), 7);
        assert!(matches!(clone.join(), Err(JoinError::Taken)));
    });
}

#[test]
fn a_greenlet_is_finished_when_it_has_ended_and_not_before() {
    bounded(|| {
        let seen: Rc<RefCell<Option<Greenlet<bool>>>> = Rc::default();
        let own = Rc::clone(&seen);
        let greenlet = spawn(move || own.take().unwrap().is_finished());
        seen.replace(Some(greenlet.clone()));
        assert!(!greenlet.is_finished() && !greenlet.any().is_finished());
        greenlet.wait();
        assert!(greenlet.is_finished() && greenlet.any().is_finished());
        assert!(!greenlet.join().unwrap(), "it is not finished while it runs");
    });
}

#[test]
fn greenlets_share_what_is_not_send() {
    bounded(|| {
        let count = Rc::new(Cell::new(0));
        let greenlets: Vec<_> = (0..100)
            .map(|_| {
                let count = Rc::clone(&count);
                spawn(move || {
                    let before = count.get();
                    count.set(before + 1);
                    yield_now();
                })
            })
            .collect();
        greenhub::joinall(&greenlets);
        assert_eq!((count.get(), Rc::strong_count(&count)), (100, 1));
    });
}

#[test]
fn ids_are_dense_and_used_again() {
    bounded(|| {
        let mut live = std::collections::VecDeque::new();
        for _ in 0..1000 {
            let greenlet = spawn(|| sleep(millis(60_000)));
            assert!((1..=4).contains(&greenlet.id()), "id {}", greenlet.id());
            live.push_back(greenlet);
            if live.len() > 3 {
                live.pop_front().unwrap().kill();
            }
        }
        live.iter().for_each(|greenlet| greenlet.kill());
    });
}

#[test]
fn living_greenlets_have_different_ids() {
    bounded(|| {
        let greenlets: Vec<_> = (0..100).map(|_| spawn(|| current().id())).collect();
        let ids: std::collections::HashSet<u32> = greenlets.iter().map(Greenlet::id).collect();
        assert_eq!(ids.len(), 100);
        for greenlet in greenlets {
            assert_eq!(greenlet.id(), greenlet.join().unwrap());
        }
    });
}

#[test]
fn a_builder_names_the_greenlet() {
    bounded(|| {
        let named = Builder::new().name("reader").spawn(|| current().name()).unwrap();
        let shown = format!("{named:?}");
        assert_eq!(
            (named.name().as_deref(), named.any().name().as_deref()),
            (Some("reader"), Some("reader"))
        );
        assert!(
            shown.starts_with(&format!("<greenlet {} 'reader', spawned at ", named.id())),
            "{shown}"
        );
        assert_eq!(named.join().unwrap().as_deref(), Some("reader"));
    });
}

#[test]
fn main_is_current_where_no_other_runs() {
    bounded(|| {
        assert!(current().is_main());
        assert_eq!((current().id(), current().name().as_deref()), (0, Some("main")));
        assert!(!spawn(|| current().is_main()).join().unwrap());
    });
}

#[test]
fn handles_of_one_greenlet_are_equal() {
    bounded(|| {
        let greenlet = spawn(current);
        let same = greenlet.any();
        assert!(same == greenlet.clone().any());
        assert!(same != spawn(|| ()).any());
        assert!(greenlet.join().unwrap() == same);
    });
}

#[test]
fn a_result_that_nobody_can_ask_for_is_dropped_when_the_greenlet_ends() {
    bounded(|| {
        let log = Log::new();
        let result = log.on_drop("dropped");
        drop(spawn(move || result));
        assert!(log.take().is_empty());
        sleep(millis(1));
        assert_eq!(log.take(), ["dropped"]);
    });
}

#[test]
fn a_result_that_was_not_asked_for_is_dropped_with_the_last_handle() {
    bounded(|| {
        let log = Log::new();
        let result = log.on_drop("dropped");
        let greenlet = spawn(move || result);
        let any = greenlet.any();
        greenlet.wait();
        drop(greenlet);
        assert!(log.take().is_empty());
        drop(any);
        assert_eq!(log.take(), ["dropped"]);
    });
}

#[test]
fn an_unasked_result_whose_destructor_panics_does_not_end_the_hub() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in a result");
        }
    }
    bounded(|| {
        let log = crate::support::log_unhandled();
        drop(spawn(|| PanicsInDrop));
        sleep(millis(1));
        let told = log.take();
        assert!(told.len() == 1 && told[0].ends_with(": in a result"), "{told:?}");
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn greenlets_spawn_greenlets() {
    fn tree(depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let children = [spawn(move || tree(depth - 1)), spawn(move || tree(depth - 1))];
        children.iter().map(|child| child.join().unwrap()).sum()
    }
    bounded(|| assert_eq!(spawn(|| tree(8)).join().unwrap(), 256));
}

#[test]
fn a_stack_larger_than_the_largest_is_refused_with_its_size() {
    bounded(|| {
        let error = Builder::new().stack_size(usize::MAX).spawn(|| ()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&usize::MAX.to_string()), "{error}");
        Hub::current().set_stack_size(usize::MAX);
        let payload = crate::support::panic_of(|| spawn(|| ()));
        assert!(message(&*payload).contains("larger than 2 GiB"));
    });
}

/// As large and as strictly aligned as the state of a program may be.
#[repr(align(64))]
struct Much<const BYTES: usize>([u8; BYTES]);

fn spawned_with<const BYTES: usize>() {
    let log = Log::new();
    for is_killed in [false, true] {
        let (much, dropped) = (Much([7; BYTES]), log.on_drop("dropped"));
        let greenlet = spawn(move || {
            let (much, _dropped) = (much, dropped);
            assert_eq!(&raw const much as usize % 64, 0);
            yield_now();
            much.0.iter().map(|byte| usize::from(*byte)).sum::<usize>()
        });
        if is_killed {
            // Before it begins.
            greenlet.kill();
        } else {
            assert_eq!(greenlet.join().unwrap(), 7 * BYTES);
        }
        assert_eq!(log.take(), ["dropped"]);
    }
}

#[test]
fn a_body_may_hold_more_than_a_page() {
    bounded(|| {
        spawned_with::<0>();
        spawned_with::<900>();
        spawned_with::<1024>();
        spawned_with::<1025>();
        spawned_with::<10_000>();
    });
}

#[test]
fn a_body_larger_than_its_stack_is_made_and_dropped() {
    bounded(|| {
        let much = Much([7; 64 * 1024]);
        drop(Builder::new().stack_size(16 * 1024).create(move || much.0[0]).unwrap());
    });
}

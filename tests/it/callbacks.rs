//! What other threads have done in the hub, and what the error hook is told.

use std::cell::Cell;
use std::time::Duration;

use greenhub::raw::{self, Greenlet};
use greenhub::{Hub, sleep, spawn, spawn_later, yield_now};

use crate::support::{bounded, log_unhandled, millis, timed};

thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });

fn call() {
    CALLS.set(CALLS.get() + 1);
}

#[test]
fn a_callback_from_another_thread_wakes_a_sleeping_hub_at_once() {
    bounded(|| {
        let remote = Hub::current().remote();
        let sleeper = spawn(|| sleep(Duration::from_secs(60)));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(millis(20));
            assert!(remote.run_callback(call));
        });
        let took = timed(|| {
            while CALLS.get() == 0 {
                // Every callback is followed by a turn of those who are ready.
                sleep(millis(1));
            }
        });
        assert!(took < Duration::from_secs(5), "{took:?}");
        sleeper.kill();
        thread.join().unwrap();
    });
}

#[test]
fn a_hub_that_waits_for_centuries_or_for_ever_is_woken_by_another_thread() {
    thread_local!(static VICTIM: Cell<Option<greenhub::AnyGreenlet>> = const { Cell::new(None) });
    bounded(|| {
        for length in [Duration::from_secs(500 * 365 * 24 * 3600), Duration::MAX] {
            let remote = Hub::current().remote();
            let waiter = spawn(move || sleep(length));
            VICTIM.set(Some(waiter.any()));
            let thread = std::thread::spawn(move || {
                std::thread::sleep(millis(20));
                remote.run_callback(|| VICTIM.take().unwrap().start_kill())
            });
            let took = timed(|| waiter.wait());
            assert!(took >= millis(15) && took < Duration::from_secs(5), "{took:?}");
            assert!(thread.join().unwrap());
        }
    });
}

#[test]
fn callbacks_run_once_and_in_the_order_in_which_they_come() {
    bounded(|| {
        thread_local!(static SEEN: std::cell::RefCell<Vec<u32>> = const { std::cell::RefCell::new(Vec::new()) });
        let remote = Hub::current().remote();
        std::thread::spawn(move || {
            for n in 0..1000 {
                remote.run_callback(move || SEEN.with_borrow_mut(|seen| seen.push(n)));
            }
        })
        .join()
        .unwrap();
        sleep(millis(1));
        assert_eq!(SEEN.take(), (0..1000).collect::<Vec<u32>>());
    });
}

#[test]
fn callbacks_from_many_threads_all_run() {
    bounded(|| {
        let remote = Hub::current().remote();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let remote = remote.clone();
                std::thread::spawn(move || (0..500).all(|_| remote.run_callback(call)))
            })
            .collect();
        while CALLS.get() < 2000 {
            sleep(millis(1));
        }
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        yield_now();
        assert_eq!(CALLS.get(), 2000);
    });
}

#[test]
fn a_callback_may_spawn_what_waits() {
    bounded(|| {
        Hub::current().remote().run_callback(|| {
            spawn(|| {
                sleep(millis(1));
                call();
            });
        });
        sleep(millis(20));
        assert_eq!(CALLS.get(), 1);
    });
}

#[test]
fn a_callback_that_panics_is_told_and_the_hub_goes_on() {
    bounded(|| {
        let log = log_unhandled();
        Hub::current().remote().run_callback(|| panic!("oops"));
        sleep(millis(5));
        assert_eq!(log.take(), ["a callback: oops"]);
    });
}

/// Runs `wrong` in a callback while main sleeps, and checks that main's sleep is unharmed.
fn in_a_callback_while_main_sleeps(wrong: fn()) -> Vec<String> {
    bounded(move || {
        let log = log_unhandled();
        Hub::current().remote().run_callback(wrong);
        let took = timed(|| sleep(millis(20)));
        assert!(took >= millis(20), "main was woken early: {took:?}");
        let stats = Hub::current().stats();
        assert_eq!((stats.timers, stats.ready), (0, 0));
        sleep(millis(1));
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
        log.take()
    })
}

const CANNOT_WAIT: &str =
    "a callback: a callback in the hub's loop cannot wait: spawn a greenlet for what does";

#[test]
fn a_callback_that_sleeps_is_told_that_it_cannot() {
    let told = in_a_callback_while_main_sleeps(|| sleep(Duration::from_secs(60)));
    assert_eq!(told, [CANNOT_WAIT]);
}

#[test]
fn a_callback_that_yields_is_told_that_it_cannot() {
    assert_eq!(in_a_callback_while_main_sleeps(yield_now), [CANNOT_WAIT]);
}

#[test]
fn a_callback_that_joins_is_told_that_it_cannot() {
    let told = in_a_callback_while_main_sleeps(|| spawn(|| ()).wait());
    assert_eq!(told, [CANNOT_WAIT]);
}

#[test]
fn a_callback_that_switches_is_told_that_it_cannot() {
    let told = in_a_callback_while_main_sleeps(|| {
        let greenlet = Greenlet::new(|()| sleep(Duration::from_secs(60)));
        greenlet.switch::<()>(()).unwrap();
    });
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("callback"), "{told:?}");
}

#[test]
fn a_callback_that_switches_does_not_disturb_a_switch_of_main() {
    bounded(|| {
        let log = log_unhandled();
        Hub::current().remote().run_callback(|| {
            Greenlet::new(|()| 1u64).switch::<u64>(()).unwrap();
        });
        let slow = Greenlet::new(|()| {
            sleep(millis(20));
            "the answer"
        });
        assert_eq!(slow.switch::<&str>(()).unwrap(), "the answer");
        assert_eq!(log.take().len(), 1);
        assert!(raw::current().is_main());
    });
}

#[test]
fn an_error_hook_that_panics_does_not_end_the_hub() {
    bounded(|| {
        Hub::current().set_error_hook(|_| panic!("in the hook"));
        drop(spawn(|| panic!("unjoined")));
        Hub::current().remote().run_callback(|| panic!("oops"));
        sleep(millis(5));
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn a_remote_of_a_hub_that_has_ended_says_so() {
    bounded(|| {
        let remote = std::thread::spawn(|| Hub::current().remote()).join().unwrap();
        assert!(!remote.run_callback(|| unreachable!()));
        // A new hub gets nothing that was meant for the old one.
        std::thread::spawn(|| sleep(millis(2))).join().unwrap();
        assert!(!remote.run_callback(|| unreachable!()));
    });
}

#[test]
fn a_pending_timer_does_not_keep_a_finished_join() {
    bounded(|| {
        let late = spawn_later(Duration::from_secs(60), || ());
        let took = timed(|| drop(spawn(|| sleep(millis(5))).join()));
        assert!(took < Duration::from_secs(5), "{took:?}");
        late.kill();
    });
}

#[test]
fn an_error_hook_may_spawn() {
    bounded(|| {
        Hub::current().set_error_hook(|_| drop(spawn(call)));
        drop(spawn(|| panic!("unjoined")));
        Hub::current().remote().run_callback(|| panic!("oops"));
        sleep(millis(5));
        assert_eq!(CALLS.get(), 2);
    });
}

#[test]
fn a_destructor_may_spawn_while_its_greenlet_unwinds() {
    struct SpawnsInDrop;
    impl Drop for SpawnsInDrop {
        fn drop(&mut self) {
            spawn(call);
        }
    }
    bounded(|| {
        let killed = spawn(|| {
            let _guard = SpawnsInDrop;
            sleep(Duration::from_secs(60));
        });
        yield_now();
        killed.kill();
        sleep(millis(1));
        assert_eq!(CALLS.get(), 1);
    });
}

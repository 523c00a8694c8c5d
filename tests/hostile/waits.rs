//! Waiting where nobody can wait, and holding what must not be held.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use greenhub::monitor::Monitor;
use greenhub::{Builder, Hub, sleep, spawn, yield_now};

use crate::support::{child, is_child, log_unhandled, message, millis, panic_of, stderr};

/// Runs `body` in a process of its own, which is to end well; returns what it told.
#[track_caller]
pub(crate) fn survives(test: &str, body: impl FnOnce()) -> String {
    if is_child() {
        body();
        std::process::exit(0);
    }
    let output = child(test);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{:?} {told}", output.status);
    told
}

/// The hub of this thread is as good as new.
pub(crate) fn check_hub() {
    assert_eq!(spawn(|| 7).join().unwrap(), 7);
    sleep(millis(1));
    assert_eq!(Hub::current().stats().stacks_in_use, 0);
    assert!(!std::thread::panicking());
}

#[test]
fn a_callback_that_waits_is_told_of_and_the_loop_goes_on() {
    survives("waits::a_callback_that_waits_is_told_of_and_the_loop_goes_on", || {
        let told = log_unhandled();
        Hub::current().run_callback(|| sleep(millis(1)));
        Hub::current().run_callback(|| {
            let _ = greenhub::sync::Event::new().wait();
        });
        let neighbour = spawn(|| sleep(millis(5)));
        neighbour.wait();
        let told = told.take();
        assert_eq!(told.len(), 2, "{told:?}");
        let told_why = |told: &String| told.contains("a callback in the hub's loop cannot wait");
        assert!(told.iter().all(told_why), "{told:?}");
        check_hub();
    });
}

#[test]
fn a_refcell_that_is_borrowed_over_a_wait_panics_in_the_one_that_comes_second() {
    survives(
        "waits::a_refcell_that_is_borrowed_over_a_wait_panics_in_the_one_that_comes_second",
        || {
            let cell = Rc::new(RefCell::new(0));
            let theirs = Rc::clone(&cell);
            let first = spawn(move || {
                let mut value = theirs.borrow_mut();
                sleep(millis(5));
                *value += 1;
            });
            yield_now();
            let theirs = Rc::clone(&cell);
            let second = spawn(move || *theirs.borrow_mut() += 10);
            let refused = second.join().unwrap_err();
            assert!(refused.to_string().contains("already borrowed"), "{refused}");
            first.join().unwrap();
            assert_eq!(*cell.borrow(), 1);
            check_hub();
        },
    );
}

#[test]
fn one_that_blocks_the_thread_by_a_mutex_of_std_is_named_by_a_monitor_and_so_is_who_holds_it() {
    let test = "waits::\
        one_that_blocks_the_thread_by_a_mutex_of_std_is_named_by_a_monitor_and_so_is_who_holds_it";
    let told = survives(test, || {
        let monitor = Monitor::new().on_event(|event| {
            eprintln!("told: {event}.");
            // Nothing else can end it: the lock would be released by one who never runs again.
            std::process::exit(0);
        });
        monitor.start().unwrap().keep();
        let mutex = Rc::new(Mutex::new(()));
        let greenlets = ["holder", "blocker"].map(|name| {
            let mutex = Rc::clone(&mutex);
            let locks_over_a_wait = move || {
                let _held = mutex.lock().unwrap();
                sleep(Duration::from_secs(3600));
            };
            Builder::new().name(name).spawn(locks_over_a_wait).unwrap()
        });
        greenlets[1].wait();
        unreachable!("its thread is blocked");
    });
    let told = told.split_once("told: ").expect("it is told of").1;
    let (says, others) = told.split_once('\n').expect("others wait there");
    assert!(
        says.contains(
            "appears to be blocked: greenlet 2 'blocker' (made at tests/hostile/waits.rs:"
        )
    );
    assert!(says.contains("; the thread sleeps in the kernel"), "{told}");
    assert!(says.ends_with("if it wants a lock, one of these may hold it:"), "{told}");
    let others: Vec<_> = others.lines().collect();
    assert_eq!(others[0], "  main waits for the end of greenlet 2 'blocker'", "{told}");
    assert!(others[1].starts_with("  greenlet 1 'holder' waits "), "{told}");
    assert!(others[1].contains("(made at tests/hostile/waits.rs:"), "{told}");
}

#[test]
fn a_mutex_of_std_that_is_held_over_a_wait_is_held_against_the_neighbours() {
    survives(
        "waits::a_mutex_of_std_that_is_held_over_a_wait_is_held_against_the_neighbours",
        || {
            // To lock it would stop the thread, and with it the one that is to unlock it.
            let mutex = Rc::new(Mutex::new(()));
            let theirs = Rc::clone(&mutex);
            let holder = spawn(move || {
                let _held = theirs.lock().unwrap();
                sleep(Duration::MAX);
            });
            yield_now();
            assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
            // A kill runs the guard's destructor. To std it is a panic: the mutex is free, and poisoned.
            holder.kill();
            assert!(matches!(mutex.try_lock(), Err(TryLockError::Poisoned(_))));
            check_hub();
        },
    );
}

#[test]
fn a_thread_that_ends_with_greenlets_that_wait_for_each_other_disturbs_no_other() {
    survives(
        "waits::a_thread_that_ends_with_greenlets_that_wait_for_each_other_disturbs_no_other",
        || {
            let lock = greenhub::monkey::sync::Mutex::new(0);
            let lock: &'static _ = Box::leak(Box::new(lock));
            let other = std::thread::spawn(move || {
                spawn(move || {
                    let _held = lock.lock();
                    sleep(Duration::MAX);
                });
                spawn(move || drop(lock.lock()));
                yield_now();
            });
            other.join().unwrap();
            // It is held for ever by one that never runs again. Nobody is told that it is free.
            assert!(lock.try_lock().is_err());
            let waits = spawn(move || drop(lock.lock()));
            assert!(!waits.wait_for(millis(20)));
            waits.kill();
            check_hub();
        },
    );
}

#[test]
fn one_who_waits_for_a_greenlet_that_swallows_its_kills_is_told_what_it_waits_for() {
    survives(
        "waits::one_who_waits_for_a_greenlet_that_swallows_its_kills_is_told_what_it_waits_for",
        || {
            let swallows = spawn(|| {
                for _ in 0..3 {
                    let killed = panic_of(|| sleep(Duration::MAX));
                    assert!(killed.is::<greenhub::Exit>());
                }
            });
            yield_now();
            assert!(!swallows.kill_for(millis(5)));
            // The second is swallowed as well, and who waits for ever is told so.
            let report = message(&*panic_of(|| swallows.kill()));
            assert!(report.contains("waits for ever"), "{report}");
            assert!(report.contains("waits in a sleep"), "{report}");
            swallows.kill();
            assert!(swallows.is_dead());
            check_hub();
        },
    );
}

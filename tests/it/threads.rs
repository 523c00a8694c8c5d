//! One hub for each OS thread, and what is left when a thread ends.

use std::cell::RefCell;
use std::time::Duration;

use greenhub::raw::{self, Greenlet as Raw};
use greenhub::{joinall, sleep, spawn, yield_now};

use crate::support::{bounded, child, is_child, millis, stderr};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("the list of descriptors").count()
}

#[test]
fn many_hubs_run_on_many_threads() {
    bounded(|| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                std::thread::spawn(|| {
                    let sleepers: Vec<_> = (0..50).map(|_| spawn(|| sleep(millis(5)))).collect();
                    joinall(&sleepers);
                    sleepers.len()
                })
            })
            .collect();
        let ended: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(ended, 1000);
    });
}

#[test]
fn threads_that_end_with_live_greenlets_leak_no_descriptors() {
    // In a process of its own, since other tests open descriptors meanwhile.
    if !is_child() {
        let output = child("threads::threads_that_end_with_live_greenlets_leak_no_descriptors");
        assert!(output.status.success(), "{}", stderr(&output));
        return;
    }
    let end_with_live_greenlets = || {
        std::thread::spawn(|| {
            spawn(|| sleep(Duration::from_secs(60)));
            spawn(|| sleep(Duration::MAX));
            yield_now();
            spawn(|| unreachable!("main has ended"));
        })
        .join()
        .unwrap();
    };
    end_with_live_greenlets();
    let before = open_descriptors();
    (0..50).for_each(|_| end_with_live_greenlets());
    assert_eq!(open_descriptors(), before);
}

thread_local!(static HELD: RefCell<Vec<Raw<()>>> = const { RefCell::new(Vec::new()) });

/// The orders in which a thread can first use the greenlets, the hub and a thread-local of
/// its own, which is the order in which they are destroyed, reversed.
#[test]
fn a_thread_local_that_holds_greenlets_does_not_harm_the_end_of_its_thread() {
    let steps: [fn(); 3] =
        [|| drop(raw::main()), || sleep(millis(1)), || HELD.with_borrow_mut(Vec::clear)];
    if !is_child() {
        let output = child(
            "threads::a_thread_local_that_holds_greenlets_does_not_harm_the_end_of_its_thread",
        );
        assert!(output.status.success(), "{:?} {}", output.status, stderr(&output));
        return;
    }
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        std::thread::spawn(move || {
            order.into_iter().for_each(|step: usize| steps[step]());
            let main = raw::main().takes::<()>();
            let suspended = Raw::new(move |()| main.switch::<()>(()).unwrap());
            suspended.switch::<()>(()).unwrap();
            let sleeping = Raw::new(|()| sleep(Duration::from_secs(60)));
            let handle = sleeping.clone();
            spawn(move || drop(handle.switch::<()>(())));
            yield_now();
            let unstarted = Raw::new(|()| ());
            HELD.with_borrow_mut(|held| held.extend([suspended, sleeping, unstarted]));
        })
        .join()
        .unwrap();
    }
}

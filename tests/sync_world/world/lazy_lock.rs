use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::common::{eventually, message, millis, unwind, unwinds};
use super::world::sync::LazyLock;
use super::world::thread;
use crate::support::bounded;

const POISONED: &str = "LazyLock instance has previously been poisoned";

#[test]
fn it_is_made_when_it_is_first_looked_at() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static LAZY: LazyLock<usize> = LazyLock::new(|| CALLS.fetch_add(1, Ordering::SeqCst) + 7);
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
    assert_eq!((*LAZY, *LAZY), (7, 7));
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

#[test]
fn force_makes_it() {
    let lazy = LazyLock::new(|| 7);
    assert_eq!(LazyLock::get(&lazy), None);
    assert_eq!(*LazyLock::force(&lazy), 7);
    assert_eq!(LazyLock::get(&lazy), Some(&7));
}

#[test]
fn it_can_be_changed_by_its_owner() {
    let mut lazy = LazyLock::new(|| 7);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
    *LazyLock::force_mut(&mut lazy) += 1;
    *lazy += 1;
    *LazyLock::get_mut(&mut lazy).unwrap() += 1;
    assert_eq!(*lazy, 10);
}

#[test]
fn its_maker_may_own_what_it_needs() {
    let name = "value".to_owned();
    let lazy = LazyLock::new(move || name);
    assert_eq!(*lazy, "value");
}

#[test]
fn eight_who_look_at_a_time_see_it_made_once() {
    bounded(|| {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static LAZY: LazyLock<usize> = LazyLock::new(|| {
            thread::sleep(millis(10));
            CALLS.fetch_add(1, Ordering::SeqCst) + 7
        });
        let lookers: Vec<_> = (0..8).map(|_| thread::spawn(|| *LAZY)).collect();
        assert!(lookers.into_iter().all(|looker| looker.join().unwrap() == 7));
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_panic_of_its_maker_poisons_it() {
    let mut lazy: LazyLock<u32> = LazyLock::new(|| unwind());
    assert!(unwinds(|| *lazy));
    assert_eq!(message(|| *lazy), POISONED);
    assert_eq!(message(|| *LazyLock::force(&lazy)), POISONED);
    assert_eq!(message(|| *LazyLock::force_mut(&mut lazy)), POISONED);
    assert_eq!(LazyLock::get(&lazy), None);
}

#[test]
fn a_panic_while_its_owner_forces_it_poisons_it() {
    let mut lazy: LazyLock<u32> = LazyLock::new(|| unwind());
    assert!(unwinds(|| *LazyLock::force_mut(&mut lazy)));
    assert_eq!(message(|| *lazy), POISONED);
}

#[test]
fn who_waits_for_a_maker_that_panics_panics_too() {
    bounded(|| {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static LAZY: LazyLock<u32> = LazyLock::new(|| {
            BEGUN.store(1, Ordering::SeqCst);
            thread::sleep(millis(80));
            unwind()
        });
        let maker = thread::spawn(|| *LAZY);
        eventually(|| (BEGUN.load(Ordering::SeqCst) == 1).then_some(()));
        assert_eq!(message(|| *LAZY), POISONED);
        assert!(maker.join().is_err());
    });
}

#[test]
fn one_may_need_another() {
    static INNER: LazyLock<u32> = LazyLock::new(|| 3);
    static OUTER: LazyLock<u32> = LazyLock::new(|| *INNER + 4);
    assert_eq!(*OUTER, 7);
}

#[test]
fn it_is_made_by_default() {
    let lazy = LazyLock::<Vec<u8>>::default();
    assert_eq!(*lazy, []);
}

#[test]
fn what_it_holds_is_dropped_with_it() {
    let counted = Arc::new(());
    let held = Arc::clone(&counted);
    let lazy = LazyLock::new(move || held);
    drop(lazy);
    assert_eq!(Arc::strong_count(&counted), 1);
    let held = Arc::clone(&counted);
    let lazy = LazyLock::new(move || held);
    assert_eq!(Arc::strong_count(&lazy), 2);
    drop(lazy);
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn its_texts_are_these() {
    let lazy = LazyLock::new(|| "value");
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    LazyLock::force(&lazy);
    assert_eq!(format!("{lazy:?}"), "LazyLock(\"value\")");
}

#[test]
fn a_static_within_a_function_is_made_once() {
    fn numbers() -> &'static Vec<u32> {
        static LAZY: LazyLock<Vec<u32>> = LazyLock::new(|| vec![1, 2, 3]);
        &LAZY
    }
    assert_eq!(numbers(), &[1, 2, 3]);
    assert!(std::ptr::eq(numbers(), numbers()));
}

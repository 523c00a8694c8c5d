//! Values of which each thread has its own.
#![allow(clippy::missing_const_for_thread_local)] // both forms are to be shown

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::locals;
use super::world::thread;
use crate::support::{bounded, millis};

#[test]
fn each_thread_has_its_own() {
    locals!(static VALUE: Cell<u32> = Cell::new(1));
    bounded(|| {
        VALUE.with(|value| value.set(2));
        let others: Vec<_> = (10..14)
            .map(|number| {
                thread::spawn(move || {
                    let before = VALUE.get();
                    VALUE.set(number);
                    thread::sleep(millis(2));
                    (before, VALUE.get())
                })
            })
            .collect();
        for (other, number) in others.into_iter().zip(10..) {
            assert_eq!(other.join().unwrap(), (1, number));
        }
        assert_eq!(VALUE.get(), 2);
    });
}

#[test]
fn it_is_made_at_its_first_use_and_once() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    locals! {
        static VALUE: u32 = MADE.fetch_add(1, Ordering::SeqCst) + 1;
    }
    bounded(|| {
        assert_eq!(MADE.load(Ordering::SeqCst), 0);
        VALUE.with(|value| assert_eq!(*value, 1));
        VALUE.with(|value| assert_eq!(*value, 1));
        assert_eq!(thread::spawn(|| VALUE.with(|value| *value)).join().unwrap(), 2);
        assert_eq!(MADE.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn a_set_that_comes_first_does_not_make_it() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    locals! {
        static CELL: Cell<u32> = Cell::new(MADE.fetch_add(1, Ordering::SeqCst));
        static REF_CELL: RefCell<u32> = RefCell::new(MADE.fetch_add(1, Ordering::SeqCst));
    }
    bounded(|| {
        CELL.set(7);
        REF_CELL.set(8);
        assert_eq!((CELL.get(), REF_CELL.with_borrow(|value| *value)), (7, 8));
        assert_eq!(MADE.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn it_is_dropped_when_its_thread_ends() {
    struct Counts(Arc<AtomicU32>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    locals! {
        static VALUE: RefCell<Option<Counts>> = const { RefCell::new(None) };
    }
    bounded(|| {
        let dropped = Arc::new(AtomicU32::new(0));
        for ends in 1..=3 {
            let count = Arc::clone(&dropped);
            let ended = thread::spawn(move || {
                VALUE.with_borrow_mut(|value| *value = Some(Counts(count)));
                assert!(ends != 2, "on purpose");
            });
            assert_eq!(ended.join().is_err(), ends == 2);
            assert_eq!(dropped.load(Ordering::SeqCst), ends);
        }
    });
}

#[test]
fn cells_and_ref_cells_have_methods_of_their_own() {
    locals! {
        static CELL: Cell<String> = const { Cell::new(String::new()) };
        static REF_CELL: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) }
    }
    bounded(|| {
        CELL.set("a".to_owned());
        assert_eq!(CELL.replace("b".to_owned()), "a");
        assert_eq!((CELL.take().as_str(), CELL.take().as_str()), ("b", ""));
        REF_CELL.with_borrow_mut(|value| value.push(1));
        assert_eq!(REF_CELL.replace(vec![2, 3]), [1]);
        assert_eq!(REF_CELL.with_borrow(Vec::len), 2);
        assert_eq!((REF_CELL.take(), REF_CELL.take()), (vec![2, 3], vec![]));
        REF_CELL.set(vec![4]);
        assert_eq!(REF_CELL.try_with(|value| value.borrow()[0]).ok(), Some(4));
    });
}

#[test]
fn one_may_be_used_while_another_is() {
    locals! {
        static OUTER: u32 = INNER.with(|inner| *inner) + 1;
        static INNER: u32 = 6;
    }
    bounded(|| assert_eq!(OUTER.with(|outer| INNER.with(|inner| (*outer, *inner))), (7, 6)));
}

#[test]
fn attributes_and_visibility_are_kept() {
    mod inside {
        super::locals! {
            /// Documented.
            #[allow(dead_code)]
            pub(super) static VALUE: u32 = 7;
        }
    }
    bounded(|| assert_eq!(inside::VALUE.with(|value| *value), 7));
}

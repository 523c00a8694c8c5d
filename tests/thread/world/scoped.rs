//! Threads that borrow.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};

use super::world::thread::{self, Builder};
use crate::support::{bounded, millis, text};

#[test]
fn they_borrow_and_what_they_borrowed_is_free_afterwards() {
    bounded(|| {
        let mut numbers = vec![1, 2, 3];
        let mut sum = 0;
        thread::scope(|scope| {
            scope.spawn(|| sum += numbers.iter().sum::<i32>());
            scope.spawn(|| assert_eq!(numbers.len(), 3));
        });
        numbers.push(sum);
        assert_eq!(numbers, [1, 2, 3, 6]);
    });
}

#[test]
fn the_scope_ends_when_all_have_ended() {
    bounded(|| {
        let done = AtomicU32::new(0);
        let value = thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    thread::sleep(millis(5));
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
            "value"
        });
        assert_eq!((value, done.load(Ordering::SeqCst)), ("value", 5));
    });
}

#[test]
fn one_can_be_joined_before_the_end() {
    bounded(|| {
        thread::scope(|scope| {
            let handle = scope.spawn(|| 7);
            assert_eq!(handle.join().unwrap(), 7);
            let failed = scope.spawn(|| panic!("on purpose"));
            assert_eq!(text(&*failed.join().unwrap_err()), "on purpose");
        });
    });
}

#[test]
fn a_panic_that_nobody_joined_is_the_scopes() {
    bounded(|| {
        let done = AtomicU32::new(0);
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|scope| {
                scope.spawn(|| panic!("on purpose"));
                scope.spawn(|| {
                    thread::sleep(millis(5));
                    done.fetch_add(1, Ordering::SeqCst);
                });
            });
        }));
        assert_eq!(text(&*ended.unwrap_err()), "a scoped thread panicked");
        assert_eq!(done.load(Ordering::SeqCst), 1, "the other one was waited for");
    });
}

#[test]
fn if_the_body_panics_all_are_waited_for() {
    bounded(|| {
        let done = AtomicU32::new(0);
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(millis(5));
                    done.fetch_add(1, Ordering::SeqCst);
                });
                panic!("the body");
            });
        }));
        assert_eq!(text(&*ended.unwrap_err()), "the body");
        assert_eq!(done.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn the_bodys_panic_comes_before_a_threads() {
    bounded(|| {
        let ended = panic::catch_unwind(|| {
            thread::scope(|scope| {
                scope.spawn(|| panic!("the thread"));
                panic!("the body");
            });
        });
        assert_eq!(text(&*ended.unwrap_err()), "the body");
    });
}

#[test]
fn they_can_spawn_more() {
    bounded(|| {
        let count = AtomicU32::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                scope.spawn(|| count.fetch_add(1, Ordering::SeqCst));
                count.fetch_add(1, Ordering::SeqCst);
            });
        });
        assert_eq!(count.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn scopes_nest() {
    bounded(|| {
        let words = ["a", "bc"];
        let lengths = thread::scope(|outer| {
            let handle = outer.spawn(|| {
                thread::scope(|inner| {
                    let handles = words.each_ref().map(|word| inner.spawn(|| word.len()));
                    handles.map(|handle| handle.join().unwrap())
                })
            });
            handle.join().unwrap()
        });
        assert_eq!(lengths, [1, 2]);
    });
}

#[test]
fn a_builder_names_them() {
    bounded(|| {
        thread::scope(|scope| {
            let builder = Builder::new().name("scoped".to_owned());
            let name = || thread::current().name().map(str::to_owned);
            let handle = builder.spawn_scoped(scope, name).unwrap();
            assert_eq!(handle.thread().name(), Some("scoped"));
            assert_eq!(handle.join().unwrap().as_deref(), Some("scoped"));
        });
    });
}

#[test]
fn they_can_be_unparked_and_asked_whether_they_are_finished() {
    bounded(|| {
        thread::scope(|scope| {
            let handle = scope.spawn(thread::park);
            thread::sleep(millis(2));
            assert!(!handle.is_finished());
            handle.thread().unpark();
            handle.join().unwrap();
        });
    });
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::common::{Flag, millis, settle, unwind, unwinds};
use super::world::sync::OnceLock;
use super::world::thread;
use crate::support::bounded;

#[test]
fn it_is_set_once() {
    static CELL: OnceLock<u32> = OnceLock::new();
    assert_eq!(CELL.get(), None);
    assert_eq!(CELL.set(7), Ok(()));
    assert_eq!(CELL.set(8), Err(8));
    assert_eq!(CELL.get(), Some(&7));
    assert_eq!(*CELL.wait(), 7);
}

#[test]
fn get_or_init_calls_only_the_first() {
    let cell = OnceLock::new();
    assert_eq!(*cell.get_or_init(|| 7), 7);
    assert_eq!(*cell.get_or_init(|| unreachable!()), 7);
}

#[test]
fn get_mut_changes_the_value() {
    let mut cell = OnceLock::new();
    assert_eq!(cell.get_mut(), None);
    cell.set(7).unwrap();
    *cell.get_mut().unwrap() = 8;
    assert_eq!(cell.get(), Some(&8));
}

#[test]
fn a_value_that_was_taken_can_be_set_again() {
    let mut cell = OnceLock::new();
    assert_eq!(cell.take(), None::<String>);
    cell.set("first".to_owned()).unwrap();
    assert_eq!(cell.take().as_deref(), Some("first"));
    assert_eq!(cell.get(), None);
    cell.set("second".to_owned()).unwrap();
    assert_eq!(cell.into_inner().as_deref(), Some("second"));
    assert_eq!(OnceLock::<u32>::new().into_inner(), None);
}

#[test]
fn a_panic_of_the_first_leaves_it_to_the_next() {
    let cell = OnceLock::new();
    assert!(unwinds(|| cell.get_or_init(|| unwind())));
    assert_eq!(cell.get(), None);
    assert_eq!(cell.set(7), Ok(()));
    let cell = OnceLock::new();
    assert!(unwinds(|| cell.get_or_init(|| unwind())));
    assert_eq!(*cell.get_or_init(|| 8), 8);
}

#[test]
fn who_waits_for_one_that_panics_makes_the_value() {
    bounded(|| {
        let cell = Arc::new(OnceLock::new());
        let (makes, begun) = (Arc::clone(&cell), Flag::default());
        let tells = begun.clone();
        let maker = thread::spawn(move || {
            makes.get_or_init(|| {
                tells.set();
                thread::sleep(millis(80));
                unwind()
            });
        });
        begun.wait();
        assert_eq!(*cell.get_or_init(|| 8), 8);
        assert!(maker.join().is_err());
    });
}

#[test]
fn eight_who_race_get_the_same_value() {
    bounded(|| {
        static CELL: OnceLock<usize> = OnceLock::new();
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let racers: Vec<_> = (0..8)
            .map(|number| {
                thread::spawn(move || {
                    *CELL.get_or_init(|| {
                        CALLS.fetch_add(1, Ordering::SeqCst);
                        thread::sleep(millis(5));
                        number
                    })
                })
            })
            .collect();
        let values: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        assert!(values.iter().all(|value| Some(value) == CELL.get()));
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn of_eight_who_set_one_succeeds() {
    bounded(|| {
        let cell = Arc::new(OnceLock::new());
        let setters: Vec<_> = (0..8)
            .map(|number| {
                let cell = Arc::clone(&cell);
                thread::spawn(move || cell.set(number))
            })
            .collect();
        let results: Vec<_> = setters.into_iter().map(|setter| setter.join().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let number = results.iter().position(Result::is_ok).unwrap();
        assert_eq!(cell.get(), Some(&number));
    });
}

#[test]
fn who_sets_while_another_makes_it_waits_and_then_fails() {
    bounded(|| {
        let cell = Arc::new(OnceLock::new());
        let (makes, begun) = (Arc::clone(&cell), Flag::default());
        let tells = begun.clone();
        let maker = thread::spawn(move || {
            *makes.get_or_init(|| {
                tells.set();
                thread::sleep(millis(80));
                7
            })
        });
        begun.wait();
        assert_eq!(cell.get(), None, "it is not there before it is made");
        assert_eq!(cell.set(8), Err(8));
        assert_eq!(maker.join().unwrap(), 7);
    });
}

#[test]
fn wait_waits_until_it_is_set() {
    bounded(|| {
        let cell = Arc::new(OnceLock::new());
        let waits = Arc::clone(&cell);
        let waiter = thread::spawn(move || *waits.wait());
        settle();
        assert!(unwinds(|| cell.get_or_init(|| unwind())), "that does not end the wait");
        settle();
        assert!(!waiter.is_finished());
        cell.set(7).unwrap();
        assert_eq!(waiter.join().unwrap(), 7);
    });
}

#[test]
fn it_is_cloned_compared_and_made_from_a_value() {
    let (empty, seven) = (OnceLock::new(), OnceLock::from(7));
    assert_eq!(empty.clone(), OnceLock::default());
    assert_eq!(seven.clone(), OnceLock::from(7));
    assert_ne!(seven, empty);
    assert_ne!(seven, OnceLock::from(8));
    assert_eq!(seven.set(9), Err(9));
    let copy = seven.clone();
    assert_eq!(copy.set(9), Err(9));
}

#[test]
fn the_value_is_dropped_with_it() {
    let counted = Arc::new(());
    let cell = OnceLock::from(Arc::clone(&counted));
    assert_eq!(Arc::strong_count(&counted), 2);
    drop(cell);
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn its_texts_are_these() {
    let cell = OnceLock::new();
    assert_eq!(format!("{cell:?}"), "OnceLock(<uninit>)");
    cell.set("value").unwrap();
    assert_eq!(format!("{cell:?}"), "OnceLock(\"value\")");
}

#[test]
fn racing_values_are_never_seen_half_made() {
    bounded(|| {
        for _ in 0..20 {
            let cell = Arc::new(OnceLock::new());
            let racers: Vec<_> = (0..4u8)
                .map(|number| {
                    let cell = Arc::clone(&cell);
                    thread::spawn(move || {
                        let text = char::from(b'a' + number).to_string().repeat(100);
                        if number % 2 == 0 {
                            let _ = cell.set(text);
                        } else if let Some(seen) = cell.get() {
                            let seen: &String = seen;
                            let first = &seen[..1];
                            assert_eq!(*seen, first.repeat(100));
                        }
                    })
                })
                .collect();
            racers.into_iter().for_each(|racer| racer.join().unwrap());
            assert_eq!(cell.get().unwrap().len(), 100);
        }
    });
}

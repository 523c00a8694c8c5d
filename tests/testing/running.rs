//! What a run gives back, and what it leaves.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenhub::sync::{Event, Lock};
use greenhub::testing::{self, Simulation};
use greenhub::{Hub, sleep, spawn, yield_now};

use crate::support::{bounded, panic_of, secs};

#[test]
fn a_run_may_borrow_and_gives_back_what_its_body_returns() {
    let words = ["one".to_owned(), "two".to_owned()];
    let joined = testing::run(0, || words.join(" "));
    assert_eq!(joined, "one two");
    assert_eq!(testing::run(0, testing::seed), Some(0));
    assert_eq!(Simulation::new().run(testing::seed), None);
}

#[test]
fn a_panic_comes_out_with_its_payload() {
    let payload = std::panic::catch_unwind(|| testing::run(0, || std::panic::panic_any(7)));
    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&7));
}

#[test]
fn what_a_run_leaves_is_unwound() {
    static UNDONE: AtomicU32 = AtomicU32::new(0);
    struct Undo;
    impl Drop for Undo {
        fn drop(&mut self) {
            UNDONE.fetch_add(1, Ordering::Relaxed);
        }
    }
    bounded(|| {
        let leave = || {
            for _ in 0..5 {
                spawn(|| {
                    let _undo = Undo;
                    sleep(secs(1_000_000));
                });
            }
            yield_now();
        };
        Simulation::new().run(leave);
        assert_eq!(UNDONE.load(Ordering::Relaxed), 5);
        let said = panic_of(|| {
            Simulation::new().run(|| {
                leave();
                panic!("out");
            })
        });
        assert_eq!((said.as_str(), UNDONE.load(Ordering::Relaxed)), ("out", 10));
    });
}

#[test]
fn a_panic_that_nobody_joins_fails_the_run() {
    bounded(|| {
        let said = panic_of(|| {
            testing::run(1, || {
                drop(spawn(|| panic!("all alone")));
                sleep(secs(1));
            })
        });
        assert!(said.contains("panicked unjoined: all alone"), "{said}");
        assert!(said.contains("running.rs"), "{said}");
        // Who asks for it deals with it.
        testing::run(1, || {
            Hub::current().set_error_hook(|_| ());
            drop(spawn(|| panic!("all alone")));
            sleep(secs(1));
        });
    });
}

#[test]
fn one_that_does_not_end_fails_the_run() {
    bounded(|| {
        let said = panic_of(|| {
            Simulation::new().run(|| {
                greenhub::Builder::new()
                    .name("stubborn")
                    .spawn(|| {
                        for _ in 0..3 {
                            let _ = std::panic::catch_unwind(|| sleep(secs(60)));
                        }
                    })
                    .unwrap();
                yield_now();
            })
        });
        assert!(said.contains("1 greenlets had not ended in time"), "{said}");
        assert!(said.contains("stubborn"), "{said}");
    });
}

#[test]
fn a_deadlock_is_told_though_there_are_other_threads() {
    bounded(|| {
        for simulation in [Simulation::new(), Simulation::new().seed(1)] {
            let said = panic_of(|| {
                simulation.run(|| {
                    let locks = Rc::new((Lock::new(), Lock::new()));
                    let both = Rc::clone(&locks);
                    let other = spawn(move || {
                        both.1.acquire().unwrap();
                        sleep(secs(1));
                        both.0.acquire().unwrap();
                    });
                    locks.0.acquire().unwrap();
                    sleep(secs(1));
                    locks.1.acquire().unwrap();
                    other.join().unwrap();
                })
            });
            assert!(said.starts_with("everything waits for ever"), "{said}");
        }
    });
}

#[test]
fn yielding_for_ever_is_told_and_the_hub_goes_on() {
    bounded(|| {
        let simulation = Simulation::new().patience(200_000);
        for simulation in [simulation, simulation.seed(9)] {
            let undone = simulation.run(|| {
                let never = Rc::new(Event::new());
                let event = Rc::clone(&never);
                let spinner = spawn(move || {
                    while !event.is_set() {
                        yield_now();
                    }
                });
                // Main waits, and then it yields itself.
                let said = panic_of(|| spinner.join());
                assert!(said.starts_with("somebody yields for ever"), "{said}");
                let said = panic_of(|| {
                    loop {
                        yield_now();
                    }
                });
                assert!(said.starts_with("somebody yields for ever"), "{said}");
                never.set();
                spinner.join().unwrap();
                let undone = Rc::new(Cell::new(0));
                let own = Rc::clone(&undone);
                spawn(move || own.set(1)).join().unwrap();
                sleep(secs(1));
                undone.get()
            });
            assert_eq!(undone, 1);
        }
    });
}

#[test]
fn runs_nest_and_run_side_by_side() {
    bounded(|| {
        let inner = || {
            testing::run(3, || {
                sleep(secs(5));
                testing::now()
            })
        };
        let (outer, inside) = testing::run(2, || {
            sleep(secs(1));
            let inside = inner();
            sleep(secs(1));
            (testing::now(), inside)
        });
        assert_eq!((outer, inside), (secs(2), secs(5)));
        let threads = [(); 4].map(|()| std::thread::spawn(inner));
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), secs(5)));
    });
}

#[test]
fn outside_of_a_simulation_its_functions_say_so() {
    bounded(|| {
        for said in [panic_of(testing::now), panic_of(|| testing::random_below(2))] {
            assert!(said.contains("to be called in a simulation"), "{said}");
        }
        assert!(testing::run(0, || panic_of(|| testing::random_below(0))).contains("below zero"));
    });
}

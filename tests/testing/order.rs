//! The order that a seed decides.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use greenhub::queue::Queue;
use greenhub::testing::{self, Simulation};
use greenhub::{joinall, set_trace, sleep, spawn, yield_now};

use crate::support::{bounded, millis};

/// Who ran, in which order: eight that yield and sleep now and then.
fn steps() -> Vec<(u32, u32)> {
    let steps = Rc::new(RefCell::new(Vec::new()));
    let walkers: Vec<_> = (0..8)
        .map(|walker| {
            let steps = Rc::clone(&steps);
            spawn(move || {
                for step in 0..10 {
                    steps.borrow_mut().push((walker, step));
                    match testing::random_below(3) {
                        0 => sleep(millis(testing::random_below(3))),
                        _ => yield_now(),
                    }
                }
            })
        })
        .collect();
    joinall(&walkers);
    steps.take()
}

/// Who ran after whom, as the hub's trace tells it.
fn switches() -> Vec<(u32, u32)> {
    let switches = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&switches);
    set_trace(Some(Rc::new(move |switch: &greenhub::greenlet::Switch| {
        told.borrow_mut().push((switch.origin().id(), switch.target().id()));
    })));
    steps();
    set_trace(None);
    switches.take()
}

#[test]
fn a_seed_repeats_its_order_exactly() {
    bounded(|| {
        for seed in [0, 1, 77, u64::MAX] {
            assert_eq!(testing::run(seed, steps), testing::run(seed, steps));
            let first = testing::run(seed, switches);
            assert!(first.len() > 50, "{}", first.len());
            assert_eq!(first, testing::run(seed, switches));
            let disturbed = Simulation::new().seed(seed).disturbed();
            assert_eq!(disturbed.run(steps), disturbed.run(steps));
        }
    });
}

#[test]
fn other_seeds_give_other_orders() {
    bounded(|| {
        let orders: HashSet<_> = (0..50).map(|seed| testing::run(seed, steps)).collect();
        assert_eq!(orders.len(), 50);
    });
}

#[test]
fn every_order_of_three_comes() {
    bounded(|| {
        let orders: HashSet<Vec<u32>> = (0..200)
            .map(|seed| {
                testing::run(seed, || {
                    let order = Rc::new(RefCell::new(Vec::new()));
                    let three = [0, 1, 2].map(|n| {
                        let order = Rc::clone(&order);
                        spawn(move || order.borrow_mut().push(n))
                    });
                    joinall(&three);
                    order.take()
                })
            })
            .collect();
        assert_eq!(orders.len(), 6);
    });
}

#[test]
fn without_a_seed_it_is_first_come_first_served() {
    bounded(|| {
        let order = Simulation::new().run(|| {
            let order = Rc::new(RefCell::new(Vec::new()));
            let all: Vec<_> = (0..20)
                .map(|n| {
                    let order = Rc::clone(&order);
                    spawn(move || {
                        for _ in 0..3 {
                            order.borrow_mut().push(n);
                            yield_now();
                        }
                    })
                })
                .collect();
            joinall(&all);
            order.take()
        });
        let expected: Vec<_> = (0..3).flat_map(|_| 0..20).collect();
        assert_eq!(order, expected);
    });
}

#[test]
fn whoever_is_ready_runs_within_eight_times_as_many_switches_as_there_are_before_it() {
    bounded(|| {
        for seed in 0..20 {
            testing::run(seed, || {
                const CROWD: u64 = 10;
                let switches = Rc::new(Cell::new(0u64));
                let all: Vec<_> = (0..CROWD)
                    .map(|_| {
                        let switches = Rc::clone(&switches);
                        spawn(move || {
                            for _ in 0..200 {
                                let before = switches.get();
                                yield_now();
                                let waited = switches.get() - before;
                                assert!(waited <= 8 * (CROWD + 2), "{waited}");
                                switches.set(switches.get() + 1);
                            }
                        })
                    })
                    .collect();
                all.iter().for_each(|one| one.join().unwrap());
            });
        }
    });
}

#[test]
fn one_who_never_has_to_wait_is_disturbed_after_eight_operations() {
    /// How many items the one takes while the other does not run.
    fn longest_run() -> u32 {
        let queue = Rc::new(Queue::new());
        (0..64).for_each(|n| queue.try_put(n).unwrap());
        let in_a_row = Rc::new(Cell::new(0));
        let (own, row) = (Rc::clone(&queue), Rc::clone(&in_a_row));
        let taker = spawn(move || {
            let mut longest = 0;
            for _ in 0..64 {
                own.get().unwrap();
                row.set(row.get() + 1);
                longest = longest.max(row.get());
            }
            longest
        });
        while !taker.is_finished() {
            in_a_row.set(0);
            yield_now();
        }
        taker.join().unwrap()
    }
    bounded(|| {
        // Without a seed, so that the other runs whenever the one lets it.
        assert!(Simulation::new().run(longest_run) >= 63);
        assert!(Simulation::new().disturbed().run(longest_run) <= 8);
    });
}

#[test]
fn numbers_by_the_seed_are_repeated_and_below_their_bound() {
    let numbers = |seed| testing::run(seed, || [(); 100].map(|()| testing::random_below(10)));
    bounded(move || {
        assert_eq!(numbers(5), numbers(5));
        assert_ne!(numbers(5), numbers(6));
        assert!(numbers(5).iter().all(|number| *number < 10));
    });
}

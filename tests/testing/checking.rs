//! Many runs, and the seed of the one that fails.

use std::cell::Cell;
use std::process::Command;
use std::rc::Rc;
use std::sync::Mutex;

use greenhub::queue::Queue;
use greenhub::sync::Lock;
use greenhub::testing::{self, Simulation};
use greenhub::{joinall, spawn, yield_now};

use crate::support::{bounded, panic_of};

/// Two add, and one is lost if the other comes in between.
fn lost_update() {
    let count = Rc::new(Cell::new(0));
    let adders = [(); 2].map(|()| {
        let count = Rc::clone(&count);
        spawn(move || {
            let before = count.get();
            yield_now();
            count.set(before + 1);
        })
    });
    joinall(&adders);
    assert_eq!(count.get(), 2, "an update was lost");
}

/// A balance is looked at, a log is written, and then the balance is changed: nobody yields, but
/// the log may let others run.
fn overdrawn() {
    let (balance, log) = (Rc::new(Cell::new(100)), Rc::new(Queue::new()));
    let clients = [(); 2].map(|()| {
        let (balance, log) = (Rc::clone(&balance), Rc::clone(&log));
        spawn(move || {
            if balance.get() >= 80 {
                log.put("paid").unwrap();
                balance.set(balance.get() - 80);
            }
        })
    });
    joinall(&clients);
    assert!(balance.get() >= 0, "overdrawn");
}

/// Two locks, taken in two orders.
fn deadlock() {
    let locks = Rc::new((Lock::new(), Lock::new()));
    let swapped = Rc::clone(&locks);
    let there = Rc::clone(&locks);
    let both = [
        spawn(move || {
            let _first = there.0.lock().unwrap();
            yield_now();
            let _second = there.1.lock().unwrap();
        }),
        spawn(move || {
            let _first = swapped.1.lock().unwrap();
            yield_now();
            let _second = swapped.0.lock().unwrap();
        }),
    ];
    joinall(&both);
}

/// The seed that a failed check names.
fn seed_of(said: &str) -> u64 {
    let (_, rest) = said.split_once("with seed ").unwrap_or_else(|| panic!("no seed: {said}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn races_and_deadlocks_are_found_in_few_runs_and_repeat_by_their_seeds() {
    bounded(|| {
        let bugs: [(fn(), &str); 3] = [
            (lost_update, "an update was lost"),
            (overdrawn, "overdrawn"),
            (deadlock, "everything waits for ever"),
        ];
        for (bug, expected) in bugs {
            let said = panic_of(|| testing::check(100, bug));
            assert!(said.contains(expected), "{said}");
            let seed = seed_of(&said);
            assert!(said.contains(&format!("GREENHUB_SEED={seed} cargo test")), "{said}");
            let again = panic_of(|| Simulation::new().disturbed().seed(seed).check(1, bug));
            assert!(again.contains(expected) && seed_of(&again) == seed, "{again}");
            // It is found as well from a seed far away.
            panic_of(|| Simulation::new().disturbed().seed(1 << 40).check(100, bug));
        }
    });
}

#[test]
fn without_disturbance_nobody_comes_between_two_who_do_not_wait() {
    bounded(|| Simulation::new().check(100, overdrawn));
}

#[test]
fn a_check_runs_each_of_its_seeds_once_and_stops_at_a_failure() {
    bounded(|| {
        let seeds = Mutex::new(Vec::new());
        let note = || {
            let seed = testing::seed().unwrap();
            seeds.lock().unwrap().push(seed);
            assert_ne!(seed, 12);
        };
        testing::check(10, note);
        assert_eq!(std::mem::take(&mut *seeds.lock().unwrap()), (0..10).collect::<Vec<_>>());
        let said = panic_of(|| Simulation::new().seed(11).check(5, note));
        assert!(said.starts_with("run 2 of 5 failed, with seed 12 "), "{said}");
        assert_eq!(*seeds.lock().unwrap(), [11, 12]);
    });
}

#[test]
fn a_seed_in_the_environment_is_the_only_one_that_is_run() {
    const MARK: &str = "GREENHUB_TEST_SEEDS";
    const NAME: &str = "checking::a_seed_in_the_environment_is_the_only_one_that_is_run";
    if std::env::var_os(MARK).is_some() {
        testing::check(100, || println!("ran {}", testing::seed().unwrap()));
        return;
    }
    let run = |seed: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
            .envs([(MARK, "1"), ("GREENHUB_SEED", seed)])
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (succeeded, said) = run("4711");
    assert!(succeeded && said.matches("ran ").eq(["ran "]), "{said}");
    assert!(said.contains("ran 4711\n"), "{said}");
    let (succeeded, said) = run("many");
    assert!(!succeeded && said.contains("GREENHUB_SEED is to be a number"), "{said}");
}

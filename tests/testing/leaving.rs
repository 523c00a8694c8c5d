//! What many runs leave to the process: nothing.

use std::fs;

use greenhub::testing::net::pair;
use greenhub::testing::{self, Simulation};
use greenhub::{sleep, spawn, yield_now};

use crate::support::{alone, panic_of, secs};

/// Descriptors, threads and mappings of this process.
fn held() -> [usize; 3] {
    let entries = |path: &str| fs::read_dir(path).unwrap().count();
    let mappings = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    [entries("/proc/self/fd"), entries("/proc/self/task"), mappings]
}

/// Leaves greenlets that sleep, that wait for each other, and that were never run.
fn leave() {
    let (near, far) = pair();
    for end in [near, far] {
        spawn(move || std::io::Read::read(&mut &end, &mut [0]));
    }
    (0..20).for_each(|_| drop(spawn(|| sleep(secs(1_000)))));
    yield_now();
    drop(spawn(|| unreachable!("it has no time to")));
}

#[test]
#[cfg(target_os = "linux")]
fn many_runs_leave_no_descriptor_no_thread_and_no_stack() {
    alone("leaving::many_runs_leave_no_descriptor_no_thread_and_no_stack", || {
        let run = |rounds: u64| {
            for seed in 0..rounds {
                Simulation::new().run(leave);
                let said = panic_of(|| {
                    testing::run(seed, || {
                        leave();
                        panic!("out");
                    })
                });
                assert_eq!(said, "out");
            }
        };
        run(20);
        let before = held();
        run(200);
        let after = held();
        let grown = before.iter().zip(&after).any(|(before, after)| *after > before + 8);
        assert!(!grown, "{before:?} before, {after:?} after");
    });
}

//! Something small is spawned, and its result fetched.

use std::time::{Duration, Instant};

use crate::peers::{on_may, on_tokio};
use crate::rounds::{Workload, peers};

/// So many live at once.
const MANY: u64 = 10_000;

pub(crate) fn workloads() -> Vec<Workload> {
    let source = include_str!("spawning.rs");
    vec![
        Workload {
            name: "spawn_one",
            what: "spawn and join, one by one",
            operation: "one",
            operations: 200_000,
            source,
            peers: peers!["greenhub": greenhub(1), "tokio": tokio(1), "may": may(1)],
        },
        Workload {
            name: "spawn_many",
            what: "spawn 10,000, then join them all",
            operation: "one of them",
            operations: 10 * MANY,
            source,
            peers: peers!["greenhub": greenhub(MANY), "tokio": tokio(MANY), "may": may(MANY)],
        },
    ]
}

/// The sum of the numbers that were spawned.
fn expected(operations: u64) -> u64 {
    operations * (operations - 1) / 2
}

/// `spawn` and `join`; stacks of 256 KiB, the default, used again.
fn greenhub(operations: u64, at_once: u64) -> Duration {
    let mut sum = 0;
    let start = Instant::now();
    for batch in 0..operations / at_once {
        let first = batch * at_once;
        let greenlets: Vec<_> =
            (first..first + at_once).map(|n| greenhub::spawn(move || n)).collect();
        for greenlet in greenlets {
            sum += greenlet.join().expect("it does not panic");
        }
    }
    let spent = start.elapsed();
    assert_eq!(sum, expected(operations));
    spent
}

/// `spawn` and `.await` of the handle, from inside a task.
fn tokio(operations: u64, at_once: u64) -> Duration {
    on_tokio(async move {
        let mut sum = 0;
        let start = Instant::now();
        for batch in 0..operations / at_once {
            let first = batch * at_once;
            let tasks: Vec<_> =
                (first..first + at_once).map(|n| tokio::spawn(async move { n })).collect();
            for task in tasks {
                sum += task.await.expect("it does not panic");
            }
        }
        let spent = start.elapsed();
        assert_eq!(sum, expected(operations));
        spent
    })
}

/// `go!` and `join`, from inside a coroutine; stacks of 32 KiB, the default, used again. Each spawn
/// rings its worker's event loop, which is a system call.
fn may(operations: u64, at_once: u64) -> Duration {
    on_may(move || {
        let mut sum = 0;
        let start = Instant::now();
        for batch in 0..operations / at_once {
            let first = batch * at_once;
            let coroutines: Vec<_> =
                (first..first + at_once).map(|n| may::go!(move || n)).collect();
            for coroutine in coroutines {
                sum += coroutine.join().expect("it does not panic");
            }
        }
        let spent = start.elapsed();
        assert_eq!(sum, expected(operations));
        spent
    })
}

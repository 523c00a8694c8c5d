//! Something small is spawned, and its result fetched.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::peers::{Count, Floor, Local, OnEpoll, Smol, on_may, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Measured, Peer, Workload, peers};

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
            kind: Kind::Timed,
            peers: all(1),
        },
        Workload {
            name: "spawn_many",
            what: "spawn 10,000, then join them all",
            operation: "one of them",
            operations: 10 * MANY,
            source,
            kind: Kind::Timed,
            peers: all(MANY),
        },
    ]
}

fn all(at_once: u64) -> Vec<Peer> {
    peers![
        "greenhub": greenhub(at_once),
        "tokio": tokio(at_once),
        "may": may(at_once),
        "smol": smol(at_once),
        "monoio": monoio(at_once),
        "Go": go(at_once) by Go,
        "Boost.Fiber": fiber(at_once) by Fiber,
        "gevent": gevent(at_once) by Gevent,
        "threads": threads(at_once),
        "corosensei, the floor": corosensei(at_once),
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

/// `LocalExecutor::spawn`, and `.await` of the task.
fn smol(operations: u64, at_once: u64) -> Duration {
    local::<Smol>(operations, at_once)
}

/// `monoio::spawn`, and `.await` of the handle; `LegacyDriver`.
fn monoio(operations: u64, at_once: u64) -> Duration {
    local::<OnEpoll>(operations, at_once)
}

fn local<L: Local>(operations: u64, at_once: u64) -> Duration {
    L::run(async move {
        let mut sum = 0;
        let start = Instant::now();
        for batch in 0..operations / at_once {
            let first = batch * at_once;
            let tasks: Vec<_> =
                (first..first + at_once).map(|n| L::spawn(async move { n })).collect();
            for task in tasks {
                sum += task.await;
            }
        }
        let spent = start.elapsed();
        assert_eq!(sum, expected(operations));
        spent
    })
}

/// `thread::Builder::spawn` and `join`, with a tenth of the operations; stacks of 64 KiB, all cores.
fn threads(operations: u64, at_once: u64) -> Figures {
    let operations = (operations / 10).max(at_once);
    let mut sum = 0;
    let start = Instant::now();
    for batch in 0..operations / at_once {
        let first = batch * at_once;
        let spawn = |n| thread::Builder::new().stack_size(64 * 1024).spawn(move || n);
        let threads: Vec<_> = (first..first + at_once).map(spawn).collect();
        for thread in threads {
            sum += thread.expect("there are threads").join().expect("it does not panic");
        }
    }
    let spent = start.elapsed();
    assert_eq!(sum, expected(operations));
    spent.figures(operations)
}

/// Coroutines in a queue, on warm stacks; there are no results, so each adds to a sum.
fn corosensei(operations: u64, at_once: u64) -> Duration {
    let sum = Rc::new(Count::default());
    let mut floor = Floor::default();
    // The first batch warms the stacks.
    let mut start = Instant::now();
    for batch in 0..=operations / at_once {
        if batch == 1 {
            sum.set(0);
            start = Instant::now();
        }
        for n in 0..at_once {
            let sum = sum.clone();
            let n = batch.saturating_sub(1) * at_once + n;
            floor.spawn(move |_| sum.set(sum.get() + n));
        }
        floor.run();
    }
    let spent = start.elapsed();
    assert_eq!(sum.get(), expected(operations));
    spent
}

/// `go`, and a `sync.WaitGroup` to wait for them all; GOMAXPROCS is 1.
fn go(operations: u64, at_once: u64) -> Figures {
    Program::Go.run("spawn", &[operations, at_once])
}

/// `fiber` and `join`, launched by `post`; `pooled_fixedsize_stack` of 128 KiB, used again.
fn fiber(operations: u64, at_once: u64) -> Figures {
    Program::Fiber.run("spawn", &[operations, at_once])
}

/// `gevent.spawn` and `get`.
fn gevent(operations: u64, at_once: u64) -> Figures {
    Program::Gevent.run("spawn", &[operations, at_once])
}

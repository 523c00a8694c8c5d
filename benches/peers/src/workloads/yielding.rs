//! Several yield in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::peers::{Count, on_may, on_tokio, wake_self};
use crate::rounds::{Workload, peers};

pub(crate) fn workloads() -> Vec<Workload> {
    let source = include_str!("yielding.rs");
    vec![
        Workload {
            name: "yield_2",
            what: "two yield in turns",
            operation: "a yield",
            operations: 1_000_000,
            source,
            peers: peers![
                "greenhub": greenhub(2),
                "tokio": tokio(2),
                "tokio, waking itself": tokio_waking_itself(2),
                "may": may(2),
            ],
        },
        Workload {
            name: "yield_1000",
            what: "1,000 yield in turns",
            operation: "a yield",
            operations: 1_000_000,
            source,
            peers: peers![
                "greenhub": greenhub(1000),
                "tokio": tokio(1000),
                "tokio, waking itself": tokio_waking_itself(1000),
                "may": may(1000),
            ],
        },
    ]
}

/// `yield_now`.
fn greenhub(operations: u64, among: u64) -> Duration {
    let yields = Arc::new(Count::default());
    let greenlets: Vec<_> = (0..among)
        .map(|_| {
            let yields = yields.clone();
            greenhub::spawn(move || {
                for _ in 0..operations / among {
                    yields.add_one();
                    greenhub::yield_now();
                }
            })
        })
        .collect();
    let start = Instant::now();
    greenhub::joinall(&greenlets);
    let spent = start.elapsed();
    assert_eq!(yields.get(), operations);
    spent
}

/// `task::yield_now`, which has the drivers looked at before anyone runs twice.
fn tokio(operations: u64, among: u64) -> Duration {
    tokio_by(operations, among, tokio::task::yield_now)
}

/// a future that wakes its own task and is pending once, which leaves the drivers alone.
fn tokio_waking_itself(operations: u64, among: u64) -> Duration {
    tokio_by(operations, among, wake_self)
}

fn tokio_by<Y: Future<Output = ()> + Send + 'static>(
    operations: u64,
    among: u64,
    yield_now: fn() -> Y,
) -> Duration {
    on_tokio(async move {
        let yields = Arc::new(Count::default());
        let tasks: Vec<_> = (0..among)
            .map(|_| {
                let yields = yields.clone();
                tokio::spawn(async move {
                    for _ in 0..operations / among {
                        yields.add_one();
                        yield_now().await;
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for task in tasks {
            task.await.expect("it does not panic");
        }
        let spent = start.elapsed();
        assert_eq!(yields.get(), operations);
        spent
    })
}

/// `coroutine::yield_now`.
fn may(operations: u64, among: u64) -> Duration {
    on_may(move || {
        let yields = Arc::new(Count::default());
        let coroutines: Vec<_> = (0..among)
            .map(|_| {
                let yields = yields.clone();
                may::go!(move || {
                    for _ in 0..operations / among {
                        yields.add_one();
                        may::coroutine::yield_now();
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for coroutine in coroutines {
            coroutine.join().expect("it does not panic");
        }
        let spent = start.elapsed();
        assert_eq!(yields.get(), operations);
        spent
    })
}

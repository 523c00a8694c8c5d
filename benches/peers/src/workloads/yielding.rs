//! Several yield in turns.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::peers::{
    Count, Floor, Local, OnEpoll, OnUring, Smol, leave, on_may, on_tokio, pass, wake_self,
};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

pub(crate) fn workloads() -> Vec<Workload> {
    let source = include_str!("yielding.rs");
    vec![
        Workload {
            name: "yield_2",
            what: "two yield in turns",
            operation: "a yield",
            operations: 1_000_000,
            source,
            kind: Kind::Timed,
            peers: peers![
                "greenhub": greenhub(2),
                "tokio": tokio(2),
                "tokio, waking itself": tokio_waking_itself(2),
                "may": may(2),
                "smol": smol(2),
                "monoio, epoll": monoio_epoll(2),
                "monoio, io_uring": monoio_uring(2),
                "Go": go(2) by Go,
                "Boost.Fiber": fiber(2) by Fiber,
                "gevent": gevent(2) by Gevent,
                "threads": threads(2),
                "corosensei, the floor": corosensei(2),
            ],
        },
        Workload {
            name: "yield_1000",
            what: "1,000 yield in turns",
            operation: "a yield",
            operations: 1_000_000,
            source,
            kind: Kind::Timed,
            peers: peers![
                "greenhub": greenhub(1000),
                "tokio": tokio(1000),
                "tokio, waking itself": tokio_waking_itself(1000),
                "may": may(1000),
                "smol": smol(1000),
                "monoio, epoll": monoio_epoll(1000),
                "monoio, io_uring": monoio_uring(1000),
                "Go": go(1000) by Go,
                "Boost.Fiber": fiber(1000) by Fiber,
                "gevent": gevent(1000) by Gevent,
                "threads": threads(1000),
                "corosensei, the floor": corosensei(1000),
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

/// `LocalExecutor`, and `future::yield_now`.
fn smol(operations: u64, among: u64) -> Duration {
    local_by::<Smol, _>(operations, among, smol::future::yield_now, || {})
}

/// A future that wakes whoever has yielded before: monoio has no yield, and runs a task that wakes
/// itself before all others. `LegacyDriver`.
fn monoio_epoll(operations: u64, among: u64) -> Duration {
    local_by::<OnEpoll, _>(operations, among, pass, leave)
}

/// The same with `IoUringDriver`.
fn monoio_uring(operations: u64, among: u64) -> Duration {
    local_by::<OnUring, _>(operations, among, pass, leave)
}

fn local_by<L: Local, Y: Future<Output = ()> + 'static>(
    operations: u64,
    among: u64,
    yield_now: fn() -> Y,
    leave: fn(),
) -> Duration {
    L::run(async move {
        let yields = Rc::new(Count::default());
        let tasks: Vec<_> = (0..among)
            .map(|_| {
                let yields = yields.clone();
                L::spawn(async move {
                    for _ in 0..operations / among {
                        yields.add_one();
                        yield_now().await;
                    }
                    leave();
                })
            })
            .collect();
        let start = Instant::now();
        for task in tasks {
            task.await;
        }
        let spent = start.elapsed();
        assert_eq!(yields.get(), operations);
        spent
    })
}

/// OS threads and `thread::yield_now`, on all cores: who yields goes on where nobody else is ready.
fn threads(operations: u64, among: u64) -> Duration {
    let start = Instant::now();
    let threads: Vec<_> = (0..among)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..operations / among {
                    thread::yield_now();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    start.elapsed()
}

/// Coroutines in a queue: no hub, no limits, no kills, no results.
fn corosensei(operations: u64, among: u64) -> Duration {
    let yields = Rc::new(Count::default());
    let mut floor = Floor::default();
    for _ in 0..among {
        let yields = yields.clone();
        floor.spawn(move |pause| {
            for _ in 0..operations / among {
                yields.add_one();
                pause.suspend(());
            }
        });
    }
    let start = Instant::now();
    floor.run();
    let spent = start.elapsed();
    assert_eq!(yields.get(), operations);
    spent
}

/// Goroutines and `runtime.Gosched`; GOMAXPROCS is 1.
fn go(operations: u64, among: u64) -> Figures {
    Program::Go.run("yield", &[operations, among])
}

/// `this_fiber::yield`; round robin, `fixedsize_stack` of 128 KiB, its defaults.
fn fiber(operations: u64, among: u64) -> Figures {
    Program::Fiber.run("yield", &[operations, among])
}

/// `gevent.sleep(0)`, with a tenth of the operations.
fn gevent(operations: u64, among: u64) -> Figures {
    Program::Gevent.run("yield", &[operations / 10, among])
}

//! A hundred want one lock, and who has it holds it over a yield, so that all the others wait.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use greenhub::sync::Lock;

use crate::peers::{Local, OnEpoll, Smol, on_may, on_tokio, wake_self};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

const HOLDERS: u64 = 100;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "lock",
        what: "100 hold a lock in turns, each over a yield",
        operation: "one acquire, yield and release",
        operations: 200_000,
        source: include_str!("lock.rs"),
        kind: Kind::Timed,
        peers: peers![
            "greenhub": greenhub,
            "tokio": tokio,
            "tokio, waking itself": tokio_waking_itself,
            "may": may,
            "smol": smol,
            "monoio": monoio,
            "Go": go by Go,
            "Boost.Fiber": fiber by Fiber,
            "gevent": gevent by Gevent,
            "threads": threads,
        ],
    }]
}

/// `sync::Lock` and `yield_now`.
fn greenhub(operations: u64) -> Duration {
    let shared = Rc::new((Lock::new(), Cell::new(0)));
    let holders: Vec<_> = (0..HOLDERS)
        .map(|_| {
            let shared = shared.clone();
            greenhub::spawn(move || {
                let (lock, count) = &*shared;
                for _ in 0..operations / HOLDERS {
                    let _held = lock.lock().expect("it does not unwind");
                    let before = count.get();
                    greenhub::yield_now();
                    count.set(before + 1);
                }
            })
        })
        .collect();
    let start = Instant::now();
    greenhub::joinall(&holders);
    let spent = start.elapsed();
    assert_eq!(shared.1.get(), operations, "one at a time");
    spent
}

/// `sync::Mutex` and `task::yield_now`, which has the drivers looked at before the holder goes on.
fn tokio(operations: u64) -> Duration {
    tokio_by(operations, tokio::task::yield_now)
}

/// `sync::Mutex`, and a future that wakes its own task and is pending once.
fn tokio_waking_itself(operations: u64) -> Duration {
    tokio_by(operations, wake_self)
}

fn tokio_by<Y: Future<Output = ()> + Send + 'static>(
    operations: u64,
    yield_now: fn() -> Y,
) -> Duration {
    on_tokio(async move {
        let lock = Arc::new(tokio::sync::Mutex::new(0));
        let holders: Vec<_> = (0..HOLDERS)
            .map(|_| {
                let lock = lock.clone();
                tokio::spawn(async move {
                    for _ in 0..operations / HOLDERS {
                        let mut count = lock.lock().await;
                        let before = *count;
                        yield_now().await;
                        *count = before + 1;
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for holder in holders {
            holder.await.expect("it does not panic");
        }
        let spent = start.elapsed();
        assert_eq!(*lock.lock().await, operations, "one at a time");
        spent
    })
}

/// `sync::Mutex` and `coroutine::yield_now`.
fn may(operations: u64) -> Duration {
    on_may(move || {
        let lock = Arc::new(may::sync::Mutex::new(0));
        let holders: Vec<_> = (0..HOLDERS)
            .map(|_| {
                let lock = lock.clone();
                may::go!(move || {
                    for _ in 0..operations / HOLDERS {
                        let mut count = lock.lock().expect("nobody panicked");
                        let before = *count;
                        may::coroutine::yield_now();
                        *count = before + 1;
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for holder in holders {
            holder.join().expect("it does not panic");
        }
        let spent = start.elapsed();
        assert_eq!(*lock.lock().expect("nobody panicked"), operations, "one at a time");
        spent
    })
}

/// `lock::Mutex` and `future::yield_now`.
fn smol(operations: u64) -> Duration {
    Smol::run(async move {
        let lock = Rc::new(smol::lock::Mutex::new(0));
        let holders: Vec<_> = (0..HOLDERS)
            .map(|_| {
                let lock = lock.clone();
                Smol::spawn(async move {
                    for _ in 0..operations / HOLDERS {
                        let mut count = lock.lock().await;
                        let before = *count;
                        smol::future::yield_now().await;
                        *count = before + 1;
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for holder in holders {
            holder.await;
        }
        let spent = start.elapsed();
        assert_eq!(*lock.lock().await, operations, "one at a time");
        spent
    })
}

/// `local_sync::semaphore::Semaphore` of one, as there is no mutex, and a future that wakes its own
/// task and is pending once; `LegacyDriver`.
fn monoio(operations: u64) -> Duration {
    OnEpoll::run(async move {
        let shared = Rc::new((local_sync::semaphore::Semaphore::new(1), Cell::new(0)));
        let holders: Vec<_> = (0..HOLDERS)
            .map(|_| {
                let shared = shared.clone();
                OnEpoll::spawn(async move {
                    let (lock, count) = &*shared;
                    for _ in 0..operations / HOLDERS {
                        let _held = lock.acquire().await.expect("it is open");
                        let before = count.get();
                        wake_self().await;
                        count.set(before + 1);
                    }
                })
            })
            .collect();
        let start = Instant::now();
        for holder in holders {
            holder.await;
        }
        let spent = start.elapsed();
        assert_eq!(shared.1.get(), operations, "one at a time");
        spent
    })
}

/// `sync::Mutex` and `thread::yield_now` in 100 OS threads, on all cores; it is not fair: who
/// releases it mostly has it again.
fn threads(operations: u64) -> Duration {
    let lock = Arc::new(Mutex::new(0));
    let start = Instant::now();
    let holders: Vec<_> = (0..HOLDERS)
        .map(|_| {
            let lock = lock.clone();
            thread::spawn(move || {
                for _ in 0..operations / HOLDERS {
                    let mut count = lock.lock().expect("nobody panicked");
                    let before = *count;
                    thread::yield_now();
                    *count = before + 1;
                }
            })
        })
        .collect();
    for holder in holders {
        holder.join().expect("it does not panic");
    }
    let spent = start.elapsed();
    assert_eq!(*lock.lock().expect("nobody panicked"), operations, "one at a time");
    spent
}

/// `sync.Mutex` and `runtime.Gosched`; GOMAXPROCS is 1. It is fair only to who has waited 1 ms.
fn go(operations: u64) -> Figures {
    Program::Go.run("lock", &[operations, HOLDERS])
}

/// `fibers::mutex` and `this_fiber::yield`.
fn fiber(operations: u64) -> Figures {
    Program::Fiber.run("lock", &[operations, HOLDERS])
}

/// `gevent.lock.BoundedSemaphore(1)` and `gevent.sleep(0)`, with a tenth of the operations.
fn gevent(operations: u64) -> Figures {
    Program::Gevent.run("lock", &[operations / 10, HOLDERS])
}

//! Many sleep, each for 1 to 1,000 ms, as long as no other near it.

use std::thread;
use std::time::{Duration, Instant};

use crate::fresh::{most_resident, processor_ms, resident};
use crate::peers::{Local, OnEpoll, Smol, on_may_with_stacks, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Peer, Workload, peers};

const FIGURES: &[&str] =
    &["wall, ms for all of them", "processor, ms for all of them", "resident at most, MiB for all"];

pub(crate) fn workloads() -> Vec<Workload> {
    let workload = |name, what, operations, rounds, peers| Workload {
        name,
        what,
        operation: "one of them",
        operations,
        source: include_str!("sleepers.rs"),
        kind: Kind::Fresh { figures: FIGURES, rounds },
        peers,
    };
    vec![
        workload("sleepers_10000", "10,000 sleep for 1 to 1,000 ms", 10_000, 7, few()),
        workload("sleepers_100000", "100,000 sleep for 1 to 1,000 ms", 100_000, 5, many()),
        workload("sleepers_1000000", "a million sleep for 1 to 1,000 ms", 1_000_000, 3, many()),
    ]
}

fn few() -> Vec<Peer> {
    let mut peers = many();
    // More of their stacks than that, and there are too many mappings.
    peers.extend(peers!["may": may, "threads": threads]);
    peers
}

fn many() -> Vec<Peer> {
    peers![
        "greenhub": greenhub,
        "tokio": tokio,
        "smol": smol,
        "monoio": monoio,
        "Go": go by Go,
        "Boost.Fiber": fiber by Fiber,
        "gevent": gevent by Gevent,
    ]
}

/// How long the one of that number sleeps.
fn limit(n: u64) -> Duration {
    Duration::from_millis(1 + n * 7919 % 1000)
}

/// What was taken since the start, for the figures.
struct Bill {
    start: Instant,
    processor: f64,
    resident: f64,
}

impl Bill {
    fn open() -> Bill {
        Bill { processor: processor_ms(), resident: resident(), start: Instant::now() }
    }

    fn close(self) -> [f64; 3] {
        let wall = self.start.elapsed().as_secs_f64() * 1000.0;
        let resident = (most_resident() - self.resident).max(0.0) / (1024.0 * 1024.0);
        [wall, processor_ms() - self.processor, resident]
    }
}

/// `sleep`, and `joinall`.
fn greenhub(count: u64) -> [f64; 3] {
    let bill = Bill::open();
    let greenlets: Vec<_> =
        (0..count).map(|n| greenhub::spawn(move || greenhub::sleep(limit(n)))).collect();
    greenhub::joinall(&greenlets);
    bill.close()
}

/// `time::sleep`, and `.await` of each handle.
fn tokio(count: u64) -> [f64; 3] {
    on_tokio(async move {
        let bill = Bill::open();
        let tasks: Vec<_> =
            (0..count).map(|n| tokio::spawn(tokio::time::sleep(limit(n)))).collect();
        for task in tasks {
            task.await.expect("it does not panic");
        }
        bill.close()
    })
}

/// `Timer::after`, and `.await` of each task.
fn smol(count: u64) -> [f64; 3] {
    local::<Smol>(count)
}

/// `time::sleep`, and `.await` of each handle; `LegacyDriver`.
fn monoio(count: u64) -> [f64; 3] {
    local::<OnEpoll>(count)
}

fn local<L: Local>(count: u64) -> [f64; 3] {
    L::run(async move {
        let bill = Bill::open();
        let tasks: Vec<_> = (0..count).map(|n| L::spawn(L::sleep(limit(n)))).collect();
        for task in tasks {
            task.await;
        }
        bill.close()
    })
}

/// `coroutine::sleep`, and `join`; stacks of 32 KiB, the default, all made first. A second thread
/// keeps its timers.
fn may(count: u64) -> [f64; 3] {
    let bill = Bill::open();
    let stacks = usize::try_from(count).expect("they fit in memory");
    on_may_with_stacks(stacks + 1, move || {
        let coroutines: Vec<_> =
            (0..count).map(|n| may::go!(move || may::coroutine::sleep(limit(n)))).collect();
        for coroutine in coroutines {
            coroutine.join().expect("it does not panic");
        }
        bill.close()
    })
}

/// OS threads with stacks of 64 KiB, `thread::sleep`, and `join`; all cores.
fn threads(count: u64) -> [f64; 3] {
    let bill = Bill::open();
    let threads: Vec<_> = (0..count)
        .map(|n| {
            let thread = thread::Builder::new().stack_size(64 * 1024);
            thread.spawn(move || thread::sleep(limit(n))).expect("there are threads")
        })
        .collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    bill.close()
}

/// `time.Sleep`, and a `sync.WaitGroup`; GOMAXPROCS is 1.
fn go(count: u64) -> Figures {
    Program::Go.run("sleepers", &[count])
}

/// `this_fiber::sleep_for`, and `join`; `fixedsize_stack` of 16 KiB, without a guard.
fn fiber(count: u64) -> Figures {
    Program::Fiber.run("sleepers", &[count])
}

/// `gevent.sleep`, and `gevent.joinall`.
fn gevent(count: u64) -> Figures {
    Program::Gevent.run("sleepers", &[count])
}

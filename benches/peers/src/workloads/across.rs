//! One wakes another that runs in another thread.
//!
//! Two hand a message to and fro. It has the time at which it was sent, and who gets it there looks
//! how long ago that is. Before it sends, the first computes for 20 µs, without a sleep, so that the
//! other has come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::queue::Queue;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;

use crate::rounds::{Kind, Peer, Workload, peers};

const FIGURES: &[&str] = &["median, ns from wake to run", "99th percentile, ns from wake to run"];

const PAUSE: Duration = Duration::from_micros(20);

pub(crate) fn workloads() -> Vec<Workload> {
    let workload = |name, what, peers| Workload {
        name,
        what,
        operation: "a wake",
        operations: 20_000,
        source: include_str!("across.rs"),
        kind: Kind::Fresh { figures: FIGURES, rounds: 11 },
        peers,
    };
    vec![
        workload(
            "across_asleep",
            "a wake from one thread to another, where nobody else is ready",
            all(false),
        ),
        workload(
            "across_busy",
            "a wake from one thread to another, where one yields all the time",
            all(true),
        ),
    ]
}

fn all(busy: bool) -> Vec<Peer> {
    peers![
        "greenhub": greenhub(busy),
        "tokio, two workers": tokio_workers(busy),
        "tokio, a runtime in each thread": tokio_each(busy),
        "threads": threads(busy),
    ]
}

fn pause() {
    let start = Instant::now();
    while start.elapsed() < PAUSE {
        std::hint::spin_loop();
    }
}

/// The median and the 99th percentile, in ns.
fn percentiles(mut waits: Vec<Duration>, wakes: u64) -> [f64; 2] {
    assert_eq!(waits.len() as u64, wakes, "each wake was seen once");
    waits.sort_unstable();
    let at = |percent: usize| waits[waits.len() * percent / 100].as_secs_f64() * 1e9;
    [at(50), at(99)]
}

/// `queue::Queue` from the hub of one thread to that of another, and back.
fn greenhub(wakes: u64, busy: bool) -> [f64; 2] {
    let there = Arc::new(Queue::<Instant>::new());
    let back = Arc::new(Queue::new());
    let (hears, answers) = (there.clone(), back.clone());
    let target = thread::spawn(move || {
        let spinner = busy.then(|| {
            greenhub::spawn(|| {
                loop {
                    greenhub::yield_now();
                }
            })
        });
        let waiter = greenhub::spawn(move || {
            let mut waits = Vec::new();
            for sent in hears.iter() {
                waits.push(sent.elapsed());
                answers.put(()).expect("it is open");
            }
            waits
        });
        let waits = waiter.join().expect("it does not panic");
        if let Some(spinner) = spinner {
            spinner.start_kill();
        }
        waits
    });
    let asker = greenhub::spawn(move || {
        for _ in 0..wakes {
            pause();
            there.put(Instant::now()).expect("it is open");
            back.get().expect("it is open");
        }
        there.shutdown();
    });
    asker.join().expect("it does not panic");
    percentiles(target.join().expect("it does not panic"), wakes)
}

/// `sync::mpsc::unbounded_channel` from the future of `block_on`, which is in a thread of its own, to
/// a task of a multi-thread runtime of two workers, and back. A wake from a worker would run the
/// task on that worker. Where the target is busy, each worker has a task that yields.
fn tokio_workers(wakes: u64, busy: bool) -> [f64; 2] {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("there are descriptors left");
    let (there, mut hears) = unbounded_channel::<Instant>();
    let (answers, mut back) = unbounded_channel();
    if busy {
        (0..2).for_each(|_| drop(runtime.spawn(tokio_spinner())));
    }
    let target = runtime.spawn(async move {
        let mut waits = Vec::new();
        while let Some(sent) = hears.recv().await {
            waits.push(sent.elapsed());
            answers.send(()).expect("it is heard");
        }
        waits
    });
    let waits = runtime.block_on(async move {
        for _ in 0..wakes {
            pause();
            there.send(Instant::now()).expect("it is heard");
            back.recv().await.expect("it is answered");
        }
        drop(there);
        target.await.expect("it does not panic")
    });
    runtime.shutdown_background();
    percentiles(waits, wakes)
}

/// The same between two threads, each with a current-thread runtime.
fn tokio_each(wakes: u64, busy: bool) -> [f64; 2] {
    let runtime =
        || -> Runtime { Builder::new_current_thread().enable_all().build().expect("descriptors") };
    let (there, mut hears) = unbounded_channel::<Instant>();
    let (answers, mut back) = unbounded_channel();
    let target = thread::spawn(move || {
        let runtime = runtime();
        if busy {
            drop(runtime.spawn(tokio_spinner()));
        }
        let waiter = runtime.spawn(async move {
            let mut waits = Vec::new();
            while let Some(sent) = hears.recv().await {
                waits.push(sent.elapsed());
                answers.send(()).expect("it is heard");
            }
            waits
        });
        runtime.block_on(waiter).expect("it does not panic")
    });
    let runtime = runtime();
    let asker = runtime.spawn(async move {
        for _ in 0..wakes {
            pause();
            there.send(Instant::now()).expect("it is heard");
            back.recv().await.expect("it is answered");
        }
    });
    runtime.block_on(asker).expect("it does not panic");
    percentiles(target.join().expect("it does not panic"), wakes)
}

async fn tokio_spinner() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// `sync::mpsc::channel` between two OS threads. A thread has nobody in it who could be busy: there
/// it asks with `try_recv`, and calls `thread::yield_now`, in turns.
fn threads(wakes: u64, busy: bool) -> [f64; 2] {
    let (there, hears) = channel::<Instant>();
    let (answers, back) = channel();
    let done = Arc::new(AtomicBool::new(false));
    let is_done = done.clone();
    let target = thread::spawn(move || {
        let mut waits = Vec::new();
        while !is_done.load(Ordering::Relaxed) {
            let sent = if busy { hears.try_recv().ok() } else { hears.recv().ok() };
            if let Some(sent) = sent {
                waits.push(sent.elapsed());
                answers.send(()).expect("it is heard");
            } else {
                thread::yield_now();
            }
        }
        waits
    });
    for _ in 0..wakes {
        pause();
        there.send(Instant::now()).expect("it is heard");
        back.recv().expect("it is answered");
    }
    done.store(true, Ordering::Relaxed);
    drop(there);
    percentiles(target.join().expect("it does not panic"), wakes)
}

//! One produces, one consumes, and between them is room for 128.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::queue::Queue;
use may::sync::Semphore;

use crate::peers::{Local, OnEpoll, Smol, on_may, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

const ROOM: usize = 128;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "stream",
        what: "one produces and one consumes, with room for 128 items of one word",
        operation: "an item",
        operations: 1_000_000,
        source: include_str!("stream.rs"),
        kind: Kind::Timed,
        peers: peers![
            "greenhub": greenhub,
            "tokio": tokio,
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

/// Looks whether an item is the one that must come next.
fn check(item: usize, next: &mut usize) {
    assert_eq!(item, *next, "the items come in order");
    *next += 1;
}

fn count(operations: u64) -> usize {
    usize::try_from(operations).expect("a count fits in memory")
}

/// `queue::Queue::bounded(128)`, and iteration.
fn greenhub(operations: u64) -> Duration {
    let queue = Rc::new(Queue::bounded(ROOM));
    let items = queue.clone();
    let producer = greenhub::spawn(move || {
        for item in 0..count(operations) {
            queue.put(item).expect("it is open");
        }
        queue.shutdown();
    });
    let consumer = greenhub::spawn(move || {
        let mut next = 0;
        items.iter().for_each(|item| check(item, &mut next));
        next
    });
    let start = Instant::now();
    let consumed = consumer.join();
    let spent = start.elapsed();
    producer.join().expect("it has produced");
    assert_eq!(consumed.expect("it has consumed"), count(operations));
    spent
}

/// `sync::mpsc::channel(128)`, `send` and `recv`.
fn tokio(operations: u64) -> Duration {
    on_tokio(async move {
        let (queue, mut items) = tokio::sync::mpsc::channel(ROOM);
        let producer = tokio::spawn(async move {
            for item in 0..count(operations) {
                queue.send(item).await.expect("the consumer hears");
            }
        });
        let consumer = tokio::spawn(async move {
            let mut next = 0;
            while let Some(item) = items.recv().await {
                check(item, &mut next);
            }
            next
        });
        let start = Instant::now();
        let consumed = consumer.await;
        let spent = start.elapsed();
        producer.await.expect("it has produced");
        assert_eq!(consumed.expect("it has consumed"), count(operations));
        spent
    })
}

/// `sync::spsc::channel`, which is unbounded as all of may's channels are, beside a
/// `sync::Semphore` of 128: who produces waits for it, who consumes posts to it.
fn may(operations: u64) -> Duration {
    on_may(move || {
        let room = Arc::new(Semphore::new(ROOM));
        let freed = room.clone();
        let (queue, items) = may::sync::spsc::channel();
        let producer = may::go!(move || {
            for item in 0..count(operations) {
                room.wait();
                queue.send(item).expect("the consumer hears");
            }
        });
        let consumer = may::go!(move || {
            let mut next = 0;
            while let Ok(item) = items.recv() {
                freed.post();
                check(item, &mut next);
            }
            next
        });
        let start = Instant::now();
        let consumed = consumer.join();
        let spent = start.elapsed();
        producer.join().expect("it has produced");
        assert_eq!(consumed.expect("it has consumed"), count(operations));
        spent
    })
}

/// `channel::bounded(128)`, `send` and `recv`.
fn smol(operations: u64) -> Duration {
    Smol::run(async move {
        let (queue, items) = smol::channel::bounded(ROOM);
        let producer = Smol::spawn(async move {
            for item in 0..count(operations) {
                queue.send(item).await.expect("the consumer hears");
            }
        });
        let consumer = Smol::spawn(async move {
            let mut next = 0;
            while let Ok(item) = items.recv().await {
                check(item, &mut next);
            }
            next
        });
        let start = Instant::now();
        let consumed = consumer.await;
        let spent = start.elapsed();
        producer.await;
        assert_eq!(consumed, count(operations));
        spent
    })
}

/// `local_sync::mpsc::bounded::channel(128)`, `send` and `recv`; `LegacyDriver`.
fn monoio(operations: u64) -> Duration {
    OnEpoll::run(async move {
        let (queue, mut items) = local_sync::mpsc::bounded::channel(ROOM);
        let producer = OnEpoll::spawn(async move {
            for item in 0..count(operations) {
                queue.send(item).await.expect("the consumer hears");
            }
        });
        let consumer = OnEpoll::spawn(async move {
            let mut next = 0;
            while let Some(item) = items.recv().await {
                check(item, &mut next);
            }
            next
        });
        let start = Instant::now();
        let consumed = consumer.await;
        let spent = start.elapsed();
        producer.await;
        assert_eq!(consumed, count(operations));
        spent
    })
}

/// `mpsc::sync_channel(128)` between two OS threads, on as many cores as there are.
fn threads(operations: u64) -> Duration {
    let (queue, items) = sync_channel(ROOM);
    let start = Instant::now();
    let producer = thread::spawn(move || {
        for item in 0..count(operations) {
            queue.send(item).expect("the consumer hears");
        }
    });
    let mut next = 0;
    items.iter().for_each(|item| check(item, &mut next));
    let spent = start.elapsed();
    producer.join().expect("it has produced");
    assert_eq!(next, count(operations));
    spent
}

/// A channel of 128, closed at the end; GOMAXPROCS is 1.
fn go(operations: u64) -> Figures {
    Program::Go.run("stream", &[operations, 128])
}

/// `buffered_channel` of 128, which has room for one less: it takes only powers of two.
fn fiber(operations: u64) -> Figures {
    Program::Fiber.run("stream", &[operations, 128])
}

/// `gevent.queue.Queue(128)`, with a tenth of the operations.
fn gevent(operations: u64) -> Figures {
    Program::Gevent.run("stream", &[operations / 10, 128])
}

//! One produces, one consumes, and between them is room for 128.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use greenhub::queue::Queue;
use may::sync::Semphore;

use crate::peers::{on_may, on_tokio};
use crate::rounds::{Workload, peers};

const ROOM: usize = 128;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "stream",
        what: "one produces and one consumes, with room for 128 items of one word",
        operation: "an item",
        operations: 1_000_000,
        source: include_str!("stream.rs"),
        peers: peers!["greenhub": greenhub, "tokio": tokio, "may": may],
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

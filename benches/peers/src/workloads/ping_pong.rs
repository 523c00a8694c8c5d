//! Two hand a number to and fro.

use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::queue::{Channel, Queue};

use crate::peers::{on_may, on_tokio};
use crate::rounds::{Workload, peers};

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "ping_pong",
        what: "two hand a number to and fro",
        operation: "a round trip",
        operations: 200_000,
        source: include_str!("ping_pong.rs"),
        peers: peers![
            "greenhub": greenhub,
            "greenhub, room for one": greenhub_with_room,
            "tokio, room for one": tokio,
            "may, unbounded": may,
        ],
    }]
}

/// `queue::Channel`, which has no room: to put is over when the item has been taken.
fn greenhub(operations: u64) -> Duration {
    let (there, back) = (Rc::new(Channel::new()), Rc::new(Channel::new()));
    let (hears, answers) = (there.clone(), back.clone());
    let partner = greenhub::spawn(move || {
        for _ in 0..operations {
            let number: u64 = hears.get().expect("it is open");
            answers.put(number + 1).expect("it is open");
        }
    });
    let asker = greenhub::spawn(move || {
        let mut number = 0;
        for _ in 0..operations {
            there.put(number).expect("it is open");
            number = back.get().expect("it is open");
        }
        number
    });
    let start = Instant::now();
    let number = asker.join();
    let spent = start.elapsed();
    partner.join().expect("it has answered");
    assert_eq!(number.expect("it has heard"), operations);
    spent
}

/// `queue::Queue::bounded(1)` there and back: to put is over when there is room, as with tokio's.
fn greenhub_with_room(operations: u64) -> Duration {
    let (there, back) = (Rc::new(Queue::bounded(1)), Rc::new(Queue::bounded(1)));
    let (hears, answers) = (there.clone(), back.clone());
    let partner = greenhub::spawn(move || {
        for _ in 0..operations {
            let number: u64 = hears.get().expect("it is open");
            answers.put(number + 1).expect("it is open");
        }
    });
    let asker = greenhub::spawn(move || {
        let mut number = 0;
        for _ in 0..operations {
            there.put(number).expect("it is open");
            number = back.get().expect("it is open");
        }
        number
    });
    let start = Instant::now();
    let number = asker.join();
    let spent = start.elapsed();
    partner.join().expect("it has answered");
    assert_eq!(number.expect("it has heard"), operations);
    spent
}

/// `sync::mpsc::channel(1)` there and back: tokio has no channel without room, and this is its
/// smallest.
fn tokio(operations: u64) -> Duration {
    on_tokio(async move {
        let (there, mut hears) = tokio::sync::mpsc::channel::<u64>(1);
        let (answers, mut back) = tokio::sync::mpsc::channel::<u64>(1);
        let partner = tokio::spawn(async move {
            while let Some(number) = hears.recv().await {
                answers.send(number + 1).await.expect("the asker hears");
            }
        });
        let asker = tokio::spawn(async move {
            let mut number = 0;
            for _ in 0..operations {
                there.send(number).await.expect("the partner hears");
                number = back.recv().await.expect("the partner answers");
            }
            number
        });
        let start = Instant::now();
        let number = asker.await;
        let spent = start.elapsed();
        partner.await.expect("it has answered");
        assert_eq!(number.expect("it has heard"), operations);
        spent
    })
}

/// `sync::spsc::channel` there and back, which is unbounded: may has no channel without room, nor
/// one with a bound, and this is the fastest of those it has.
fn may(operations: u64) -> Duration {
    on_may(move || {
        let (there, hears) = may::sync::spsc::channel::<u64>();
        let (answers, back) = may::sync::spsc::channel::<u64>();
        let partner = may::go!(move || {
            while let Ok(number) = hears.recv() {
                answers.send(number + 1).expect("the asker hears");
            }
        });
        let asker = may::go!(move || {
            let mut number = 0;
            for _ in 0..operations {
                there.send(number).expect("the partner hears");
                number = back.recv().expect("the partner answers");
            }
            number
        });
        let start = Instant::now();
        let number = asker.join();
        let spent = start.elapsed();
        partner.join().expect("it has answered");
        assert_eq!(number.expect("it has heard"), operations);
        spent
    })
}

//! Two hand a number to and fro.

use std::rc::Rc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::queue::{Channel, Queue};

use crate::peers::{Local, OnEpoll, Smol, on_may, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Measured, Workload, peers};

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "ping_pong",
        what: "two hand a number to and fro",
        operation: "a round trip",
        operations: 200_000,
        source: include_str!("ping_pong.rs"),
        kind: Kind::Timed,
        peers: peers![
            "greenhub": greenhub,
            "greenhub, no room": greenhub_without_room,
            "tokio, room for one": tokio,
            "may, unbounded": may,
            "smol, room for one": smol,
            "monoio, room for one": monoio,
            "Go": go by Go,
            "Boost.Fiber": fiber by Fiber,
            "gevent, room for one": gevent by Gevent,
            "threads": threads,
        ],
    }]
}

/// `queue::Channel`, which has no room: to put is over when the item has been taken, as in Go's and
/// Boost.Fiber's.
fn greenhub_without_room(operations: u64) -> Duration {
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
fn greenhub(operations: u64) -> Duration {
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

/// `channel::bounded(1)` there and back, as with tokio's.
fn smol(operations: u64) -> Duration {
    Smol::run(async move {
        let (there, hears) = smol::channel::bounded::<u64>(1);
        let (answers, back) = smol::channel::bounded::<u64>(1);
        let partner = Smol::spawn(async move {
            while let Ok(number) = hears.recv().await {
                answers.send(number + 1).await.expect("the asker hears");
            }
        });
        let asker = Smol::spawn(async move {
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
        partner.await;
        assert_eq!(number, operations);
        spent
    })
}

/// `local_sync::mpsc::bounded::channel(1)` there and back: monoio leaves channels to that crate.
fn monoio(operations: u64) -> Duration {
    use local_sync::mpsc::bounded::channel;
    OnEpoll::run(async move {
        let (there, mut hears) = channel::<u64>(1);
        let (answers, mut back) = channel::<u64>(1);
        let partner = OnEpoll::spawn(async move {
            while let Some(number) = hears.recv().await {
                answers.send(number + 1).await.expect("the asker hears");
            }
        });
        let asker = OnEpoll::spawn(async move {
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
        partner.await;
        assert_eq!(number, operations);
        spent
    })
}

/// `mpsc::sync_channel(0)` there and back between two OS threads, with a tenth of the operations.
fn threads(operations: u64) -> Figures {
    let rounds = operations / 10;
    let (there, hears) = sync_channel::<u64>(0);
    let (answers, back) = sync_channel::<u64>(0);
    let partner = thread::spawn(move || {
        for number in hears {
            answers.send(number + 1).expect("the asker hears");
        }
    });
    let start = Instant::now();
    let mut number = 0;
    for _ in 0..rounds {
        there.send(number).expect("the partner hears");
        number = back.recv().expect("the partner answers");
    }
    let spent = start.elapsed();
    drop(there);
    partner.join().expect("it has answered");
    assert_eq!(number, rounds);
    spent.figures(rounds)
}

/// Channels without room; GOMAXPROCS is 1.
fn go(operations: u64) -> Figures {
    Program::Go.run("ping_pong", &[operations])
}

/// `unbuffered_channel`.
fn fiber(operations: u64) -> Figures {
    Program::Fiber.run("ping_pong", &[operations])
}

/// Two of `gevent.queue.Queue(1)`.
fn gevent(operations: u64) -> Figures {
    Program::Gevent.run("ping_pong", &[operations])
}

//! Everything at once, between threads, with kills and limits; and then a count.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use greenhub::queue::{Channel, PriorityQueue, Queue};
use greenhub::{Greenlet, Select, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis};

/// Counts its life.
struct Item(u64, &'static AtomicUsize);

impl Item {
    fn new(n: u64, live: &'static AtomicUsize) -> Item {
        live.fetch_add(1, Ordering::Relaxed);
        Item(n, live)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

macro_rules! crowd {
    ($name:ident, $queue:ty, $new:expr) => {
        #[test]
        fn $name() {
            static A: $queue = $new;
            static B: $queue = $new;
            static LIVE: AtomicUsize = AtomicUsize::new(0);
            static PUT: AtomicU64 = AtomicU64::new(0);
            static PUT_SUM: AtomicU64 = AtomicU64::new(0);
            static GOT: AtomicU64 = AtomicU64::new(0);
            static GOT_SUM: AtomicU64 = AtomicU64::new(0);

            fn got(item: Item) {
                GOT.fetch_add(1, Ordering::Relaxed);
                GOT_SUM.fetch_add(item.0, Ordering::Relaxed);
            }
            fn put(n: u64) {
                PUT.fetch_add(1, Ordering::Relaxed);
                PUT_SUM.fetch_add(n, Ordering::Relaxed);
            }
            fn one(mut seed: u64, n: u64) {
                for step in 0..20u64 {
                    let n = n * 100 + step;
                    let r = random(&mut seed);
                    let (a, b) = if r & 1 == 0 { (&A, &B) } else { (&B, &A) };
                    let limit = std::time::Duration::from_micros((r >> 32) % 300);
                    match (r >> 8) % 8 {
                        0 | 1 => {
                            if let Ok(item) = a.get_for(limit) {
                                got(item);
                            }
                        }
                        2 | 3 => {
                            if a.put_for(Item::new(n, &LIVE), limit).is_ok() {
                                put(n);
                            }
                        }
                        4 => {
                            let mut slot = Some(Item::new(n, &LIVE));
                            Select::new()
                                .get(a, |item| item.map(got).unwrap())
                                .put(b, &mut slot, |done| {
                                    done.unwrap();
                                    put(n);
                                })
                                .after(limit, || ())
                                .run()
                                .unwrap();
                        }
                        5 => {
                            let mut slot = Some(Item::new(n, &LIVE));
                            Select::new()
                                .get(a, |item| item.map(got).unwrap())
                                .put(a, &mut slot, |done| {
                                    done.unwrap();
                                    put(n);
                                })
                                .get(b, |item| item.map(got).unwrap())
                                .after(limit, || ())
                                .run()
                                .unwrap();
                        }
                        6 => {
                            let _ = with_timeout(limit, || {
                                if let Ok(item) = a.get() {
                                    got(item);
                                }
                            });
                        }
                        _ => {
                            let _ = greenhub::wait([a, b], Some(limit), Some(1));
                            if let Ok(item) = a.try_get() {
                                got(item);
                            }
                        }
                    }
                }
            }
            bounded(|| {
                let threads: Vec<_> = (0..4u64)
                    .map(|t| {
                        thread::spawn(move || {
                            let mut seed = 0x9E37_79B9_7F4A_7C15 ^ (t + 1) * 7919;
                            for round in 0..(if cfg!(debug_assertions) { 60 } else { 400 }) {
                                let parts: Vec<Greenlet<()>> = (0..16)
                                    .map(|g| {
                                        let seed = random(&mut seed);
                                        let n = (t * 1_000_000 + round) * 100 + g;
                                        spawn(move || one(seed, n))
                                    })
                                    .collect();
                                // Getters only are killed: a put whose putter is killed may be either.
                                let victims: Vec<_> = (0..6)
                                    .map(|v| {
                                        spawn(move || {
                                            if v % 2 == 0 {
                                                while let Ok(item) = A.get() {
                                                    got(item);
                                                }
                                            } else {
                                                loop {
                                                    Select::new()
                                                        .get(&A, |i| i.map(got).unwrap())
                                                        .get(&B, |i| i.map(got).unwrap())
                                                        .run()
                                                        .unwrap();
                                                }
                                            }
                                        })
                                    })
                                    .collect();
                                yield_now();
                                victims.iter().for_each(Greenlet::kill);
                                for part in parts {
                                    part.join().unwrap();
                                }
                            }
                        })
                    })
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert_eq!((A.getters(), A.putters(), B.getters(), B.putters()), (0, 0, 0, 0));
                for queue in [&A, &B] {
                    while let Ok(item) = queue.try_get() {
                        got(item);
                    }
                    assert!(queue.get_for(millis(1)).is_err());
                }
                let put = (PUT.load(Ordering::Relaxed), PUT_SUM.load(Ordering::Relaxed));
                let got = (GOT.load(Ordering::Relaxed), GOT_SUM.load(Ordering::Relaxed));
                assert_eq!(put, got);
                assert_eq!(LIVE.load(Ordering::Relaxed), 0, "none is left over");
            });
        }
    };
}

crowd!(a_channel_among_crowds_loses_nothing, Channel<Item>, Channel::new());
crowd!(a_queue_for_one_among_crowds_loses_nothing, Queue<Item>, Queue::bounded(1));
crowd!(a_queue_without_room_among_crowds_loses_nothing, Queue<Item>, Queue::bounded(0));
crowd!(a_queue_among_crowds_loses_nothing, Queue<Item>, Queue::bounded(8));
crowd!(an_unbounded_queue_among_crowds_loses_nothing, Queue<Item>, Queue::new());
crowd!(a_priority_queue_among_crowds_loses_nothing, PriorityQueue<Item>, PriorityQueue::bounded(3));

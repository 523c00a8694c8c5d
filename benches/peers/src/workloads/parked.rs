//! Many wait for an event, which is set for all of them at once.
//!
//! Each is spawned, and waits; is woken by the first of the events, and waits for the next; and is
//! woken by the last of them, and ends.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use event_listener::Event as Listeners;
use greenhub::sync::Event;
use may::sync::SyncFlag;
use tokio::sync::Notify;

use crate::fresh::resident;
use crate::peers::{Count, Floor, Local, OnEpoll, Smol, on_may_with_stacks, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Measured, Peer, Workload, peers};

/// How often all are woken before the end.
const WAKES: u64 = 4;

const FIGURES: &[&str] = &[
    "resident, bytes each",
    "spawn, ns each, until it waits",
    "wake, ns each, until it waits again",
    "end, ns each, woken and joined",
];

pub(crate) fn workloads() -> Vec<Workload> {
    let workload = |name, what, operations, rounds, peers| Workload {
        name,
        what,
        operation: "one of them",
        operations,
        source: include_str!("parked.rs"),
        kind: Kind::Fresh { figures: FIGURES, rounds },
        peers,
    };
    // Each stack of corosensei, may and an OS thread is two mappings, and a process has 65,530.
    vec![
        workload("parked_1000", "1,000 wait for an event", 1_000, 31, few()),
        workload("parked_10000", "10,000 wait for an event", 10_000, 31, few()),
        workload("parked_100000", "100,000 wait for an event", 100_000, 7, many()),
        workload("parked_1000000", "a million wait for an event", 1_000_000, 3, many()),
    ]
}

fn few() -> Vec<Peer> {
    let mut peers = many();
    peers.extend(peers!["may": may, "threads": threads, "corosensei, the floor": corosensei]);
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

/// The times that a peer has taken.
struct Taken {
    resident: f64,
    spawn: Duration,
    wake: Duration,
    end: Duration,
}

impl Measured for Taken {
    #[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
    fn figures(self, count: u64) -> Figures {
        let count = count as f64;
        let each = |spent: Duration| spent.as_secs_f64() * 1e9 / count;
        #[expect(clippy::cast_possible_truncation, reason = "it is a small number")]
        let wake = each(self.wake / WAKES as u32);
        Ok(vec![self.resident / count, each(self.spawn), wake, each(self.end)])
    }
}

/// Tells the time between the events.
struct Watch {
    before: f64,
    start: Instant,
    resident: f64,
    laps: Vec<Duration>,
}

impl Watch {
    fn start() -> Watch {
        Watch { before: resident(), start: Instant::now(), resident: 0.0, laps: Vec::new() }
    }

    /// All have come to wait, or have ended.
    fn lap(&mut self) {
        self.laps.push(self.start.elapsed());
        if self.laps.len() == 1 {
            self.resident = (resident() - self.before).max(0.0);
        }
        self.start = Instant::now();
    }

    fn stop(self) -> Taken {
        let [spawn, wakes @ .., end] = &self.laps[..] else { panic!("there are laps") };
        assert_eq!(wakes.len() as u64, WAKES);
        Taken { resident: self.resident, spawn: *spawn, wake: wakes.iter().sum(), end: *end }
    }
}

/// `sync::Event` for all, and for main: it waits until the last of them has come.
fn greenhub(count: u64) -> Taken {
    let events = || (0..=WAKES).map(|_| Event::new()).collect::<Vec<_>>();
    let shared = Rc::new((events(), events(), Count::default()));
    let mut watch = Watch::start();
    let greenlets: Vec<_> = (0..count)
        .map(|_| {
            let shared = shared.clone();
            greenhub::spawn(move || {
                let (gates, full, here) = &*shared;
                for (gate, full) in gates.iter().zip(full) {
                    here.add_one();
                    if here.get().is_multiple_of(count) {
                        full.set();
                    }
                    gate.wait().expect("it is set");
                }
            })
        })
        .collect();
    let (gates, full, _) = &*shared;
    for (gate, full) in gates.iter().zip(full) {
        full.wait().expect("it is set");
        watch.lap();
        gate.set();
    }
    greenhub::joinall(&greenlets);
    watch.lap();
    watch.stop()
}

/// `sync::Notify`, and `notify_waiters`.
fn tokio(count: u64) -> Taken {
    on_tokio(async move {
        let notifies = || (0..=WAKES).map(|_| Notify::new()).collect::<Vec<_>>();
        let shared = Arc::new((notifies(), notifies(), Count::default()));
        let mut watch = Watch::start();
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let (gates, full, here) = &*shared;
                    for (gate, full) in gates.iter().zip(full) {
                        here.add_one();
                        if here.get().is_multiple_of(count) {
                            full.notify_one();
                        }
                        gate.notified().await;
                    }
                })
            })
            .collect();
        let (gates, full, _) = &*shared;
        for (gate, full) in gates.iter().zip(full) {
            full.notified().await;
            watch.lap();
            gate.notify_waiters();
        }
        for task in tasks {
            task.await.expect("it does not panic");
        }
        watch.lap();
        watch.stop()
    })
}

/// `event_listener::Event`, which smol's own locks are made of, and `notify(usize::MAX)`.
fn smol(count: u64) -> Taken {
    local::<Smol>(count)
}

/// The same `event_listener::Event`, as monoio has no such thing; `LegacyDriver`.
fn monoio(count: u64) -> Taken {
    local::<OnEpoll>(count)
}

fn local<L: Local>(count: u64) -> Taken {
    L::run(async move {
        let events = || (0..=WAKES).map(|_| Listeners::new()).collect::<Vec<_>>();
        let shared = Rc::new((events(), events(), Count::default()));
        let mut watch = Watch::start();
        // Before the last of them can tell it.
        let mut is_full = shared.1[0].listen();
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let shared = shared.clone();
                L::spawn(async move {
                    let (gates, full, here) = &*shared;
                    for (gate, full) in gates.iter().zip(full) {
                        here.add_one();
                        let is_open = gate.listen();
                        if here.get().is_multiple_of(count) {
                            full.notify(1);
                        }
                        is_open.await;
                    }
                })
            })
            .collect();
        let (gates, full, _) = &*shared;
        for (index, gate) in gates.iter().enumerate() {
            is_full.await;
            watch.lap();
            is_full = full[(index + 1).min(full.len() - 1)].listen();
            gate.notify(usize::MAX);
        }
        for task in tasks {
            task.await;
        }
        watch.lap();
        watch.stop()
    })
}

/// `sync::SyncFlag`; stacks of 32 KiB, the default. May makes all of them before it runs anything,
/// which is counted to the first to be spawned.
fn may(count: u64) -> Taken {
    let mut watch = Watch::start();
    let stacks = usize::try_from(count).expect("they fit in memory");
    on_may_with_stacks(stacks + 1, move || {
        let flags = || (0..=WAKES).map(|_| SyncFlag::new()).collect::<Vec<_>>();
        let shared = Arc::new((flags(), flags(), Count::default()));
        let coroutines: Vec<_> = (0..count)
            .map(|_| {
                let shared = shared.clone();
                may::go!(move || {
                    let (gates, full, here) = &*shared;
                    for (gate, full) in gates.iter().zip(full) {
                        here.add_one();
                        if here.get().is_multiple_of(count) {
                            full.fire();
                        }
                        gate.wait();
                    }
                })
            })
            .collect();
        let (gates, full, _) = &*shared;
        for (gate, full) in gates.iter().zip(full) {
            full.wait();
            watch.lap();
            gate.fire();
        }
        for coroutine in coroutines {
            coroutine.join().expect("it does not panic");
        }
        watch.lap();
        watch.stop()
    })
}

/// OS threads with stacks of 64 KiB, `sync::Condvar` and `notify_all`; all cores.
fn threads(count: u64) -> Taken {
    /// How many have come, and how many gates are open.
    type Turnstile = (Mutex<(u64, u64)>, Condvar, Condvar);
    let shared: Arc<Turnstile> = Arc::default();
    let mut watch = Watch::start();
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let shared = shared.clone();
            let body = move || {
                let (state, gate, full) = &*shared;
                for turn in 1..=WAKES + 1 {
                    let mut held = state.lock().expect("nobody panicked");
                    held.0 += 1;
                    if held.0.is_multiple_of(count) {
                        full.notify_one();
                    }
                    drop(gate.wait_while(held, |(_, open)| *open < turn));
                }
            };
            let thread = thread::Builder::new().stack_size(64 * 1024).spawn(body);
            thread.expect("there are threads")
        })
        .collect();
    let (state, gate, full) = &*shared;
    for turn in 1..=WAKES + 1 {
        let held = state.lock().expect("nobody panicked");
        let all_here = full.wait_while(held, |(here, _)| *here < turn * count);
        watch.lap();
        all_here.expect("nobody panicked").1 += 1;
        gate.notify_all();
    }
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    watch.lap();
    watch.stop()
}

/// Coroutines in a queue, each of which suspends itself; to wake all is to resume each.
fn corosensei(count: u64) -> Taken {
    let here = Rc::new(Cell::new(0));
    let mut floor = Floor::default();
    let mut watch = Watch::start();
    for _ in 0..count {
        let here = here.clone();
        floor.spawn(move |pause| {
            for _ in 0..=WAKES {
                here.set(here.get() + 1);
                pause.suspend(());
            }
        });
    }
    for turn in 1..=WAKES + 1 {
        floor.turn();
        assert_eq!(here.get(), turn * count);
        watch.lap();
    }
    floor.run();
    watch.lap();
    watch.stop()
}

/// A channel that is closed, and a `sync.WaitGroup` for the end; GOMAXPROCS is 1. Resident is what
/// the process has grown by, the room of its garbage collector included.
fn go(count: u64) -> Figures {
    Program::Go.run("parked", &[count, WAKES])
}

/// `condition_variable` and `notify_all`; `fixedsize_stack` of 16 KiB, without a guard.
fn fiber(count: u64) -> Figures {
    Program::Fiber.run("parked", &[count, WAKES])
}

/// `gevent.event.Event`.
fn gevent(count: u64) -> Figures {
    Program::Gevent.run("parked", &[count, WAKES])
}

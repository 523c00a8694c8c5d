//! How late one is that is to run each millisecond, beside others.
//!
//! Each tick has its time, counted from the start: who is late for one is not late for all that
//! follow, and has those whose time is over at once. After the last tick the others are left as they are: the process ends.

use std::thread;
use std::time::{Duration, Instant};

use crate::peers::{Local, OnEpoll, Smol, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Peer, Workload, peers};

const FIGURES: &[&str] = &["median, µs late", "99th percentile, µs late"];

const CROWD: u64 = 100_000;

/// How long the others run before the first tick, so that their start is over.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) fn workloads() -> Vec<Workload> {
    let workload = |name, what, peers| Workload {
        name,
        what,
        operation: "a tick",
        operations: 1_000,
        source: include_str!("ticker.rs"),
        kind: Kind::Fresh { figures: FIGURES, rounds: 7 },
        peers,
    };
    vec![
        workload("ticker_yields", "a tick each millisecond, beside one that yields", one_yields()),
        workload(
            "ticker_crowd",
            "a tick each millisecond, beside 100,000 that sleep for 1 to 1,000 ms, again and again",
            crowd(),
        ),
    ]
}

/// Not monoio and may, which look at what is due only when nobody is ready.
fn one_yields() -> Vec<Peer> {
    peers![
        "greenhub": greenhub(0),
        "tokio": tokio(0),
        "smol": smol(0),
        "Go": go(0) by Go,
        "Boost.Fiber": fiber(0) by Fiber,
        "gevent": gevent(0) by Gevent,
        "threads": threads,
    ]
}

/// Not gevent: 200,000 wakes a second are more than it has time for, and it falls behind for ever.
fn crowd() -> Vec<Peer> {
    peers![
        "greenhub": greenhub(CROWD),
        "tokio": tokio(CROWD),
        "smol": smol(CROWD),
        "monoio": monoio(CROWD),
        "Go": go(CROWD) by Go,
        "Boost.Fiber": fiber(CROWD) by Fiber,
    ]
}

/// The ticks, and how late each was.
struct Ticks {
    start: Instant,
    late: Vec<Duration>,
}

impl Ticks {
    fn new() -> Ticks {
        Ticks { start: Instant::now(), late: Vec::new() }
    }

    /// How long it is until the next. Nothing if its time is over: even a sleep of no length would
    /// make some peers later still.
    fn until_next(&self) -> Option<Duration> {
        let pause = self.next().saturating_duration_since(Instant::now());
        (!pause.is_zero()).then_some(pause)
    }

    fn next(&self) -> Instant {
        let count = u32::try_from(self.late.len()).expect("they are few");
        self.start + Duration::from_millis(1) * (count + 1)
    }

    fn tick(&mut self) {
        self.late.push(self.next().elapsed());
    }

    fn percentiles(mut self) -> [f64; 2] {
        self.late.sort_unstable();
        let at = |percent: usize| self.late[self.late.len() * percent / 100];
        [at(50), at(99)].map(|late| late.as_secs_f64() * 1e6)
    }
}

fn limit(n: u64) -> Duration {
    Duration::from_millis(1 + n * 7919 % 1000)
}

/// `sleep` until the time of the next tick; the others call `yield_now` or `sleep`.
fn greenhub(ticks: u64, crowd: u64) -> [f64; 2] {
    let _others: Vec<_> = (0..crowd.max(1))
        .map(|n| {
            greenhub::spawn(move || {
                loop {
                    if crowd == 0 { greenhub::yield_now() } else { greenhub::sleep(limit(n)) }
                }
            })
        })
        .collect();
    greenhub::sleep(SETTLE);
    let ticker = greenhub::spawn(move || {
        let mut times = Ticks::new();
        for _ in 0..ticks {
            if let Some(pause) = times.until_next() {
                greenhub::sleep(pause);
            }
            times.tick();
        }
        times.percentiles()
    });
    ticker.join().expect("it does not panic")
}

/// `time::sleep` until the time of the next tick; the others call `task::yield_now` or
/// `time::sleep`. Its timers are in steps of a millisecond.
fn tokio(ticks: u64, crowd: u64) -> [f64; 2] {
    on_tokio(async move {
        for n in 0..crowd.max(1) {
            tokio::spawn(async move {
                loop {
                    if crowd == 0 {
                        tokio::task::yield_now().await;
                    } else {
                        tokio::time::sleep(limit(n)).await;
                    }
                }
            });
        }
        tokio::time::sleep(SETTLE).await;
        let mut times = Ticks::new();
        for _ in 0..ticks {
            if let Some(pause) = times.until_next() {
                tokio::time::sleep(pause).await;
            }
            times.tick();
        }
        times.percentiles()
    })
}

/// `Timer::after` until the time of the next tick; the others call `future::yield_now` or
/// `Timer::after`.
fn smol(ticks: u64, crowd: u64) -> [f64; 2] {
    local::<Smol>(ticks, crowd)
}

/// `time::sleep`; `LegacyDriver`. Its timers are in steps of a millisecond.
fn monoio(ticks: u64, crowd: u64) -> [f64; 2] {
    local::<OnEpoll>(ticks, crowd)
}

fn local<L: Local>(ticks: u64, crowd: u64) -> [f64; 2] {
    L::run(async move {
        let _others: Vec<_> = (0..crowd.max(1))
            .map(|n| {
                L::spawn(async move {
                    loop {
                        if crowd == 0 {
                            smol::future::yield_now().await;
                        } else {
                            L::sleep(limit(n)).await;
                        }
                    }
                })
            })
            .collect();
        L::sleep(SETTLE).await;
        let mut times = Ticks::new();
        for _ in 0..ticks {
            if let Some(pause) = times.until_next() {
                L::sleep(pause).await;
            }
            times.tick();
        }
        times.percentiles()
    })
}

/// `thread::sleep` beside an OS thread that calls `thread::yield_now`, on all cores.
fn threads(ticks: u64) -> [f64; 2] {
    thread::spawn(|| {
        loop {
            thread::yield_now();
        }
    });
    let mut times = Ticks::new();
    for _ in 0..ticks {
        if let Some(pause) = times.until_next() {
            thread::sleep(pause);
        }
        times.tick();
    }
    times.percentiles()
}

/// `time.Sleep` until the time of the next tick, and `runtime.Gosched`; GOMAXPROCS is 1.
fn go(ticks: u64, crowd: u64) -> Figures {
    Program::Go.run("ticker", &[ticks, crowd])
}

/// `this_fiber::sleep_until` the time of the next tick, and `this_fiber::yield`.
fn fiber(ticks: u64, crowd: u64) -> Figures {
    Program::Fiber.run("ticker", &[ticks, crowd])
}

/// `gevent.sleep` until the time of the next tick, and `gevent.sleep(0)`.
fn gevent(ticks: u64, crowd: u64) -> Figures {
    Program::Gevent.run("ticker", &[ticks, crowd])
}

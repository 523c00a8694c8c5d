//! Greenlets of several hubs, and plain threads, at the same things.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use greenhub::monkey::sync::mpsc::{channel, sync_channel};
use greenhub::monkey::sync::{
    Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, TryLockError,
};
use greenhub::{Greenlet, joinall, sleep, spawn, yield_now};

use crate::support::{bounded, millis};

const TIMES: u32 = if cfg!(debug_assertions) { 1_000 } else { 10_000 };

/// Runs `body` eight times in all: in three greenlets on each of two hubs, and on two plain threads.
fn everywhere(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    bounded(move || {
        let start = Arc::new(std::sync::Barrier::new(4));
        let threads = [3, 3, 0, 0].map(|greenlets| {
            let (body, start) = (Arc::clone(&body), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                if greenlets == 0 {
                    return body();
                }
                let greenlets: Vec<_> = (0..greenlets)
                    .map(|_| {
                        let body = Arc::clone(&body);
                        spawn(move || body())
                    })
                    .collect();
                joinall(&greenlets);
                greenlets.iter().for_each(|greenlet| greenlet.join().unwrap());
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_mutex_keeps_them_apart() {
    static SUM: Mutex<u32> = Mutex::new(0);
    everywhere(|| {
        for number in 0..TIMES {
            let mut sum = SUM.lock().unwrap();
            let before = *sum;
            if number.is_multiple_of(64) {
                yield_now();
            }
            *sum = before + 1;
        }
    });
    assert_eq!(*SUM.lock().unwrap(), 8 * TIMES);
}

#[test]
fn a_lock_keeps_writers_apart_from_readers() {
    static PAIR: RwLock<(u32, u32)> = RwLock::new((0, 0));
    everywhere(|| {
        for number in 0..TIMES {
            if number.is_multiple_of(4) {
                let mut pair = PAIR.write().unwrap();
                pair.0 += 1;
                if number.is_multiple_of(64) {
                    yield_now();
                }
                pair.1 += 1;
            } else {
                let pair = PAIR.read().unwrap();
                assert_eq!(pair.0, pair.1);
                if number.is_multiple_of(63) {
                    yield_now();
                }
            }
        }
    });
    assert_eq!(*PAIR.read().unwrap(), (2 * TIMES, 2 * TIMES));
}

#[test]
fn a_condition_takes_turns() {
    static TURN: Mutex<u32> = Mutex::new(0);
    static CHANGED: Condvar = Condvar::new();
    static CAME: AtomicU32 = AtomicU32::new(0);
    everywhere(|| {
        let mine = CAME.fetch_add(1, Ordering::SeqCst);
        for _ in 0..TIMES / 20 {
            let turn = TURN.lock().unwrap();
            let mut turn = CHANGED.wait_while(turn, |turn| *turn % 8 != mine).unwrap();
            *turn += 1;
            CHANGED.notify_all();
        }
    });
    assert_eq!(*TURN.lock().unwrap(), 8 * (TIMES / 20));
}

#[test]
fn a_condition_with_limits_loses_no_notification() {
    static ITEMS: Mutex<u32> = Mutex::new(0);
    static CAME: Condvar = Condvar::new();
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let bakers = Arc::new(AtomicU32::new(0));
    everywhere(move || {
        if bakers.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            for _ in 0..TIMES / 10 {
                *ITEMS.lock().unwrap() += 1;
                CAME.notify_one();
            }
            return;
        }
        for _ in 0..TIMES / 10 {
            let mut items = ITEMS.lock().unwrap();
            while *items == 0 {
                items = CAME.wait_timeout(items, Duration::from_micros(500)).unwrap().0;
            }
            *items -= 1;
            TAKEN.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert_eq!((*ITEMS.lock().unwrap(), TAKEN.load(Ordering::SeqCst)), (0, 4 * (TIMES / 10)));
}

#[test]
fn a_barrier_brings_them_together() {
    static BARRIER: Barrier = Barrier::new(8);
    static LEADERS: AtomicU32 = AtomicU32::new(0);
    static CAME: AtomicU32 = AtomicU32::new(0);
    everywhere(|| {
        for round in 1..=TIMES / 20 {
            CAME.fetch_add(1, Ordering::SeqCst);
            if BARRIER.wait().is_leader() {
                LEADERS.fetch_add(1, Ordering::SeqCst);
            }
            assert!(CAME.load(Ordering::SeqCst) >= 8 * round);
        }
    });
    assert_eq!(LEADERS.load(Ordering::SeqCst), TIMES / 20);
}

#[test]
fn one_of_them_does_what_is_done_once() {
    static ONCE: Once = Once::new();
    static CELL: OnceLock<u32> = OnceLock::new();
    static TIMES_DONE: AtomicU32 = AtomicU32::new(0);
    static LAZY: LazyLock<u32> = LazyLock::new(|| {
        sleep(millis(5));
        TIMES_DONE.fetch_add(1, Ordering::SeqCst)
    });
    everywhere(|| {
        let done = || {
            sleep(millis(5));
            TIMES_DONE.fetch_add(1, Ordering::SeqCst)
        };
        ONCE.call_once(|| {
            done();
        });
        let value = *CELL.get_or_init(done);
        assert_eq!((CELL.wait(), *LAZY), (&value, 2));
    });
    assert_eq!(TIMES_DONE.load(Ordering::SeqCst), 3);
}

/// Adds one when it is dropped, also while its greenlet unwinds.
struct AddsAtLast;

static ADDED: AtomicU32 = AtomicU32::new(0);
static SUM: RwLock<u32> = RwLock::new(0);

fn add_one() {
    *SUM.write().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
    ADDED.fetch_add(1, Ordering::SeqCst);
}

fn look() -> u32 {
    *SUM.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Drop for AddsAtLast {
    fn drop(&mut self) {
        // Nobody holds it over a wait, so no greenlet of this thread has it now.
        add_one();
        look();
        add_one();
    }
}

/// A greenlet that is killed sooner or later, where it waits for the lock or yields.
fn worker(number: u32) -> Greenlet<()> {
    spawn(move || {
        let _adds = AddsAtLast;
        for round in number.. {
            match round % 3 {
                0 => add_one(),
                1 => assert!(look() < u32::MAX),
                _ => yield_now(),
            }
        }
    })
}

#[test]
fn kills_and_destructors_on_two_hubs_lose_nothing_and_leave_a_lock_that_works() {
    bounded(|| {
        let plain_is_done = Arc::new(AtomicU32::new(0));
        let done = Arc::clone(&plain_is_done);
        let plain = thread::spawn(move || {
            while done.load(Ordering::SeqCst) < 2 {
                add_one();
                look();
            }
        });
        let hubs = [0, 1].map(|hub| {
            let done = Arc::clone(&plain_is_done);
            thread::spawn(move || {
                for round in 0..TIMES / 20 {
                    let workers: Vec<_> = (0..4).map(|number| worker(hub + number)).collect();
                    (0..round % 4).for_each(|_| yield_now());
                    workers.iter().for_each(Greenlet::start_kill);
                    joinall(&workers);
                    workers.iter().for_each(|worker| drop(worker.join()));
                }
                done.fetch_add(1, Ordering::SeqCst);
            })
        });
        hubs.into_iter().for_each(|hub| hub.join().unwrap());
        plain.join().unwrap();
        let sum = SUM.try_write().unwrap_or_else(|error| match error {
            TryLockError::Poisoned(poisoned) => poisoned.into_inner(),
            TryLockError::WouldBlock => panic!("someone holds it still"),
        });
        assert_eq!(*sum, ADDED.load(Ordering::SeqCst));
    });
}

#[test]
fn nothing_is_lost_between_all_of_them_and_one_receiver() {
    for room in [None, Some(0), Some(3)] {
        let (received, tells) = channel();
        let counting = move |receiver: greenhub::monkey::sync::mpsc::Receiver<u32>| {
            thread::spawn(move || received.send(receiver.iter().sum::<u32>()).unwrap())
        };
        let thread = match room {
            None => {
                let (sender, receiver) = channel();
                let thread = counting(receiver);
                everywhere(move || (0..TIMES / 5).for_each(|_| sender.send(1).unwrap()));
                thread
            }
            Some(room) => {
                let (sender, receiver) = sync_channel(room);
                let thread = counting(receiver);
                everywhere(move || (0..TIMES / 5).for_each(|_| sender.send(1).unwrap()));
                thread
            }
        };
        assert_eq!(tells.recv_timeout(Duration::from_secs(50)), Ok(8 * (TIMES / 5)));
        thread.join().unwrap();
    }
}

//! Between threads: with greenlets, and without.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use greenhub::sync::{AsyncResult, Barrier, Event, Lock, RLock, Semaphore, WaitError};
use greenhub::{joinall, sleep, spawn, yield_now};

use crate::support::{MANY, bounded, millis, settle};

/// Runs `body` on two threads: plainly, or in four greenlets on each; `MANY` times on each.
fn on_two_threads(with_greenlets: bool, body: fn(u32)) {
    bounded(move || {
        let start = Arc::new(std::sync::Barrier::new(2));
        let threads = [(); 2].map(|()| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                if with_greenlets {
                    let greenlets = [(); 4].map(|()| spawn(move || body(MANY / 4)));
                    joinall(&greenlets);
                    greenlets.iter().for_each(|greenlet| greenlet.join().unwrap());
                } else {
                    body(MANY);
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Adds one, so that a second thread in here would be seen.
fn add_one(count: &AtomicU32, number: u32) {
    let before = count.load(Ordering::Relaxed);
    if number.is_multiple_of(64) {
        yield_now();
    }
    count.store(before + 1, Ordering::Relaxed);
}

macro_rules! contend {
    ($plain:ident, $greenlets:ident, $primitive:ty, $new:expr, $acquire:ident, $release:ident) => {
        #[test]
        fn $plain() {
            static PRIMITIVE: $primitive = $new;
            static COUNT: AtomicU32 = AtomicU32::new(0);
            on_two_threads(false, |times| {
                for number in 0..times {
                    PRIMITIVE.$acquire().unwrap();
                    add_one(&COUNT, number);
                    let _ = PRIMITIVE.$release();
                }
            });
            assert_eq!(COUNT.load(Ordering::Relaxed), 2 * MANY);
        }

        #[test]
        fn $greenlets() {
            static PRIMITIVE: $primitive = $new;
            static COUNT: AtomicU32 = AtomicU32::new(0);
            on_two_threads(true, |times| {
                for number in 0..times {
                    PRIMITIVE.$acquire().unwrap();
                    add_one(&COUNT, number);
                    let _ = PRIMITIVE.$release();
                }
            });
            assert_eq!(COUNT.load(Ordering::Relaxed), 2 * MANY);
        }
    };
}

contend!(
    a_semaphore_keeps_two_threads_apart,
    a_semaphore_keeps_the_greenlets_of_two_threads_apart,
    Semaphore,
    Semaphore::new(1),
    acquire,
    release
);
contend!(
    a_lock_keeps_two_threads_apart,
    a_lock_keeps_the_greenlets_of_two_threads_apart,
    Lock,
    Lock::new(),
    acquire,
    release
);
contend!(
    an_rlock_keeps_two_threads_apart,
    an_rlock_keeps_the_greenlets_of_two_threads_apart,
    RLock,
    RLock::new(),
    acquire,
    release
);

#[test]
fn the_greenlets_of_two_threads_tell_each_other_by_events() {
    static EVENTS: [[Event; 2]; 4] = [const { [const { Event::new() }; 2] }; 4];

    fn take_turns(mine: usize) {
        let pairs = [0, 1, 2, 3].map(|pair| {
            spawn(move || {
                for _ in 0..MANY / 4 {
                    if mine == 0 {
                        EVENTS[pair][1].set();
                    }
                    EVENTS[pair][mine].wait().unwrap();
                    EVENTS[pair][mine].clear();
                    if mine == 1 {
                        EVENTS[pair][0].set();
                    }
                }
            })
        });
        joinall(&pairs);
    }
    bounded(|| {
        let other = thread::spawn(|| take_turns(1));
        take_turns(0);
        other.join().unwrap();
    });
}

#[test]
fn two_threads_tell_each_other_by_events() {
    static THERE: Event = Event::new();
    static BACK: Event = Event::new();
    bounded(|| {
        let other = thread::spawn(|| {
            for _ in 0..MANY {
                THERE.wait().unwrap();
                THERE.clear();
                BACK.set();
            }
        });
        for _ in 0..MANY {
            THERE.set();
            BACK.wait().unwrap();
            BACK.clear();
        }
        other.join().unwrap();
    });
}

#[test]
fn the_set_of_another_thread_wakes_promptly_and_not_at_the_deadline() {
    static EVENT: Event = Event::new();
    bounded(|| {
        let waiter = spawn(|| EVENT.wait_for(Duration::from_secs(30)));
        settle();
        let start = Instant::now();
        let thread = thread::spawn(|| {
            thread::sleep(millis(5));
            EVENT.set();
        });
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert!(start.elapsed() < Duration::from_secs(10));
        thread.join().unwrap();
    });
}

#[test]
fn the_value_of_another_thread_wakes_promptly_and_not_at_the_deadline() {
    static ANSWER: AsyncResult<u32> = AsyncResult::new();
    bounded(|| {
        let start = Instant::now();
        let thread = thread::spawn(|| {
            thread::sleep(millis(5));
            ANSWER.set(7);
        });
        // In main, and in a greenlet of another thread.
        let asks = || ANSWER.get_for(Duration::from_secs(30)).map_err(|error| error.to_string());
        let far = thread::spawn(move || spawn(asks).join().unwrap());
        assert_eq!((asks(), far.join().unwrap()), (Ok(7), Ok(7)));
        assert!(start.elapsed() < Duration::from_secs(10));
        thread.join().unwrap();
    });
}

#[test]
fn a_std_thread_that_sets_later_is_waited_for_without_a_report() {
    static EVENT: Event = Event::new();
    bounded(|| {
        let thread = thread::spawn(|| {
            thread::sleep(millis(50));
            EVENT.set();
        });
        let waiter = spawn(|| EVENT.wait());
        assert_eq!((EVENT.wait(), waiter.join().unwrap()), (Ok(()), Ok(())));
        thread.join().unwrap();
    });
}

#[test]
fn what_one_thread_acquired_another_releases() {
    static SEMAPHORE: Semaphore = Semaphore::new(1);
    bounded(|| {
        SEMAPHORE.acquire().unwrap();
        let other = thread::spawn(|| spawn(|| SEMAPHORE.acquire()).join().unwrap());
        thread::sleep(millis(10));
        SEMAPHORE.release();
        assert_eq!(other.join().unwrap(), Ok(()));
        assert_eq!(SEMAPHORE.free(), 0);
    });
}

#[test]
fn a_waiter_of_another_thread_that_times_out_leaves_nothing_behind() {
    static SEMAPHORE: Semaphore = Semaphore::new(0);
    bounded(|| {
        let other = thread::spawn(|| SEMAPHORE.acquire_for(millis(5)));
        assert_eq!(other.join().unwrap(), Err(WaitError::TimedOut));
        SEMAPHORE.release();
        assert_eq!(SEMAPHORE.free(), 1);
    });
}

#[test]
fn a_waiter_whose_thread_has_ended_is_passed_over() {
    static SEMAPHORE: Semaphore = Semaphore::new(0);
    bounded(|| {
        let ended = thread::spawn(|| {
            drop(spawn(|| SEMAPHORE.acquire()));
            settle();
        });
        ended.join().unwrap();
        let waiter = spawn(|| SEMAPHORE.acquire());
        settle();
        SEMAPHORE.release();
        assert_eq!(waiter.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_barrier_joins_threads() {
    static BARRIER: Barrier = Barrier::new(3);
    bounded(|| {
        let threads = [(); 3]
            .map(|()| thread::spawn(|| (0..100).filter(|_| BARRIER.wait().unwrap()).count()));
        let last: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(last, 100);
    });
}

#[test]
fn no_permit_is_lost_among_limits_kills_and_threads() {
    static SEMAPHORE: Semaphore = Semaphore::new(2);
    bounded(|| {
        let threads = [(); 2].map(|()| {
            thread::spawn(|| {
                for round in 0..MANY / 100 {
                    let greenlets = [0, 1, 2, 3].map(|number| {
                        spawn(move || {
                            let limit =
                                Duration::from_micros(u64::from(round * 7 + number * 13) % 90);
                            if SEMAPHORE.acquire_for(limit).is_ok() {
                                SEMAPHORE.release();
                            }
                            if let Ok(_permit) = SEMAPHORE.permit() {
                                yield_now();
                            }
                        })
                    });
                    sleep(Duration::from_micros(u64::from(round) % 50));
                    greenlets[round as usize % 4].start_kill();
                    greenlets[(round as usize + 1) % 4].start_kill();
                    joinall(&greenlets);
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(SEMAPHORE.free(), 2);
    });
}

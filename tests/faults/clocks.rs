//! A clock that stands still, jumps or goes backwards.
//!
//! std asks for the time by libc's `clock_gettime`. This binary has one of its own, which std takes.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use greenhub::queue::Queue;
use greenhub::sync::Event;
use greenhub::{TimedOut, joinall, sleep, spawn, with_timeout, yield_now};

use crate::descriptors::survives;
use crate::kernel::{Answer, judge_calls};
use crate::support::{millis, timed};

/// Where the monotonic clock stands, in nanoseconds, unless it is negative: then it goes.
static STANDS_AT: AtomicI64 = AtomicI64::new(-1);
/// How far the monotonic clock has jumped, in nanoseconds.
static JUMPED: AtomicI64 = AtomicI64::new(0);

const SECOND: i64 = 1_000_000_000;

/// As libc's.
///
/// # Safety
///
/// As libc's: `time` can be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: as the caller promises.
    let done = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if clock != libc::CLOCK_MONOTONIC || done != 0 {
        return done as c_int;
    }
    // SAFETY: the kernel has just written it.
    let time = unsafe { &mut *time };
    let real = time.tv_sec * SECOND + time.tv_nsec;
    let told = match STANDS_AT.load(Relaxed) {
        stands if stands >= 0 => stands,
        _ => real + JUMPED.load(Relaxed),
    };
    (time.tv_sec, time.tv_nsec) = (told / SECOND, told % SECOND);
    0
}

fn real_time() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is ours.
    unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec * SECOND + time.tv_nsec
}

/// Stops the clock, and has a thread start it again where it should be, in so many milliseconds.
fn stop_clock_for(limit: u64) {
    STANDS_AT.store(real_time(), Relaxed);
    thread::spawn(move || {
        thread::sleep(millis(limit));
        STANDS_AT.store(-1, Relaxed);
    });
}

fn jump(by: Duration) {
    JUMPED.store(i64::try_from(by.as_nanos()).unwrap(), Relaxed);
}

static SLEEPS: AtomicU32 = AtomicU32::new(0);

fn count_sleeps() {
    judge_calls(&[libc::SYS_epoll_pwait2], |_| {
        SLEEPS.fetch_add(1, Relaxed);
        Answer::Real
    });
}

/// Starts greenlets that sleep for so many milliseconds; the queue has them in the order they woke.
fn sleepers(lengths: &[u64]) -> Arc<Queue<u64>> {
    let woken = Arc::new(Queue::new());
    for length in lengths {
        let (woken, length) = (Arc::clone(&woken), *length);
        spawn(move || {
            sleep(millis(length));
            woken.put(length).unwrap();
        });
    }
    yield_now();
    woken
}

fn next(woken: &Queue<u64>, many: usize) -> Vec<u64> {
    (0..many).map(|_| woken.get().unwrap()).collect()
}

#[test]
fn while_the_clock_stands_the_hub_does_not_spin_and_then_all_wake_in_order() {
    survives(
        "clocks::while_the_clock_stands_the_hub_does_not_spin_and_then_all_wake_in_order",
        || {
            count_sleeps();
            let woken = sleepers(&[40, 20, 30]);
            stop_clock_for(200);
            assert_eq!(next(&woken, 3), [20, 30, 40]);
            assert!(SLEEPS.load(Relaxed) < 40, "it spins: {}", SLEEPS.load(Relaxed));
        },
    );
}

#[test]
fn while_the_clock_stands_what_needs_no_time_goes_on() {
    survives("clocks::while_the_clock_stands_what_needs_no_time_goes_on", || {
        stop_clock_for(15_000);
        let event = Arc::new(Event::new());
        let waiter = Arc::clone(&event);
        let waiting = spawn(move || waiter.wait());
        yield_now();
        let remote = thread::spawn(move || event.set());
        assert!(waiting.join().is_ok());
        remote.join().unwrap();
        assert!(STANDS_AT.load(Relaxed) >= 0, "it took until the clock went on");
    });
}

#[test]
fn when_the_clock_jumps_an_hour_all_that_are_due_wake_in_order_and_no_others() {
    survives(
        "clocks::when_the_clock_jumps_an_hour_all_that_are_due_wake_in_order_and_no_others",
        || {
            count_sleeps();
            const MINUTE: u64 = 60_000;
            let woken = sleepers(&[61 * MINUTE, 59 * MINUTE, 30, MINUTE]);
            let limited =
                spawn(|| with_timeout(Duration::from_secs(1800), || sleep(Duration::MAX)));
            yield_now();
            jump(Duration::from_secs(3600));
            assert_eq!(next(&woken, 3), [30, MINUTE, 59 * MINUTE]);
            assert!(matches!(limited.join().unwrap(), Err(TimedOut { .. })));
            // Later ones count from the new time.
            assert!(timed(|| sleep(millis(10))) >= millis(10));
            assert!(woken.is_empty(), "one woke before its time");
            assert!(SLEEPS.load(Relaxed) < 40, "it spins: {}", SLEEPS.load(Relaxed));
        },
    );
}

#[test]
fn when_the_clock_goes_back_a_little_sleeps_end_in_order_and_the_hub_does_not_spin() {
    survives(
        "clocks::when_the_clock_goes_back_a_little_sleeps_end_in_order_and_the_hub_does_not_spin",
        || {
            count_sleeps();
            jump(Duration::from_secs(10));
            let woken = sleepers(&[40, 20, 30]);
            jump(Duration::from_millis(9_900));
            let later = spawn(|| sleep(millis(5)));
            assert_eq!(next(&woken, 3), [20, 30, 40]);
            joinall(&[later]);
            assert!(SLEEPS.load(Relaxed) < 40, "it spins: {}", SLEEPS.load(Relaxed));
        },
    );
}

//! Parking and unparking.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::world::thread;
use crate::support::{LONG, bounded, millis};

#[test]
fn an_unpark_ends_a_park() {
    bounded(|| {
        let parked = thread::spawn(|| {
            thread::park();
            7
        });
        thread::sleep(millis(5));
        parked.thread().unpark();
        assert_eq!(parked.join().unwrap(), 7);
    });
}

#[test]
fn an_unpark_before_the_park_is_kept() {
    bounded(|| {
        thread::current().unpark();
        let start = Instant::now();
        thread::park();
        assert!(start.elapsed() < LONG);
    });
}

#[test]
fn two_unparks_are_one() {
    bounded(|| {
        let this = thread::current();
        this.unpark();
        this.unpark();
        thread::park_timeout(LONG);
        let start = Instant::now();
        thread::park_timeout(millis(10));
        assert!(start.elapsed() >= millis(10));
    });
}

#[test]
fn a_park_with_a_limit_returns() {
    bounded(|| {
        let start = Instant::now();
        thread::park_timeout(millis(10));
        #[allow(deprecated)]
        thread::park_timeout_ms(5);
        assert!(start.elapsed() >= millis(15));
        thread::park_timeout(Duration::ZERO);
    });
}

#[test]
fn a_limit_that_is_not_needed_does_not_delay() {
    bounded(|| {
        let start = Instant::now();
        let parked = thread::spawn(|| thread::park_timeout(LONG));
        parked.thread().unpark();
        parked.join().unwrap();
        assert!(start.elapsed() < millis(5_000));
    });
}

#[test]
fn a_thread_can_be_unparked_from_a_third_one() {
    bounded(|| {
        let parked = thread::spawn(|| {
            thread::park();
            thread::current().id()
        });
        let handle = parked.thread().clone();
        let expected = handle.id();
        thread::spawn(move || handle.unpark()).join().unwrap();
        assert_eq!(parked.join().unwrap(), expected);
    });
}

#[test]
fn no_token_is_lost_among_many() {
    bounded(|| {
        let tokens = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&tokens);
        let waiter = thread::spawn(move || {
            while theirs.load(Ordering::SeqCst) < 1_000 {
                thread::park();
            }
        });
        for _ in 0..1_000 {
            tokens.fetch_add(1, Ordering::SeqCst);
            waiter.thread().unpark();
            if tokens.load(Ordering::SeqCst).is_multiple_of(64) {
                thread::yield_now();
            }
        }
        waiter.join().unwrap();
    });
}

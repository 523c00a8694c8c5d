//! Whether ThreadSanitizer sees a race between greenlets, and none where there is none. Otherwise that
//! it has nothing to say of the other tests would say nothing.

use std::cell::UnsafeCell;
use std::process::{Command, Output};
use std::time::Duration;

use greenhub::sync::Lock;
use greenhub::{sleep, spawn};

struct Shared(UnsafeCell<u64>);

// SAFETY: none; that threads use it without order is what the test is about.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));
static LOCK: Lock = Lock::new();

#[inline(never)]
fn add() {
    // SAFETY: the address is good; for the rest, as above.
    unsafe { *SHARED.0.get() += 1 }
}

/// Has a greenlet of this thread, and one of another, call `step` again and again.
fn on_two_threads(step: fn()) {
    let body = move || {
        for _ in 0..50 {
            sleep(Duration::from_micros(300));
            step();
        }
    };
    let other = std::thread::spawn(move || spawn(body).join());
    spawn(body).join().unwrap();
    other.join().unwrap().unwrap();
}

const CHILD: &str = "GREENHUB_TEST_RACES";

/// Runs a test of this file in a process of its own, where it calls `step`.
fn looked_at(test: &str, step: fn()) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        on_two_threads(step);
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    Some(child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap())
}

#[test]
fn a_race_between_greenlets_of_two_threads_is_seen() {
    let Some(output) = looked_at("a_race_between_greenlets_of_two_threads_is_seen", add) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("ThreadSanitizer: data race"), "{} {said}", output.status);
    assert!(said.contains("control::add"), "{said}");
}

#[test]
fn who_adds_under_a_lock_does_not_race() {
    let locked = || {
        let _guard = LOCK.lock().unwrap();
        add();
    };
    let Some(output) = looked_at("who_adds_under_a_lock_does_not_race", locked) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

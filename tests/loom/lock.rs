//! The lock that its first thread owns (`src/guarded.rs`).

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::biased::Guarded;
use crate::explored::in_every_order;

fn add(sum: &Guarded<u32>) {
    sum.with(|sum| *sum += 1);
}

#[test]
fn a_lock_that_is_taken_from_its_owner_lets_one_in_at_a_time() {
    in_every_order(|| {
        let sum = Arc::new(Guarded::new(0));
        add(&sum);
        let theirs = Arc::clone(&sum);
        let other = thread::spawn(move || add(&theirs));
        add(&sum);
        add(&sum);
        other.join().unwrap();
        assert_eq!(sum.with(|sum| *sum), 4);
    });
}

#[test]
fn two_that_come_first_agree_on_one_owner() {
    in_every_order(|| {
        let sum = Arc::new(Guarded::new(0));
        let theirs = Arc::clone(&sum);
        let other = thread::spawn(move || {
            add(&theirs);
            add(&theirs);
        });
        add(&sum);
        add(&sum);
        other.join().unwrap();
        assert_eq!(sum.with(|sum| *sum), 4);
    });
}

#[test]
fn two_that_take_it_from_an_owner_do_not_both_have_it() {
    in_every_order(|| {
        let sum = Arc::new(Guarded::new(0));
        add(&sum);
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&sum);
            thread::spawn(move || add(&theirs))
        });
        // The owner stays away meanwhile. Two that spin at once could do so for ever, if the third never
        // ran: loom knows no fairness, and would go through that.
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(sum.with(|sum| *sum), 3);
    });
}

#[test]
fn a_third_sees_what_the_owner_did_before_the_lock_was_taken_from_it() {
    in_every_order(|| {
        let sum = Arc::new(Guarded::new(0));
        sum.with(|_| ());
        // Says nothing of the sum, but that both do not spin at once, for which see above.
        let is_out = Arc::new(AtomicUsize::new(0));
        let others = [(); 2].map(|()| {
            let (theirs, is_out) = (Arc::clone(&sum), Arc::clone(&is_out));
            thread::spawn(move || {
                if is_out.load(Ordering::Relaxed) == 1 {
                    add(&theirs);
                }
            })
        });
        add(&sum);
        is_out.store(1, Ordering::Relaxed);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(sum.with(|sum| *sum) >= 1);
    });
}

#[test]
fn what_was_done_before_it_was_left_is_seen_by_who_comes_next() {
    in_every_order(|| {
        let before = Arc::new(AtomicUsize::new(0));
        let said = Arc::new(Guarded::new(false));
        said.with(|_| ());
        let (their_before, theirs) = (Arc::clone(&before), Arc::clone(&said));
        let other = thread::spawn(move || {
            if theirs.with(|said| *said) {
                assert_eq!(their_before.load(Ordering::Relaxed), 1);
            }
        });
        before.store(1, Ordering::Relaxed);
        said.with(|said| *said = true);
        other.join().unwrap();
    });
}

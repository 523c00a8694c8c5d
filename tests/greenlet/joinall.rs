//! joinall with its options.

use std::panic::resume_unwind;
use std::time::Duration;

use greenhub::{Greenlet, JoinAll, JoinError, sleep, spawn};

use crate::support::{bounded, millis, panic_of};

fn fails(after: u64, text: &'static str) -> Greenlet<()> {
    spawn(move || {
        sleep(millis(after));
        resume_unwind(Box::new(text))
    })
}

#[test]
fn the_error_that_came_first_in_time_is_raised_and_stays_to_be_taken() {
    bounded(|| {
        let (late, early) = (fails(20, "late"), fails(2, "early"));
        let slow = spawn(|| sleep(Duration::from_secs(60)));
        for _ in 0..2 {
            let failed = JoinAll::new([&slow, &late, &early]).raise_error().wait().unwrap_err();
            assert_eq!(*failed.greenlet(), early.any());
            assert!(failed.to_string().ends_with("panicked: early"), "{failed}");
        }
        late.wait();
        let failed = JoinAll::new([&slow, &late, &early]).raise_error().wait().unwrap_err();
        assert_eq!(*failed.greenlet(), early.any(), "also when both have ended");
        assert!(!slow.is_finished());
        assert!(matches!(early.join(), Err(JoinError::Panicked(_))));
        let _ = late.join();
    });
}

#[test]
fn a_count_of_one_returns_at_the_first_end_also_by_a_panic() {
    bounded(|| {
        let (failing, slow) = (fails(2, "boom"), spawn(|| sleep(Duration::from_secs(60))));
        let ended = JoinAll::new([&slow, &failing]).count(1).wait().unwrap();
        assert_eq!(ended, [failing.any()]);
        assert!(slow.is_started());
        let _ = failing.join();
    });
}

#[test]
fn a_limit_returns_those_that_have_ended_in_their_order() {
    bounded(|| {
        let naps = [5, 60_000, 1].map(|n| spawn(move || sleep(millis(n))));
        let ended = JoinAll::new(&naps).limit(millis(40)).wait().unwrap();
        assert_eq!(ended, [naps[2].any(), naps[0].any()]);
        let seen = JoinAll::new(&naps).limit(Duration::ZERO).wait().unwrap();
        assert_eq!(seen, ended);
    });
}

#[test]
fn one_that_is_named_twice_does_no_harm() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(1)));
        assert_eq!(JoinAll::new([&greenlet, &greenlet]).wait().unwrap().len(), 2);
    });
}

#[test]
fn one_cannot_join_itself_among_others() {
    bounded(|| {
        let greenlet = spawn(|| {
            panic_of(|| JoinAll::new(&[greenhub::current()]).wait());
        });
        greenlet.join().unwrap();
    });
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::common::settle;
use super::world::sync::Barrier;
use super::world::thread;
use crate::support::bounded;

#[test]
fn one_in_each_round_leads() {
    bounded(|| {
        const PARTIES: usize = 5;
        let (barrier, leaders) = (Arc::new(Barrier::new(PARTIES)), Arc::new(AtomicUsize::new(0)));
        let parties: Vec<_> = (0..PARTIES)
            .map(|_| {
                let (barrier, leaders) = (Arc::clone(&barrier), Arc::clone(&leaders));
                thread::spawn(move || {
                    for _ in 0..10 {
                        if barrier.wait().is_leader() {
                            leaders.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        parties.into_iter().for_each(|party| party.join().unwrap());
        assert_eq!(leaders.load(Ordering::SeqCst), 10);
    });
}

#[test]
fn nobody_goes_on_before_the_last_has_come() {
    bounded(|| {
        let (barrier, gone) = (Arc::new(Barrier::new(3)), Arc::new(AtomicUsize::new(0)));
        let parties: Vec<_> = (0..2)
            .map(|_| {
                let (barrier, gone) = (Arc::clone(&barrier), Arc::clone(&gone));
                thread::spawn(move || {
                    let leads = barrier.wait().is_leader();
                    gone.fetch_add(1, Ordering::SeqCst);
                    leads
                })
            })
            .collect();
        settle();
        assert_eq!(gone.load(Ordering::SeqCst), 0);
        assert!(barrier.wait().is_leader(), "the last leads");
        assert!(!parties.into_iter().any(|party| party.join().unwrap()));
    });
}

#[test]
fn a_barrier_for_none_or_one_waits_for_nobody() {
    for parties in [0, 1] {
        let barrier = Barrier::new(parties);
        assert!(barrier.wait().is_leader());
        assert!(barrier.wait().is_leader());
    }
}

#[test]
fn its_texts_are_these() {
    let barrier = Barrier::new(1);
    assert_eq!(format!("{barrier:?}"), "Barrier { .. }");
    assert_eq!(format!("{:?}", barrier.wait()), "BarrierWaitResult { is_leader: true }");
}

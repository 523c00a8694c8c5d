//! Stacks: how large they are, and that they are used again.

use std::hint::black_box;
use std::time::Duration;

use greenhub::{Builder, Greenlet, Hub, sleep, spawn, yield_now};

use crate::support::bounded;

#[test]
fn ten_thousand_one_after_the_other_take_one_stack() {
    bounded(|| {
        for n in 0..10_000 {
            assert_eq!(spawn(move || n).join().unwrap(), n);
        }
        let stats = Hub::current().stats();
        assert_eq!((stats.stacks_in_use, stats.stacks_idle), (0, 1));
    });
}

#[test]
fn twenty_thousand_park_at_once_and_end() {
    bounded(|| {
        let parked: Vec<_> =
            (0..20_000).map(|_| spawn(|| sleep(Duration::from_secs(60)))).collect();
        yield_now();
        while Hub::current().stats().ready > 0 {
            yield_now();
        }
        assert_eq!(Hub::current().stats().stacks_in_use, 20_000);
        parked.iter().for_each(Greenlet::start_kill);
        greenhub::joinall(&parked);
        let stats = Hub::current().stats();
        assert_eq!((stats.stacks_in_use, stats.timers), (0, 0));
        // They are used again, also those whose pages were given back.
        let again: Vec<_> = (0..20_000).map(|n| spawn(move || n)).collect();
        let sum: u64 = again.iter().map(|greenlet| greenlet.join().unwrap()).sum();
        assert_eq!(sum, 199_990_000);
        assert_eq!(Hub::current().stats().stacks_idle, stats.stacks_idle);
    });
}

#[test]
fn a_larger_stack_takes_larger_frames() {
    bounded(|| {
        let roomy = Builder::new().stack_size(8 << 20).spawn(|| {
            let frame = black_box([1u8; 1 << 20]);
            frame.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        });
        assert_eq!(roomy.unwrap().join().unwrap(), 1 << 20);
    });
}

#[test]
fn the_hubs_stack_size_is_that_of_those_spawned_without_one() {
    bounded(|| {
        let hub = Hub::current();
        hub.set_stack_size(8 << 20);
        assert_eq!(hub.stack_size(), 8 << 20);
        let sum = spawn(|| black_box([1u8; 1 << 20]).len()).join().unwrap();
        assert_eq!(sum, 1 << 20);
    });
}

#[test]
fn the_smallest_stack_is_enough_to_spawn_join_and_panic() {
    bounded(|| {
        let small = || Builder::new().stack_size(0);
        assert_eq!(small().spawn(|| 7).unwrap().join().unwrap(), 7);
        assert!(
            small()
                .spawn(|| -> () { std::panic::resume_unwind(Box::new(1)) })
                .unwrap()
                .join()
                .is_err()
        );
    });
}

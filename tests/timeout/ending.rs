//! What a limit leaves behind: nothing, and nothing that reaches a later wait.

use std::io::Read;
use std::time::Duration;

use greenhub::raw::{self, Yielder, generator};
use greenhub::{Hub, JoinError, Timeout, joinall, sleep, spawn, with_timeout, yield_now};

use crate::support::{
    Log, bounded, compute, in_main_and_in_a_greenlet, millis, pair, sleep_for_ever, timed,
};

#[test]
fn ten_thousand_limits_leave_no_timer() {
    in_main_and_in_a_greenlet(|| {
        for round in 0..5_000u64 {
            let inner = with_timeout(Duration::from_secs(60), || {
                with_timeout(millis(60_000 + round), || {
                    if round % 10 == 0 {
                        yield_now()
                    }
                })
            });
            assert_eq!(inner, Ok(Ok(())));
        }
        for _ in 0..5_000 {
            assert!(with_timeout(Duration::ZERO, yield_now).is_err());
        }
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_limit_that_expires_as_its_greenlet_is_woken_never_reaches_a_later_wait() {
    bounded(|| {
        let greenlets: Vec<_> = (0..200u64)
            .map(|n| {
                spawn(move || {
                    let mut expired = 0;
                    for round in 0..40 {
                        let limit = Duration::from_micros((n * 7 + round * 13) % 600);
                        let nap = Duration::from_micros((n * 11 + round * 5) % 600);
                        if with_timeout(limit, || sleep(nap)).is_err() {
                            expired += 1;
                        }
                        // Nothing may reach these: it would unwind the greenlet.
                        yield_now();
                        sleep(Duration::from_micros(50));
                    }
                    expired
                })
            })
            .collect();
        joinall(&greenlets);
        let expired: u32 = greenlets.iter().map(|greenlet| greenlet.join().unwrap()).sum();
        assert!(expired > 0, "none of 8,000");
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn an_expiry_comes_before_an_end_in_the_same_turn() {
    bounded(|| {
        let log = Log::default();
        let inner = log.clone();
        let other = spawn(|| sleep(millis(5)));
        let joiner = spawn(move || {
            let ended = Timeout::new(millis(10)).with_error("late").run(|_| other.wait());
            inner.note(format!("{ended:?}, and the other has ended: {}", other.is_finished()));
        });
        yield_now();
        // Both times are over when the hub looks, and the other's is the earlier one.
        compute(millis(20));
        joiner.join().unwrap();
        assert_eq!(log.take(), ["Err(\"late\"), and the other has ended: true"]);
    });
}

#[test]
fn an_expiry_comes_before_a_limit_of_the_wait_and_before_data_in_the_same_turn() {
    bounded(|| {
        let (client, mut server) = pair();
        server.set_read_timeout(Some(millis(5))).unwrap();
        let reader = spawn(move || {
            let ended = with_timeout(millis(10), || server.read(&mut [0; 4]));
            (ended.is_err(), server.read(&mut [0; 4]).unwrap())
        });
        yield_now();
        compute(millis(20));
        std::io::Write::write_all(&mut &client, b"abc").unwrap();
        assert_eq!(reader.join().unwrap(), (true, 3));
    });
}

#[test]
fn a_block_left_while_its_expiry_waits_for_the_next_wait_takes_it_along() {
    in_main_and_in_a_greenlet(|| {
        let done = with_timeout(millis(5), || {
            greenhub::offload(|| std::thread::sleep(millis(20)));
        });
        assert_eq!(done, Ok(()));
        assert_eq!(with_timeout(Duration::ZERO, || ()), Ok(()));
        yield_now();
        assert!(timed(|| sleep(millis(10))) >= millis(10));
    });
}

#[test]
fn limits_of_one_greenlet_do_not_touch_another() {
    bounded(|| {
        let others: Vec<_> = (0..50).map(|_| spawn(|| sleep(millis(30)))).collect();
        let limited: Vec<_> =
            (0..50).map(|_| spawn(|| with_timeout(millis(5), sleep_for_ever).is_err())).collect();
        assert!(limited.iter().all(|greenlet| greenlet.join().unwrap()));
        assert!(others.iter().all(|greenlet| greenlet.join().is_ok()));
    });
}

#[test]
fn an_expiry_that_ends_a_wait_with_a_limit_of_its_own_takes_both_timers() {
    in_main_and_in_a_greenlet(|| {
        let other = spawn(sleep_for_ever);
        let ended = with_timeout(millis(5), || other.join_for(Duration::from_secs(60)));
        assert!(ended.is_err());
        other.kill();
        assert!(matches!(other.join(), Err(JoinError::Killed)));
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn who_waits_under_a_limit_does_not_wait_for_ever() {
    bounded(|| {
        let for_ever = spawn(|| sleep(Duration::MAX));
        assert!(with_timeout(millis(10), || for_ever.wait()).is_err());
        for_ever.kill();
    });
}

#[test]
fn a_raw_greenlet_dropped_within_its_block_takes_its_limit_along() {
    bounded(|| {
        let log = Log::default();
        let inner = log.clone();
        let main = raw::main().takes::<()>();
        let dropped = raw::Greenlet::new(move |()| {
            let _guard = inner.on_drop("unwound");
            with_timeout(millis(5), || main.switch::<()>(()).is_ok()).is_ok()
        });
        dropped.switch::<()>(()).unwrap();
        assert_eq!(Hub::current().stats().timers, 1);
        drop(dropped);
        assert_eq!(log.take(), ["unwound"]);
        assert_eq!(Hub::current().stats().timers, 0);
        sleep(millis(10));
    });
}

#[test]
fn a_generator_dropped_while_its_asker_unwinds_takes_its_limit_along() {
    bounded(|| {
        let ended = with_timeout(millis(5), || {
            let mut numbers = generator(|yielder: &Yielder<u32>| {
                let _ = with_timeout(Duration::from_secs(60), || {
                    yielder.give(1);
                    sleep_for_ever();
                });
            });
            assert_eq!(numbers.next(), Some(1));
            numbers.next()
        });
        assert!(ended.is_err());
        assert_eq!(Hub::current().stats().timers, 0);
        sleep(millis(1));
    });
}

#[test]
fn a_block_in_a_callback_leaves_the_one_that_main_waits_in() {
    bounded(|| {
        let remote = Hub::current().remote();
        let ended = with_timeout(millis(20), || {
            remote.run_callback(|| {
                assert_eq!(with_timeout(Duration::ZERO, || 7), Ok(7));
                assert_eq!(with_timeout(millis(5), || compute(millis(10))), Ok(()));
            });
            sleep(millis(15));
            sleep_for_ever();
        });
        assert_eq!(ended.unwrap_err().limit(), millis(20));
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_thread_that_ends_with_limits_pending_ends() {
    bounded(|| {
        for _ in 0..10 {
            drop(spawn(|| with_timeout(Duration::from_secs(60), sleep_for_ever)));
        }
        yield_now();
    });
}

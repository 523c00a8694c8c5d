//! What a limit leaves behind: nothing, and nothing that reaches a later wait.

use std::io::Read;
use std::time::Duration;

use greenhub::{Hub, JoinError, Timeout, joinall, sleep, spawn, with_timeout, yield_now};

use crate::support::{
    bounded, compute, in_main_and_in_a_greenlet, millis, pair, sleep_for_ever, timed,
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
        assert!(expired > 0 && expired < 8_000, "{expired}");
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn an_expiry_comes_before_an_end_in_the_same_turn() {
    bounded(|| {
        // The join's greenlet ends, and time passes before the joiner runs.
        let joiner = spawn(|| {
            let other = spawn(|| sleep(millis(5)));
            Timeout::new(millis(10)).with_error("late").run(|_| other.wait())
        });
        let busy = spawn(|| {
            sleep(millis(2));
            compute(millis(20));
        });
        assert_eq!(joiner.join().unwrap(), Err("late"));
        busy.join().unwrap();
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

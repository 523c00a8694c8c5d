//! One block, and its limit.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::Duration;

use greenhub::{Hub, JoinError, TimedOut, Timeout, sleep, spawn, with_timeout, yield_now};

use crate::support::{
    Log, bounded, compute, in_main_and_in_a_greenlet, millis, sleep_for_ever, timed,
};

#[test]
fn a_block_that_is_done_in_time_gives_its_value_and_does_not_expire_later() {
    in_main_and_in_a_greenlet(|| {
        let value = with_timeout(millis(150), || {
            sleep(millis(1));
            7
        });
        assert_eq!(value, Ok(7));
        assert_eq!(Hub::current().stats().timers, 0);
        assert!(timed(|| sleep(millis(200))) >= millis(200));
    });
}

#[test]
fn a_block_whose_time_is_over_ends_where_it_waits() {
    in_main_and_in_a_greenlet(|| {
        let log = Log::default();
        let took = timed(|| {
            let ended = with_timeout(millis(20), || {
                let _first = log.on_drop("first");
                let _second = log.on_drop("second");
                sleep_for_ever();
                log.note("went on");
            });
            assert!(ended.is_err());
        });
        assert!(took >= millis(20) && took < millis(2000), "{took:?}");
        assert_eq!(log.take(), ["second", "first"]);
    });
}

#[test]
fn the_error_tells_the_limit_and_where_it_was_set() {
    bounded(|| {
        let line = line!() + 1;
        let error = with_timeout(millis(5), sleep_for_ever).unwrap_err();
        assert_eq!(error.limit(), millis(5));
        assert_eq!((error.set_at().file(), error.set_at().line()), (file!(), line));
        let text = error.to_string();
        assert!(text.starts_with("timed out") && text.contains("5ms"), "{text}");
        assert!(text.contains(&format!("{}:{line}:", file!())), "{text}");

        let timeout = Timeout::new(millis(1));
        let line = line!() - 1;
        assert_eq!(timeout.run(|_| sleep_for_ever()).unwrap_err().set_at().line(), line);
    });
}

#[test]
fn the_error_becomes_one_of_io() {
    bounded(|| {
        fn fetch() -> io::Result<()> {
            Ok(with_timeout(millis(1), sleep_for_ever)?)
        }
        let error = fetch().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.get_ref().unwrap().is::<TimedOut>());
    });
}

#[test]
fn an_error_of_ones_own_is_returned() {
    bounded(|| {
        let timeout = Timeout::new(millis(5));
        let late = timeout.with_error("late".to_owned()).run(|_| sleep_for_ever());
        assert_eq!(late, Err("late".to_owned()));
        assert_eq!(timeout.with_error("late").run(|_| 7), Ok(7));
    });
}

#[test]
fn a_silent_limit_leaves_the_block_early() {
    bounded(|| {
        let silent = Timeout::new(millis(10)).silent();
        let took = timed(|| assert_eq!(silent.run(|_| sleep_for_ever()), None));
        assert!(took >= millis(10) && took < millis(2000), "{took:?}");
        assert_eq!(silent.run(|_| 7), Some(7));
    });
}

#[test]
fn a_cancelled_limit_does_not_expire() {
    in_main_and_in_a_greenlet(|| {
        let done = Timeout::new(millis(10)).run(|running| {
            running.cancel();
            assert_eq!(Hub::current().stats().timers, 0);
            sleep(millis(30));
            running.cancel();
        });
        assert_eq!(done, Ok(()));
    });
}

#[test]
fn a_restarted_limit_gives_the_whole_time_again() {
    bounded(|| {
        let timeout = Timeout::new(millis(200));
        let took = timed(|| {
            let done = timeout.run(|running| {
                for _ in 0..5 {
                    sleep(millis(50));
                    running.restart();
                }
            });
            assert_eq!(done, Ok(()));
            let late = timeout.run(|running| {
                running.cancel();
                running.restart();
                sleep_for_ever();
            });
            assert!(late.is_err());
        });
        assert!(took >= millis(450), "{took:?}");
    });
}

#[test]
fn a_limit_can_be_used_again_after_it_has_expired() {
    bounded(|| {
        let timeout = Timeout::new(millis(5));
        for _ in 0..3 {
            assert!(timeout.run(|_| sleep_for_ever()).is_err());
            assert_eq!(timeout.run(|_| yield_now()), Ok(()));
        }
    });
}

#[test]
fn never_and_limits_too_long_to_count_do_not_expire() {
    bounded(|| {
        for timeout in [Timeout::never(), Timeout::from(None), Timeout::new(Duration::MAX)] {
            let done = timeout.run(|running| {
                assert!(!running.is_pending());
                running.restart();
                sleep(millis(2));
                Hub::current().stats().timers
            });
            assert_eq!(done, Ok(0));
        }
        assert_eq!(Timeout::from(Some(millis(3))).limit(), Some(millis(3)));
    });
}

#[test]
fn a_limit_counts_from_when_it_is_set() {
    bounded(|| {
        yield_now();
        compute(millis(100));
        assert!(with_timeout(millis(90), || sleep(millis(1))).is_ok());
        let timeout = Timeout::new(millis(90));
        compute(millis(100));
        assert!(timeout.run(|_| sleep(millis(1))).is_ok());
    });
}

#[test]
fn a_limit_of_zero_is_over_at_the_first_wait_or_yield() {
    in_main_and_in_a_greenlet(|| {
        let log = Log::default();
        let waits: [fn(); 3] = [yield_now, || sleep(millis(1)), || drop(spawn(|| ()).join())];
        for wait in waits {
            let ended = with_timeout(Duration::ZERO, || {
                log.note("begins");
                wait();
                log.note("goes on");
            });
            assert!(ended.is_err());
        }
        assert_eq!(log.take(), ["begins"; 3]);
        assert_eq!(with_timeout(Duration::ZERO, || 7), Ok(7), "nothing waits");
        yield_now();
        sleep(millis(1));
    });
}

#[test]
fn a_block_that_only_computes_gives_its_value_however_late() {
    in_main_and_in_a_greenlet(|| {
        assert!(with_timeout(millis(1), || compute(millis(10))).is_ok());
        yield_now();
        sleep(millis(1));
    });
}

#[test]
fn a_limit_is_pending_until_it_is_raised_or_cancelled() {
    bounded(|| {
        let _ = Timeout::new(millis(5)).run(|running| {
            assert!(running.is_pending());
            running.cancel();
            assert!(!running.is_pending());
            running.restart();
            assert!(running.is_pending());
            assert!(format!("{running:?}").contains("is_pending: true"));
            let caught = catch_unwind(AssertUnwindSafe(sleep_for_ever));
            assert!(caught.is_err() && !running.is_pending());
        });
        let _ = Timeout::new(Duration::ZERO).run(|running| assert!(running.is_pending()));
    });
}

#[test]
fn a_block_that_swallows_its_expiry_ends_like_any_other() {
    in_main_and_in_a_greenlet(|| {
        let value = with_timeout(millis(5), || {
            let caught = catch_unwind(AssertUnwindSafe(sleep_for_ever));
            // It is raised once, so there is time for more waits.
            sleep(millis(10));
            (caught.is_err(), 7)
        });
        assert_eq!(value, Ok((true, 7)));
        sleep(millis(1));
    });
}

#[test]
fn a_swallowed_limit_can_be_restarted() {
    bounded(|| {
        let ended = Timeout::new(millis(5)).run(|running| {
            drop(catch_unwind(AssertUnwindSafe(sleep_for_ever)));
            running.restart();
            sleep_for_ever();
        });
        assert!(ended.is_err());
    });
}

#[test]
fn an_expiry_taken_out_of_its_block_ends_its_greenlet_as_a_panic() {
    bounded(|| {
        let greenlet = spawn(|| {
            let payload = Cell::new(None);
            let _ = with_timeout(millis(1), || {
                payload.set(catch_unwind(AssertUnwindSafe(sleep_for_ever)).err());
            });
            let _ = with_timeout(millis(1), || panic::resume_unwind(payload.take().unwrap()));
        });
        assert!(matches!(greenlet.join(), Err(JoinError::Panicked(_))));
    });
}

#[test]
fn a_panic_of_the_block_passes_through() {
    bounded(|| {
        let caught =
            catch_unwind(|| with_timeout(millis(50), || panic::resume_unwind(Box::new(7))));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn an_expiry_calls_no_panic_hook() {
    static PANICKED: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
    let old = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICKED.lock().unwrap().push(thread::current().id());
        old(info);
    }));
    bounded(|| {
        assert!(with_timeout(millis(1), sleep_for_ever).is_err());
        let me = thread::current().id();
        assert!(!PANICKED.lock().unwrap().contains(&me));
    });
}

#[test]
fn nothing_of_the_block_is_kept_when_it_has_ended() {
    bounded(|| {
        let (captured, error) = (Rc::new(()), Rc::new(()));
        let weak = (Rc::downgrade(&captured), Rc::downgrade(&error));
        let ended = Timeout::new(millis(1)).with_error(error).run(move |_| {
            sleep_for_ever();
            drop(captured);
        });
        assert!(weak.0.upgrade().is_none() && weak.1.upgrade().is_some());
        drop(ended);
        assert!(weak.1.upgrade().is_none());
    });
}

#[test]
fn a_destructor_that_sets_a_limit_while_unwinding_is_not_ended_by_it() {
    bounded(|| {
        struct SetsALimit(Log);
        impl Drop for SetsALimit {
            fn drop(&mut self) {
                let done = with_timeout(millis(1), || sleep(millis(5)));
                let zero = with_timeout(Duration::ZERO, yield_now);
                self.0.note(format!("{} {}", done.is_ok(), zero.is_ok()));
            }
        }
        let log = Log::default();
        let guard = SetsALimit(log.clone());
        let ended = with_timeout(millis(1), move || {
            let _guard = guard;
            sleep_for_ever();
        });
        assert!(ended.is_err());
        assert_eq!(log.take(), ["true true"]);
        sleep(millis(1));
    });
}

#[test]
fn another_greenlet_may_lift_a_limit_and_set_it_again() {
    in_main_and_in_a_greenlet(|| {
        let lifted = Timeout::new(millis(5)).run(|running| {
            greenhub::scope(|scope| scope.spawn(|| running.cancel()).join()).unwrap();
            sleep(millis(10));
        });
        assert_eq!(lifted, Ok(()));
        let at_once = Timeout::new(Duration::ZERO).run(|running| {
            running.cancel();
            greenhub::scope(|scope| {
                scope.spawn(|| running.restart());
                yield_now();
                yield_now();
            });
        });
        assert!(at_once.is_err(), "it is the block's own greenlet that sees it");
    });
}

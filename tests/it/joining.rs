//! Waiting for the end of others.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::{Greenlet, Hub, Join, JoinError, joinall, joinall_for, sleep, spawn, yield_now};

use crate::support::{Log, bounded, message, millis, panic_of, timed};

#[test]
fn a_join_with_a_limit_leaves_the_greenlet_running() {
    bounded(|| {
        let greenlet = spawn(|| {
            sleep(millis(30));
            7
        });
        let took = timed(|| {
            assert!(matches!(greenlet.join_for(millis(5)), Err(JoinError::TimedOut)));
        });
        assert!(took >= millis(5), "{took:?}");
        assert_eq!(greenlet.join().unwrap(), 7);
    });
}

#[test]
fn a_join_with_a_limit_returns_when_the_greenlet_ends() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(5)));
        let took = timed(|| greenlet.join_for(Duration::from_secs(60)).unwrap());
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(Hub::current().stats().timers, 0, "the limit's timer is gone");
    });
}

#[test]
fn a_join_that_timed_out_is_not_woken_by_the_end() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(10)));
        assert!(!greenlet.wait_for(millis(1)));
        let took = timed(|| sleep(millis(30)));
        assert!(took >= millis(30), "{took:?}");
        assert!(greenlet.is_finished());
    });
}

#[test]
fn a_joiner_that_was_killed_does_not_disturb_the_others() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(20)));
        let joiners: Vec<_> = (0..5)
            .map(|_| {
                let greenlet = greenlet.clone();
                spawn(move || greenlet.wait())
            })
            .collect();
        yield_now();
        joiners[0].kill();
        joiners[3].kill();
        assert!(!greenlet.is_finished());
        joinall(&joiners);
        let ends: Vec<bool> = joiners.iter().map(|joiner| joiner.join().is_ok()).collect();
        assert_eq!(ends, [false, true, true, false, true]);
    });
}

#[test]
fn a_thousand_joiners_wake_in_the_order_in_which_they_came() {
    bounded(|| {
        let log = Log::new();
        let greenlet = spawn(|| sleep(millis(5)));
        let joiners: Vec<_> = (0..1000)
            .map(|n| {
                let (log, greenlet) = (log.clone(), greenlet.clone());
                spawn(move || {
                    greenlet.wait();
                    log.note(n);
                })
            })
            .collect();
        joinall(&joiners);
        assert_eq!(log.take(), (0..1000).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn a_greenlet_that_joins_itself_panics() {
    bounded(|| {
        let slot: Rc<RefCell<Option<Greenlet<()>>>> = Rc::default();
        let own = Rc::clone(&slot);
        let greenlet = spawn(move || own.take().unwrap().wait());
        slot.replace(Some(greenlet.clone()));
        let error = greenlet.join().unwrap_err();
        assert!(error.to_string().contains("cannot join itself"), "{error}");
    });
}

#[test]
fn main_cannot_be_joined() {
    bounded(|| {
        let payload = panic_of(|| greenhub::current().wait());
        assert!(message(&*payload).contains("cannot be joined"));
    });
}

#[test]
fn joinall_takes_greenlets_of_different_types() {
    bounded(|| {
        let (number, text, any) = (spawn(|| 7), spawn(|| "seven"), spawn(|| ()).any());
        joinall([&number as &dyn Join, &text, &any]);
        assert!(any.is_finished());
        assert_eq!((number.join().unwrap(), text.join().unwrap()), (7, "seven"));
    });
}

#[test]
fn joinall_takes_one_that_is_named_twice_and_none_at_all() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(1)));
        joinall([&greenlet, &greenlet, &greenlet]);
        assert!(greenlet.is_finished());
        joinall::<Greenlet<()>>([]);
        assert!(joinall_for::<Greenlet<()>>([], Duration::ZERO));
    });
}

#[test]
fn joinall_waits_on_after_a_panic() {
    bounded(|| {
        let all = [spawn(|| panic!("first")), spawn(|| sleep(millis(10)))];
        joinall(&all);
        assert!(all[1].is_finished());
        assert!(all[0].join().is_err());
    });
}

#[test]
fn joinall_with_a_limit_says_whether_all_have_ended() {
    bounded(|| {
        let all = [spawn(|| sleep(Duration::from_secs(60))), spawn(|| sleep(millis(1)))];
        let took = timed(|| assert!(!joinall_for(&all, millis(20))));
        assert!(took >= millis(20) && took < Duration::from_secs(5), "{took:?}");
        assert!(all[1].is_finished());
        all[0].kill();
        assert!(joinall_for(&all, Duration::ZERO));
    });
}

#[test]
fn a_limit_of_zero_returns_though_the_greenlet_runs_on() {
    bounded(|| {
        let greenlet = spawn(|| sleep(millis(60_000)));
        assert!(!greenlet.wait_for(Duration::ZERO));
        assert!(matches!(greenlet.join_for(Duration::ZERO), Err(JoinError::TimedOut)));
        greenlet.kill();
    });
}

#[test]
fn waiting_for_one_that_has_ended_returns_at_once_again_and_again() {
    bounded(|| {
        let greenlet = spawn(|| 7);
        for _ in 0..3 {
            greenlet.wait();
            assert!(greenlet.wait_for(Duration::ZERO));
        }
        assert_eq!(greenlet.join().unwrap(), 7);
    });
}

#[test]
fn a_join_while_the_caller_unwinds_is_refused() {
    struct JoinsInDrop(Greenlet<()>, Log);
    impl Drop for JoinsInDrop {
        fn drop(&mut self) {
            self.1.note(self.0.join().unwrap_err());
        }
    }
    bounded(|| {
        let log = Log::new();
        let other = spawn(|| sleep(millis(5)));
        let guard = JoinsInDrop(other.clone(), log.clone());
        let unwinds = spawn(move || {
            let _guard = guard;
            panic!("unwinds");
        });
        assert!(unwinds.join().is_err());
        assert_eq!(log.take(), ["a greenlet cannot wait while it unwinds"]);
        other.join().unwrap();
    });
}

#[test]
fn a_limit_that_is_over_before_the_woken_greenlet_runs_disturbs_nobody() {
    bounded(|| {
        let joiner = spawn(|| {
            let ends_soon = spawn(|| ());
            ends_soon.join_for(millis(5)).is_ok()
        });
        // It wakes the joiner; more than a turn's switches, and the limit, lie before its own.
        yield_now();
        let others: Vec<_> = (0..200).map(|_| spawn(|| std::thread::sleep(millis(1)))).collect();
        let far = spawn(|| sleep(millis(300)));
        assert!(joiner.join().unwrap());
        joinall(&others);
        assert!(far.join().is_ok());
    });
}

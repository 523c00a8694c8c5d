//! Greenlets that wait for signals.

use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenhub::signal::{self, SIGHUP, SIGUSR1, SIGUSR2, Signals};
use greenhub::{sleep, spawn, with_timeout};
use rustix::process::Signal;

use crate::support::{alone, send};

const BRIEF: Duration = Duration::from_millis(5);

#[test]
fn a_greenlet_waits_for_a_signal_while_others_run() {
    alone("waiting::a_greenlet_waits_for_a_signal_while_others_run", || {
        let waiter = spawn(|| signal::wait(SIGUSR1, None));
        sleep(BRIEF);
        assert!(!waiter.any().is_dead());
        send(Signal::USR1);
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn a_limit_that_is_over_is_an_error() {
    alone("waiting::a_limit_that_is_over_is_an_error", || {
        let signals = Signals::new([SIGUSR1]).unwrap();
        assert_eq!(signals.wait_for(BRIEF).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(signals.wait_for(Duration::ZERO).unwrap_err().kind(), ErrorKind::TimedOut);
        let waited = signal::wait(SIGUSR2, Some(BRIEF));
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn signals_that_come_while_nobody_waits_are_kept() {
    alone("waiting::signals_that_come_while_nobody_waits_are_kept", || {
        let all = [SIGUSR2, SIGHUP, SIGUSR1];
        let signals = Signals::new(all).unwrap();
        // These are told after it.
        let witnesses = all.map(|signal| Signals::new([signal]).unwrap());
        send(Signal::USR2);
        send(Signal::USR1);
        send(Signal::HUP);
        witnesses.iter().for_each(|witness| assert!(witness.wait().is_ok()));
        let taken: Vec<i32> = signals.iter().take(3).collect();
        assert_eq!(taken, [SIGHUP, SIGUSR1, SIGUSR2]);
        assert!(signals.wait_for(Duration::ZERO).is_err());
    });
}

#[test]
fn the_highest_signal_is_kept_apart_from_the_others() {
    alone("waiting::the_highest_signal_is_kept_apart_from_the_others", || {
        let highest = libc::SIGRTMAX();
        let signals = Signals::new([highest, SIGHUP]).unwrap();
        let sent = std::process::Command::new("kill")
            .args([format!("-{highest}"), std::process::id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(signals.wait().unwrap(), highest);
    });
}

#[test]
fn a_kill_or_a_timeout_takes_no_signal() {
    alone("waiting::a_kill_or_a_timeout_takes_no_signal", || {
        let signals = Rc::new(Signals::new([SIGUSR1]).unwrap());
        let waits = Rc::clone(&signals);
        let killed = spawn(move || waits.wait());
        sleep(BRIEF);
        killed.kill();
        assert!(with_timeout(BRIEF, || signals.wait()).is_err());
        send(Signal::USR1);
        assert_eq!(signals.wait().unwrap(), SIGUSR1);
    });
}

#[test]
fn each_signal_goes_to_one_of_those_who_wait_in_any_thread() {
    alone("waiting::each_signal_goes_to_one_of_those_who_wait_in_any_thread", || {
        let signals = Arc::new(Signals::new([SIGUSR1]).unwrap());
        let theirs = Arc::clone(&signals);
        let thread = std::thread::spawn(move || theirs.wait());
        let ours = Arc::clone(&signals);
        let greenlet = spawn(move || ours.wait());
        sleep(Duration::from_millis(20));
        send(Signal::USR1);
        while !greenlet.any().is_dead() && !thread.is_finished() {
            sleep(Duration::from_millis(1));
        }
        sleep(BRIEF);
        assert!(!greenlet.any().is_dead() || !thread.is_finished(), "one of them still waits");
        send(Signal::USR1);
        assert_eq!(greenlet.join().unwrap().unwrap(), SIGUSR1);
        assert_eq!(thread.join().unwrap().unwrap(), SIGUSR1);
    });
}

#[test]
fn many_signals_at_once_do_not_overflow_the_stack_for_signals() {
    alone("waiting::many_signals_at_once_do_not_overflow_the_stack_for_signals", || {
        let many = [Signal::HUP, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::WINCH];
        let signals = Signals::new(many.map(Signal::as_raw)).unwrap();
        for _ in 0..200 {
            many.into_iter().for_each(send);
        }
        let mut seen: Vec<i32> = signals.iter().take(many.len()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() > 1, "{seen:?}");
        // Those that are still on their way would find the default.
        std::thread::sleep(Duration::from_millis(100));
    });
}

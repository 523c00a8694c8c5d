//! What is left when a handler is removed.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use greenhub::signal::{SIGTERM, SIGUSR1, Signals, on_signal};
use greenhub::sleep;
use rustix::process::Signal;

use crate::support::{alone, child, send, until};

#[test]
fn a_dropped_guard_removes_the_handler_and_what_it_captured() {
    alone("ending::a_dropped_guard_removes_the_handler_and_what_it_captured", || {
        let captured = Rc::new(Cell::new(0));
        let first = Rc::clone(&captured);
        let removed = on_signal(SIGUSR1, move || first.set(first.get() + 1)).unwrap();
        let second = Rc::clone(&captured);
        let _stays = on_signal(SIGUSR1, move || second.set(second.get() + 100)).unwrap();
        send(Signal::USR1);
        until(|| captured.get() == 101);
        removed.cancel();
        assert_eq!(Rc::strong_count(&captured), 2);
        send(Signal::USR1);
        until(|| captured.get() == 201);
    });
}

#[test]
fn a_signal_that_came_before_the_guard_was_dropped_is_not_told_after() {
    alone("ending::a_signal_that_came_before_the_guard_was_dropped_is_not_told_after", || {
        let called = Rc::new(Cell::new(false));
        let sink = Rc::clone(&called);
        let guard = on_signal(SIGUSR1, move || sink.set(true)).unwrap();
        send(Signal::USR1);
        std::thread::sleep(Duration::from_millis(200));
        drop(guard);
        sleep(Duration::from_millis(5));
        assert!(!called.get());
    });
}

#[test]
fn after_the_last_handler_the_signal_ends_the_process_again() {
    let name = "ending::after_the_last_handler_the_signal_ends_the_process_again";
    let ended = child(name, || {
        let guard = on_signal(SIGTERM, || ()).unwrap();
        let other = Signals::new([SIGTERM]).unwrap();
        drop(guard);
        send(Signal::TERM);
        assert_eq!(other.wait().unwrap(), SIGTERM);
        drop(other);
        eprintln!("still here");
        send(Signal::TERM);
        sleep(Duration::from_secs(10));
        eprintln!("still there");
    });
    let Some((output, said)) = ended else { return };
    assert_eq!(output.status.signal(), Some(SIGTERM), "{said}");
    assert!(said.contains("still here") && !said.contains("still there"), "{said}");
}

static ELSEWHERE: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_elsewhere(_signal: libc::c_int) {
    ELSEWHERE.fetch_add(1, Ordering::SeqCst);
}

/// What a library that knows nothing of greenhub does.
#[allow(unsafe_code)]
fn handle_elsewhere() {
    // SAFETY: the handler only counts.
    unsafe { libc::signal(SIGUSR1, count_elsewhere as *const () as libc::sighandler_t) };
}

#[test]
fn a_handler_that_was_there_before_is_called_too_and_is_alone_again_after() {
    alone("ending::a_handler_that_was_there_before_is_called_too_and_is_alone_again_after", || {
        handle_elsewhere();
        let signals = Signals::new([SIGUSR1]).unwrap();
        send(Signal::USR1);
        signals.wait().unwrap();
        assert_eq!(ELSEWHERE.load(Ordering::SeqCst), 1);
        drop(signals);
        send(Signal::USR1);
        until(|| ELSEWHERE.load(Ordering::SeqCst) == 2);
    });
}

#[test]
fn a_handler_that_was_put_above_ours_stays() {
    alone("ending::a_handler_that_was_put_above_ours_stays", || {
        let first = Signals::new([SIGUSR1]).unwrap();
        handle_elsewhere();
        drop(first);
        send(Signal::USR1);
        until(|| ELSEWHERE.load(Ordering::SeqCst) == 1);
    });
}

#[test]
fn a_handler_that_was_kept_lives_as_long_as_its_thread() {
    alone("ending::a_handler_that_was_kept_lives_as_long_as_its_thread", || {
        handle_elsewhere();
        std::thread::spawn(|| {
            let called = Rc::new(Cell::new(0));
            let sink = Rc::clone(&called);
            on_signal(SIGUSR1, move || sink.set(sink.get() + 1)).unwrap().keep();
            send(Signal::USR1);
            until(|| called.get() == 1);
        })
        .join()
        .unwrap();
        let before = ELSEWHERE.load(Ordering::SeqCst);
        send(Signal::USR1);
        until(|| ELSEWHERE.load(Ordering::SeqCst) > before);
    });
}

#[test]
fn handlers_that_come_and_go_leave_no_descriptor() {
    alone("ending::handlers_that_come_and_go_leave_no_descriptor", || {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        drop(on_signal(SIGUSR1, || ()).unwrap());
        let before = open();
        for _ in 0..200 {
            drop(on_signal(SIGUSR1, || ()).unwrap());
            drop(Signals::new([SIGUSR1, SIGTERM]).unwrap());
            assert!(on_signal(libc::SIGKILL, || ()).is_err());
        }
        assert_eq!(open(), before);
    });
}

//! Functions that are called when a signal comes.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use greenhub::signal::{SIGINT, SIGUSR1, SIGUSR2, on_signal};
use greenhub::sync::Event;
use greenhub::{Builder, Hub, current, sleep, spawn, yield_now};
use rustix::process::Signal;

use crate::support::{alone, bounded, send, until};

#[test]
fn a_handler_runs_in_a_greenlet_of_its_own_and_may_wait() {
    alone("handlers::a_handler_runs_in_a_greenlet_of_its_own_and_may_wait", || {
        let seen = Rc::new(RefCell::new(None));
        let sink = Rc::clone(&seen);
        let _guard = on_signal(SIGUSR1, move || {
            sleep(Duration::from_millis(2));
            sink.replace(current().name());
        });
        send(Signal::USR1);
        until(|| seen.borrow().is_some());
        assert_eq!(seen.take().unwrap(), format!("signal {SIGUSR1}"));
        until(|| Hub::current().stats().stacks_in_use == 0);
    });
}

#[test]
fn it_is_called_again_while_it_still_waits() {
    alone("handlers::it_is_called_again_while_it_still_waits", || {
        let gate = Rc::new(Event::new());
        let calls = Rc::new(Cell::new(0));
        let (waits, count) = (gate.clone(), calls.clone());
        let _guard = on_signal(SIGUSR1, move || {
            count.set(count.get() + 1);
            waits.wait().unwrap();
        });
        for expected in 1..=3 {
            send(Signal::USR1);
            until(|| calls.get() == expected);
        }
        gate.set();
    });
}

#[test]
fn all_handlers_of_a_signal_are_called_in_order() {
    alone("handlers::all_handlers_of_a_signal_are_called_in_order", || {
        let calls = Rc::new(RefCell::new(Vec::new()));
        let guards: Vec<_> = (0..5)
            .map(|number| {
                let sink = Rc::clone(&calls);
                on_signal(SIGUSR1, move || sink.borrow_mut().push(number)).unwrap()
            })
            .collect();
        let other = Rc::new(Cell::new(false));
        let sink = Rc::clone(&other);
        let _other = on_signal(SIGUSR2, move || sink.set(true)).unwrap();
        send(Signal::USR1);
        until(|| calls.borrow().len() == 5);
        assert_eq!(*calls.borrow(), [0, 1, 2, 3, 4]);
        assert!(!other.get(), "a handler of another signal");
        drop(guards);
    });
}

#[test]
fn handlers_of_several_hubs_are_all_called() {
    alone("handlers::handlers_of_several_hubs_are_all_called", || {
        static READY: AtomicU32 = AtomicU32::new(0);
        static CALLED: AtomicU32 = AtomicU32::new(0);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    let called = Rc::new(Event::new());
                    let sink = Rc::clone(&called);
                    let _guard = on_signal(SIGUSR1, move || sink.set()).unwrap();
                    READY.fetch_add(1, Ordering::SeqCst);
                    called.wait().unwrap();
                    CALLED.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        until(|| READY.load(Ordering::SeqCst) == 4);
        send(Signal::USR1);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(CALLED.load(Ordering::SeqCst), 4);
    });
}

#[test]
fn of_signals_that_come_quickly_the_last_is_never_lost() {
    alone("handlers::of_signals_that_come_quickly_the_last_is_never_lost", || {
        let calls = Rc::new(Cell::new(0));
        let count = Rc::clone(&calls);
        let _guard = on_signal(SIGUSR1, move || count.set(count.get() + 1)).unwrap();
        let mut sent = 0;
        for burst in 1..100 {
            let before = calls.get();
            for _ in 0..burst {
                send(Signal::USR1);
            }
            sent += burst;
            until(|| calls.get() > before);
        }
        assert!(calls.get() <= sent, "no call without a signal");
        // Those that are still on their way would find the default, when the guard is gone.
        std::thread::sleep(Duration::from_millis(100));
    });
}

#[test]
fn a_handlers_panic_is_told_to_the_error_hook_and_it_stays() {
    alone("handlers::a_handlers_panic_is_told_to_the_error_hook_and_it_stays", || {
        let told = Rc::new(RefCell::new(Vec::new()));
        let sink = Rc::clone(&told);
        Hub::current().set_error_hook(move |unhandled| {
            sink.borrow_mut().push(unhandled.message().unwrap().to_owned());
        });
        let _guard = on_signal(SIGUSR1, || panic!("handler failed")).unwrap();
        for expected in 1..=2 {
            send(Signal::USR1);
            until(|| told.borrow().len() == expected);
        }
        assert_eq!(*told.borrow(), ["handler failed", "handler failed"]);
    });
}

#[test]
fn signals_that_cannot_be_handled_are_refused() {
    bounded(|| {
        for signal in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGFPE] {
            let error = on_signal(signal, || ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&format!("signal {signal} cannot be handled")));
        }
        for signal in [libc::SIGILL, libc::SIGBUS, 0, -1, 32, 65, 1_000, i32::MAX, i32::MIN] {
            let error = on_signal(signal, || ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "signal {signal}");
        }
    });
}

#[test]
fn a_hub_that_is_never_idle_hears_of_it() {
    alone("handlers::a_hub_that_is_never_idle_hears_of_it", || {
        let called = Rc::new(Cell::new(false));
        let sink = Rc::clone(&called);
        let _guard = on_signal(SIGUSR1, move || sink.set(true)).unwrap();
        send(Signal::USR1);
        while !called.get() {
            yield_now();
        }
    });
}

#[test]
fn a_sleeping_hub_is_woken_at_once() {
    alone("handlers::a_sleeping_hub_is_woken_at_once", || {
        let start = Instant::now();
        let sleeper = spawn(|| sleep(Duration::from_secs(1_000)));
        let ends = sleeper.clone();
        let _guard = on_signal(SIGINT, move || ends.kill()).unwrap();
        let thread = std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(10));
            send(Signal::INT);
        });
        sleeper.wait();
        thread.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(90));
    });
}

#[test]
fn a_greenlet_on_the_smallest_stack_can_be_interrupted() {
    alone("handlers::a_greenlet_on_the_smallest_stack_can_be_interrupted", || {
        let calls = Rc::new(Cell::new(0));
        let count = Rc::clone(&calls);
        let _guard = on_signal(SIGUSR1, move || count.set(count.get() + 1)).unwrap();
        let seen = Rc::clone(&calls);
        let busy = Builder::new().stack_size(1).spawn(move || {
            while seen.get() < 50 {
                for _ in 0..10 {
                    send(Signal::USR1);
                }
                yield_now();
            }
        });
        busy.unwrap().join().unwrap();
        // Those that are still on their way would find the default, when the guard is gone.
        std::thread::sleep(Duration::from_millis(100));
    });
}

#[test]
fn while_a_handler_is_there_nobody_waits_for_ever() {
    alone("handlers::while_a_handler_is_there_nobody_waits_for_ever", || {
        let sleeper = spawn(|| sleep(Duration::MAX));
        let ends = sleeper.clone();
        let guard = on_signal(SIGUSR1, move || ends.kill()).unwrap();
        let thread = std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            send(Signal::USR1);
        });
        sleeper.wait();
        thread.join().unwrap();
        guard.unref();
        let never = spawn(|| sleep(Duration::MAX));
        let waits = std::panic::AssertUnwindSafe(|| never.wait());
        let report = std::panic::catch_unwind(waits).unwrap_err();
        let report = report.downcast_ref::<String>().unwrap();
        assert!(report.contains("everything waits for ever"), "{report}");
    });
}

#[test]
fn a_handler_keeps_a_join_of_the_hub_waiting_unless_it_is_unreferenced() {
    let name = "handlers::a_handler_keeps_a_join_of_the_hub_waiting_unless_it_is_unreferenced";
    alone(name, || {
        let hub = Hub::current();
        let called = Rc::new(Cell::new(false));
        let sink = Rc::clone(&called);
        let guard = on_signal(SIGUSR1, move || sink.set(true)).unwrap();
        assert!(!hub.join_for(Duration::from_millis(5)));
        guard.unref();
        hub.join();
        assert!(!called.get());
        send(Signal::USR1);
        until(|| called.get());
    });
}

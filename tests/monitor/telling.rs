//! What is told of a hub that is held up.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use greenhub::monitor::{Event, Monitor, Runner, excused};
use greenhub::{Builder, Hub, current, sleep, spawn, yield_now};

use crate::support::{LIMIT, alone, millis, spin, start};

#[test]
fn a_greenlet_that_blocks_is_told_of_while_it_does() {
    alone("telling::a_greenlet_that_blocks_is_told_of_while_it_does", || {
        let (_monitoring, told) = start(Monitor::new());
        let rude = Builder::new().name("rude").spawn(move || told.block_until_told()).unwrap();
        let (id, stall) = (rude.id(), rude.join().unwrap());
        let Runner::Greenlet { id: told_id, name, spawned_at } = &stall.runner else {
            panic!("{stall:?}");
        };
        assert_eq!((*told_id, name.as_deref()), (id, Some("rude")));
        assert_eq!(spawned_at.file(), file!());
        assert_eq!(stall.thread.as_deref(), thread::current().name());
        assert!(stall.blocked_for >= LIMIT, "{stall:?}");
        let text = Event::Blocked(stall.clone()).to_string();
        let begin = format!("appears to be blocked: greenlet {id} 'rude' (made at {}", file!());
        assert!(text.contains(&begin), "{text}");
        if cfg!(target_os = "linux") {
            assert!(stall.thread_id.is_some_and(|id| id != std::process::id()), "{stall:?}");
            let doing = stall.doing.expect("the kernel says what it does");
            assert_eq!(doing.state, 'S');
            // It may keep the call to itself.
            assert!(doing.call.is_none_or(|call| call == "futex"));
        }
    });
}

#[test]
fn main_that_blocks_is_told_of_if_there_is_anyone_else() {
    alone("telling::main_that_blocks_is_told_of_if_there_is_anyone_else", || {
        let (_monitoring, told) = start(Monitor::new());
        thread::sleep(LIMIT * 4);
        told.is_silent();
        let _waits = spawn(|| sleep(Duration::from_secs(3600)));
        let stall = told.block_until_told();
        assert_eq!(stall.runner, Runner::Main);
    });
}

#[test]
fn a_greenlet_that_computes_is_told_of() {
    alone("telling::a_greenlet_that_computes_is_told_of", || {
        let heard = Arc::new(AtomicUsize::new(0));
        let hears = Arc::clone(&heard);
        let monitor = Monitor::new().on_event(move |event| {
            let Event::Blocked(stall) = event else { panic!("{event}") };
            assert!(matches!(stall.runner, Runner::Greenlet { .. }), "{event}");
            hears.fetch_add(1, Ordering::SeqCst);
        });
        let _monitoring = monitor.start().unwrap();
        let computes = spawn(move || {
            while heard.load(Ordering::SeqCst) == 0 {
                spin(millis(1));
            }
        });
        computes.join().unwrap();
    });
}

#[test]
fn a_callback_that_blocks_is_told_of() {
    alone("telling::a_callback_that_blocks_is_told_of", || {
        let (_monitoring, told) = start(Monitor::new());
        let runner = Rc::new(Cell::new(None));
        let seen = Rc::clone(&runner);
        let waits = spawn(|| sleep(Duration::from_secs(3600)));
        yield_now();
        Hub::current().run_callback(move || seen.set(Some(told.block_until_told().runner)));
        sleep(millis(1));
        assert_eq!(runner.take(), Some(Runner::Hub));
        waits.kill();
    });
}

#[test]
fn each_stall_is_told_once_and_so_is_its_end_if_that_is_asked_for() {
    alone("telling::each_stall_is_told_once_and_so_is_its_end_if_that_is_asked_for", || {
        let (_monitoring, told) = start(Monitor::new().tell_ends(true));
        for round in 0..3 {
            let rude = told.clone();
            let first = spawn(move || {
                let stall = rude.block_until_told();
                thread::sleep(LIMIT * 3);
                stall
            });
            let first = first.join().unwrap();
            let Event::Ended(end) = told.block_until_next() else { panic!("round {round}") };
            assert_eq!(end.runner, first.runner);
            assert!(end.blocked_for > first.blocked_for, "{end:?}");
            // Main was alone while it waited for that.
            told.is_silent();
        }
    });
}

#[test]
fn one_that_lets_others_run_is_not_blocked_and_one_that_does_not_is() {
    alone("telling::one_that_lets_others_run_is_not_blocked_and_one_that_does_not_is", || {
        let (_monitoring, told) = start(Monitor::new().limit(millis(300)));
        let polite: Vec<_> = (0..2)
            .map(|_| {
                spawn(|| {
                    for _ in 0..200 {
                        spin(millis(3));
                        yield_now();
                    }
                })
            })
            .collect();
        polite.iter().for_each(|greenlet| greenlet.wait());
        told.is_silent();
        let other = told.clone();
        spawn(move || excused(|| thread::sleep(millis(1200)))).wait();
        told.is_silent();
        let rude = spawn(move || {
            excused(|| thread::sleep(millis(10)));
            other.block_until_told();
        });
        rude.join().unwrap();
    });
}

#[test]
fn those_who_were_there_before_the_monitor_are_known_and_new_names_as_well() {
    alone(
        "telling::those_who_were_there_before_the_monitor_are_known_and_new_names_as_well",
        || {
            let (go, gone) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
            let (takes, puts) = (Rc::clone(&go), Rc::clone(&gone));
            let early = Builder::new().name("early").spawn(move || {
                yield_now();
                let told: crate::support::Told = takes.take().unwrap();
                puts.set(Some(told.block_until_told().runner));
                current().set_name("renamed");
                puts.set(Some(told_again(&told)));
            });
            let early = early.unwrap();
            yield_now();
            let (_monitoring, told) = start(Monitor::new());
            go.set(Some(told));
            early.join().unwrap();
            let Some(Runner::Greenlet { name, .. }) = gone.take() else { panic!() };
            assert_eq!(name.as_deref(), Some("renamed"));
        },
    );

    fn told_again(told: &crate::support::Told) -> Runner {
        yield_now();
        told.block_until_told().runner
    }
}

#[test]
fn hubs_of_other_threads_are_looked_at() {
    alone("telling::hubs_of_other_threads_are_looked_at", || {
        let (ready, is_ready) = mpsc::channel();
        let (go, goes) = mpsc::channel::<crate::support::Told>();
        let other = thread::Builder::new().name("other".into()).spawn(move || {
            let waits = spawn(|| sleep(Duration::from_secs(3600)));
            yield_now();
            ready.send(()).unwrap();
            let told = goes.recv().unwrap();
            // It has to come round once to learn of the monitor.
            sleep(millis(1));
            let stall = told.block_until_told();
            waits.kill();
            stall
        });
        is_ready.recv().unwrap();
        let (_monitoring, told) = start(Monitor::new());
        go.send(told).unwrap();
        let stall = other.unwrap().join().unwrap();
        assert_eq!((stall.thread.as_deref(), stall.runner), (Some("other"), Runner::Main));
    });
}

#[test]
fn two_monitors_have_each_its_own_limit() {
    alone("telling::two_monitors_have_each_its_own_limit", || {
        let (_soon, told_soon) = start(Monitor::new().limit(millis(50)));
        let (late, told_late) = start(Monitor::new().limit(millis(400)));
        let late_too = told_late.clone();
        let rude = spawn(move || (told_soon.block_until_told(), late_too.block_until_told()));
        let (first, second) = rude.join().unwrap();
        assert!(first.blocked_for < second.blocked_for);
        assert!(second.blocked_for >= millis(400));
        drop(late);
        let (_more, told_more) = start(Monitor::new());
        spawn(move || told_more.block_until_told()).join().unwrap();
        told_late.is_silent();
    });
}

#[test]
fn a_hook_that_panics_is_called_again() {
    alone("telling::a_hook_that_panics_is_called_again", || {
        let heard = Arc::new(AtomicUsize::new(0));
        let hears = Arc::clone(&heard);
        let monitor = Monitor::new().on_event(move |_| {
            hears.fetch_add(1, Ordering::SeqCst);
            panic!("it is of no use");
        });
        let _monitoring = monitor.start().unwrap();
        for times in 1..=2 {
            let heard = Arc::clone(&heard);
            let rude = spawn(move || {
                while heard.load(Ordering::SeqCst) < times {
                    thread::sleep(millis(1));
                }
            });
            rude.join().unwrap();
        }
    });
}

//! Where greenlets stand.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use greenhub::debug::{Kind, NoTrace, Survey, trace_of};
use greenhub::sync::{Event, Semaphore};
use greenhub::{
    AnyGreenlet, Builder, Hub, current, offload, raw, sleep, spawn, with_timeout, yield_now,
};

use crate::support::{LONG, Log, bounded, millis};

#[inline(never)]
fn doze(duration: Duration) {
    sleep(duration);
    black_box(());
}

#[inline(never)]
fn mains_own(of: &AnyGreenlet) {
    of.wait();
    black_box(());
}

fn text(of: &AnyGreenlet) -> String {
    trace_of(of).expect("it is parked").to_string()
}

#[test]
fn the_trace_of_one_that_waits_names_its_functions_and_nothing_of_the_asker() {
    #[inline(never)]
    fn asks(of: &AnyGreenlet) -> String {
        black_box(text(of))
    }
    bounded(|| {
        let sleeper = spawn(|| doze(LONG));
        yield_now();
        let any = sleeper.any();
        for told in [asks(&any), spawn(move || asks(&any)).join().unwrap()] {
            assert!(told.contains("doze at "), "{told}");
            assert!(!told.contains("asks") && !told.contains("bounded"), "{told}");
            assert!(!told.contains("coroutine_func") && !told.contains("run_errand"), "{told}");
        }
        sleeper.kill();
    });
}

#[test]
fn main_has_a_trace_wherever_it_is_asked_from() {
    #[inline(never)]
    fn of_main() -> String {
        let dump = Survey::new().only_here(true).traces(true).take();
        dump.here().unwrap().greenlets[0].trace.as_ref().unwrap().as_ref().unwrap().to_string()
    }
    bounded(|| {
        yield_now();
        let told = of_main();
        assert!(told.contains("main_has_a_trace") && !told.contains("Survey"), "{told}");
        let told = Rc::new(RefCell::new(Vec::new()));
        let sink = Rc::clone(&told);
        let greenlet = spawn(move || {
            sink.borrow_mut().push(of_main());
            let own = Rc::clone(&sink);
            Hub::current().run_callback(move || own.borrow_mut().push(of_main()));
            sleep(millis(2));
        });
        mains_own(&greenlet.any());
        for told in told.take() {
            assert!(told.contains("mains_own"), "{told}");
            assert!(!told.contains("of_main") && !told.contains("suspend_main"), "{told}");
        }
    });
}

#[test]
fn one_that_runs_has_a_trace_of_itself() {
    #[inline(never)]
    fn asks() -> String {
        black_box(text(&current()))
    }
    bounded(|| {
        let told = spawn(asks).join().unwrap();
        assert!(told.contains("asks") && !told.contains("bounded"), "{told}");
    });
}

#[test]
fn where_there_is_none_the_reason_is_told() {
    bounded(|| {
        let unbegun = spawn(yield_now);
        assert_eq!(trace_of(&unbegun.any()).unwrap_err(), NoTrace::NotBegun);
        yield_now();
        assert_eq!(trace_of(&unbegun.any()).unwrap_err(), NoTrace::NotParked);
        unbegun.wait();
        assert_eq!(trace_of(&unbegun.any()).unwrap_err(), NoTrace::Ended);

        let main = raw::main().takes::<()>();
        let switched = raw::Greenlet::new(move |()| drop(main.switch::<()>(())));
        switched.switch::<()>(()).unwrap();
        let dump = Survey::new().only_here(true).traces(true).take();
        let seen = dump.here().unwrap().greenlets.iter().find(|it| it.kind == Kind::Raw).unwrap();
        assert!(matches!(seen.trace, Some(Err(NoTrace::NotParked))));
        assert!(dump.to_string().contains("no trace: it does not wait in the hub"));
    });
}

#[inline(never)]
fn doze_deep() -> u8 {
    let mut frame = [1u8; 6 * 1024];
    black_box(&mut frame);
    sleep(LONG);
    black_box(&mut frame)[3]
}

#[test]
fn one_with_little_room_on_its_stack_is_left_alone() {
    bounded(|| {
        let narrow = Builder::new().stack_size(16 * 1024).spawn(doze_deep).unwrap();
        let wide = Builder::new().stack_size(64 * 1024).spawn(doze_deep).unwrap();
        yield_now();
        assert_eq!(trace_of(&narrow.any()).unwrap_err(), NoTrace::NoRoom);
        assert!(text(&wide.any()).contains("doze_deep"));
        narrow.kill();
        wide.kill();
    });
}

#[test]
fn a_wait_goes_on_as_if_nobody_had_looked() {
    bounded(|| {
        let log = Log::default();
        let sleeper = {
            let log = log.clone();
            spawn(move || {
                let start = Instant::now();
                sleep(millis(50));
                log.note(start.elapsed() >= millis(50));
            })
        };
        let turns = Rc::new(Semaphore::new(0));
        let waiters: Vec<_> = (0..5)
            .map(|n| {
                let (turns, log) = (Rc::clone(&turns), log.clone());
                spawn(move || {
                    turns.acquire().unwrap();
                    log.note(n);
                })
            })
            .collect();
        yield_now();
        let before = Hub::current().stats();
        for _ in 0..100 {
            waiters.iter().for_each(|waiter| drop(trace_of(&waiter.any()).unwrap()));
            drop(trace_of(&sleeper.any()).unwrap());
        }
        let after = Hub::current().stats();
        assert_eq!(before, after, "nothing that is counted has changed");
        for _ in 0..5 {
            turns.release();
        }
        greenhub::joinall(&waiters);
        assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
        sleeper.wait();
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn one_that_was_woken_and_has_not_run_runs_once() {
    bounded(|| {
        let event = Rc::new(Event::new());
        let (own, log) = (Rc::clone(&event), Log::default());
        let sink = log.clone();
        let woken = spawn(move || {
            own.wait().unwrap();
            sink.note("woken");
            sleep(millis(1));
            sink.note("slept");
        });
        yield_now();
        event.set();
        assert!(text(&woken.any()).contains("closure"));
        assert!(log.take().is_empty());
        woken.wait();
        assert_eq!(log.take(), ["woken", "slept"]);
    });
}

#[test]
fn kills_and_limits_end_the_wait_of_one_that_was_looked_at() {
    bounded(|| {
        let killed = spawn(|| doze(LONG));
        let limited = spawn(|| with_timeout(millis(20), || doze(LONG)).is_err());
        yield_now();
        for _ in 0..10 {
            drop((trace_of(&killed.any()).unwrap(), trace_of(&limited.any()).unwrap()));
        }
        killed.start_kill();
        // Its wait is over, and it has not unwound yet.
        drop(trace_of(&killed.any()).unwrap());
        killed.kill();
        assert!(killed.join().is_err());
        assert!(limited.join().unwrap());
    });
}

#[test]
fn one_that_lends_its_frame_can_be_looked_at() {
    bounded(|| {
        let go_on = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&go_on);
        let lends = spawn(move || {
            let mut buffer = [0u8; 64];
            offload(|| {
                while !own.load(Ordering::Acquire) {
                    std::thread::sleep(millis(1));
                }
                buffer.fill(7);
            });
            buffer
        });
        sleep(millis(5));
        for _ in 0..20 {
            drop(trace_of(&lends.any()).unwrap());
        }
        go_on.store(true, Ordering::Release);
        assert_eq!(lends.join().unwrap(), [7; 64]);
    });
}

#[test]
fn a_destructor_that_runs_on_top_of_others_can_ask_for_all() {
    struct Asks(Rc<Cell<usize>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let dump = Survey::new().only_here(true).traces(true).take();
            let with_trace = dump.here().unwrap().greenlets.iter();
            self.0.set(with_trace.filter(|it| matches!(it.trace, Some(Ok(_)))).count());
        }
    }
    bounded(|| {
        let sleeper = spawn(|| doze(LONG));
        yield_now();
        let count = Rc::new(Cell::new(0));
        let asks = Asks(Rc::clone(&count));
        let main = raw::main().takes::<()>();
        let unreachable = raw::Greenlet::new(move |()| {
            let _asks = asks;
            let _ = main.switch::<()>(());
        });
        unreachable.switch::<()>(()).unwrap();
        // It unwinds on top of this greenlet, which is neither parked nor the current one then.
        spawn(move || drop(unreachable)).wait();
        assert_eq!(count.get(), 3, "main, the sleeper, and the one that asks");
        sleeper.kill();
    });
}

#[test]
fn a_generator_inside_a_greenlet_can_ask() {
    bounded(|| {
        let sleeper = spawn(|| doze(LONG));
        yield_now();
        let any = sleeper.any();
        let told = spawn(move || {
            let mut texts: raw::Generator<String> = raw::generator(move |yielder| {
                yielder.give(text(&any));
            });
            texts.next().unwrap()
        });
        assert!(told.join().unwrap().contains("doze at "));
        sleeper.kill();
    });
}

#[test]
fn a_thousand_are_looked_at_and_end() {
    bounded(|| {
        let sleepers: Vec<_> = (0..1_000).map(|_| spawn(|| sleep(millis(30)))).collect();
        yield_now();
        for _ in 0..3 {
            let _dump = Survey::new().only_here(true).traces(true).take();
        }
        greenhub::joinall(&sleepers);
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_trace_can_be_displayed_by_another_thread() {
    bounded(|| {
        let sleeper = spawn(|| doze(LONG));
        yield_now();
        let trace = trace_of(&sleeper.any()).unwrap();
        let told = std::thread::spawn(move || trace.to_string()).join().unwrap();
        assert!(told.contains("doze at "), "{told}");
        sleeper.kill();
    });
}

//! Ending everything that a hub runs.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::TcpListener;
use greenhub::raw::{self, Generator, generator};
use greenhub::sync::Event;
use greenhub::{
    Builder, Exit, Hub, JoinError, idle, offload, sleep, spawn, spawn_later, with_timeout,
    yield_now,
};

use crate::support::{LONG, Log, bounded, message, millis, panic_of, timed};

fn assert_empty() {
    let stats = Hub::current().stats();
    assert_eq!((stats.ready, stats.timers, stats.sources, stats.stacks_in_use), (0, 0, 0, 0));
}

#[test]
fn whatever_a_greenlet_waits_for_it_unwinds_and_the_hub_is_empty() {
    bounded(|| {
        let log = Log::new();
        let guard = || log.on_drop("unwound");
        let guards = [guard(), guard(), guard(), guard(), guard(), guard(), guard()];
        let [a, b, c, d, e, f, g] = guards;
        let sleeper = spawn(move || {
            let _guard = a;
            sleep(LONG);
        });
        let joined = sleeper.clone();
        spawn(move || {
            let _guard = b;
            joined.wait();
        });
        spawn(move || {
            let _guard = c;
            let _ = with_timeout(LONG, || Event::new().wait());
        });
        spawn(move || {
            let _guard = d;
            let _ = TcpListener::bind("127.0.0.1:0").unwrap().accept();
        });
        spawn(move || {
            let _guard = e;
            loop {
                yield_now();
            }
        });
        spawn(move || {
            let _guard = f;
            loop {
                idle();
            }
        });
        spawn_later(LONG, move || drop(g));
        sleep(millis(2));
        assert!(log.take().is_empty());
        Hub::current().end(LONG).unwrap();
        assert_eq!(log.take().len(), 7);
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
        assert_empty();
    });
}

#[test]
fn those_that_have_not_begun_never_run() {
    bounded(|| {
        let log = Log::new();
        let guards = [log.on_drop("spawned"), log.on_drop("unstarted"), log.on_drop("raw")];
        let [first, second, third] = guards;
        let own = log.clone();
        spawn(move || {
            let _guard = first;
            own.note("ran");
        });
        let unstarted = Builder::new().create(move || drop(second)).unwrap();
        let raw = raw::Greenlet::new(move |()| drop(third));
        Hub::current().end(LONG).unwrap();
        let mut told = log.take();
        told.sort();
        assert_eq!(told, ["raw", "spawned", "unstarted"]);
        assert!(raw.is_dead() && unstarted.greenlet().is_dead());
        assert!(raw.switch::<()>(()).is_err());
        assert!(matches!(unstarted.start().join(), Err(JoinError::Killed)));
        assert_empty();
    });
}

#[test]
fn suspended_raw_greenlets_and_generators_are_unwound() {
    bounded(|| {
        let log = Log::new();
        let lost = log.clone();
        raw::set_lost_hook(move |_| lost.note("lost"));
        let main = raw::main().takes::<u32>();
        let own = log.clone();
        let outer = raw::Greenlet::new(move |()| {
            let _guard = own.on_drop("outer");
            let inner_log = own.clone();
            let inner = raw::Greenlet::new(move |()| {
                let _guard = inner_log.on_drop("inner");
                let _ = main.switch::<()>(1);
            });
            let _ = inner.switch::<()>(());
            own.note("not reached");
        });
        assert_eq!(outer.switch::<u32>(()).unwrap(), 1);
        let own = log.clone();
        let mut numbers: Generator<u32> = generator(move |yielder| {
            let _guard = own.on_drop("generator");
            yielder.give(1);
        });
        assert_eq!(numbers.next(), Some(1));
        let own = log.clone();
        let mut of_greenlet: Generator<u32> = generator(move |yielder| {
            let _guard = own.on_drop("of a greenlet");
            yielder.give(1);
        });
        spawn(move || {
            of_greenlet.next();
            sleep(LONG);
        });
        yield_now();

        Hub::current().end(LONG).unwrap();
        let mut told = log.take();
        told.sort();
        assert_eq!(told, ["generator", "inner", "of a greenlet", "outer"]);
        assert!(outer.is_dead());
        assert_eq!(numbers.next(), None);
        assert_empty();
    });
}

#[test]
fn those_in_a_raw_switch_to_one_that_waits_in_the_hub_are_unwound() {
    bounded(|| {
        let log = Log::new();
        let lost = log.clone();
        raw::set_lost_hook(move |_| lost.note("lost"));
        let own = log.clone();
        spawn(move || {
            let _guard = own.on_drop("asker");
            let inner = own.clone();
            let mut never: Generator<()> = generator(move |_| {
                let _guard = inner.on_drop("body");
                sleep(LONG);
            });
            never.next();
        });
        yield_now();
        Hub::current().end(LONG).unwrap();
        let mut told = log.take();
        told.sort();
        assert_eq!(told, ["asker", "body"]);
        assert_empty();
    });
}

#[test]
fn a_raw_greenlet_that_catches_its_end_may_finish() {
    bounded(|| {
        let log = Log::new();
        let lost = log.clone();
        raw::set_lost_hook(move |lost_| lost.note(format!("lost {}", lost_.payload.is_some())));
        let main = raw::main().takes::<()>();
        let own = log.clone();
        let greenlet = raw::Greenlet::new(move |()| {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(main.switch::<()>(()))));
            sleep(millis(5));
            own.note("finished");
            7u32
        });
        greenlet.switch::<()>(()).unwrap();
        Hub::current().end(LONG).unwrap();
        assert_eq!(log.take(), ["finished", "lost false"]);
        assert!(greenlet.is_dead());
        assert_empty();
    });
}

#[test]
fn a_scope_of_mains_ends_with_the_hub() {
    bounded(|| {
        let words = [String::from("borrowed")];
        let ended = greenhub::scope(|scope| {
            let child = scope.spawn(|| {
                sleep(LONG);
                words.len()
            });
            yield_now();
            Hub::current().end(LONG).unwrap();
            child.join().is_err()
        });
        assert!(ended);
        assert_empty();
    });
}

#[test]
fn one_that_cleans_up_has_until_the_limit() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        spawn(move || {
            let _ = catch_unwind(AssertUnwindSafe(|| sleep(LONG)));
            sleep(millis(20));
            own.note("clean");
        });
        // Others end meanwhile: it is killed once, all the same.
        for n in 0..5 {
            spawn(move || {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(LONG)));
                sleep(millis(n));
            });
        }
        yield_now();
        Hub::current().end(LONG).unwrap();
        assert_eq!(log.take(), ["clean"]);
        assert_empty();
    });
}

#[test]
fn one_that_does_not_end_is_named_and_can_be_ended_again() {
    bounded(|| {
        let stubborn = Builder::new().name("stubborn").spawn(|| {
            let payload = catch_unwind(AssertUnwindSafe(|| sleep(LONG))).unwrap_err();
            assert!(payload.is::<Exit>());
            sleep(LONG);
        });
        let stubborn = stubborn.unwrap();
        spawn(|| sleep(LONG));
        yield_now();
        let error = Hub::current().end(millis(10)).unwrap_err();
        assert_eq!(error.count, 1);
        let text = error.to_string();
        assert!(text.contains("1 greenlets had not ended in time"), "{text}");
        assert!(
            text.contains("'stubborn' waits in a sleep (made at tests/hub/ending.rs"),
            "{text}"
        );
        assert!(!stubborn.is_finished());
        Hub::current().end(LONG).unwrap();
        assert!(stubborn.is_finished());
        assert_empty();
    });
}

#[test]
fn what_can_never_go_on_is_not_waited_for() {
    bounded(|| {
        spawn(|| {
            let _ = catch_unwind(AssertUnwindSafe(|| sleep(LONG)));
            sleep(Duration::MAX);
        });
        yield_now();
        let took = timed(|| assert_eq!(Hub::current().end(LONG).unwrap_err().count, 1));
        assert!(took < Duration::from_secs(10), "{took:?}");
        Hub::current().end(LONG).unwrap();
    });
}

#[test]
fn those_that_are_spawned_by_destructors_are_ended_too() {
    struct SpawnsInDrop(Log);
    impl Drop for SpawnsInDrop {
        fn drop(&mut self) {
            let log = self.0.clone();
            spawn(move || {
                log.note("spawned");
                let _guard = log.on_drop("unwound");
                sleep(LONG);
            });
        }
    }
    bounded(|| {
        let log = Log::new();
        let guard = SpawnsInDrop(log.clone());
        spawn(move || {
            let _guard = guard;
            sleep(LONG);
        });
        yield_now();
        Hub::current().end(LONG).unwrap();
        assert!(matches!(log.take().as_slice(), [] | [_, _]));
        assert_empty();
    });
}

#[test]
fn a_second_end_is_harmless_and_the_hub_can_be_used_again() {
    bounded(|| {
        let hub = Hub::current();
        for _ in 0..3 {
            hub.end(Duration::ZERO).unwrap();
            hub.end(LONG).unwrap();
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
            sleep(millis(1));
            spawn(|| sleep(LONG));
            hub.join_for(millis(1));
            hub.end(LONG).unwrap();
            assert_empty();
        }
    });
}

#[test]
fn a_call_that_lends_its_buffer_is_waited_for() {
    bounded(|| {
        let greenlet = spawn(|| {
            offload(|| std::thread::sleep(millis(30)));
        });
        yield_now();
        let error = Hub::current().end(millis(1));
        assert!(error.is_err_and(|error| error.count == 1));
        Hub::current().end(LONG).unwrap();
        assert!(greenlet.is_finished());
    });
}

#[test]
fn an_end_before_its_thread_ends_runs_the_destructors() {
    bounded(|| {
        let told = std::thread::spawn(|| {
            let (sender, receiver) = std::sync::mpsc::channel();
            struct Tells(std::sync::mpsc::Sender<()>);
            impl Drop for Tells {
                fn drop(&mut self) {
                    let _ = self.0.send(());
                }
            }
            let tells = Tells(sender);
            // Leaked, as by one that leaves it in a static.
            std::mem::forget(spawn(move || {
                let _tells = tells;
                sleep(LONG);
            }));
            yield_now();
            Hub::current().end(LONG).unwrap();
            receiver.try_recv().is_ok()
        });
        assert!(told.join().unwrap());
    });
}

#[test]
fn many_are_ended_at_once() {
    bounded(|| {
        let ended = Rc::new(Cell::new(0));
        struct Counts(Rc<Cell<u32>>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        for _ in 0..2000 {
            let counts = Counts(Rc::clone(&ended));
            spawn(move || {
                let _counts = counts;
                sleep(LONG);
            });
        }
        yield_now();
        Hub::current().end(LONG).unwrap();
        assert_eq!(ended.get(), 2000);
        assert_empty();
    });
}

#[test]
fn a_panic_of_one_that_is_ended_is_told_and_the_others_end() {
    struct PanicsLater;
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        Hub::current().set_error_hook(move |unhandled| own.note(unhandled.message().unwrap()));
        spawn(|| {
            let _kept = PanicsLater;
            let _ = catch_unwind(AssertUnwindSafe(|| sleep(LONG)));
            panic!("at the end");
        });
        spawn(|| sleep(LONG));
        yield_now();
        Hub::current().end(LONG).unwrap();
        assert_eq!(log.take(), ["at the end"]);
        assert_empty();
    });
}

#[test]
fn only_main_can_end_the_hub() {
    bounded(|| {
        let greenlet = spawn(|| message(&*panic_of(|| Hub::current().end(LONG))));
        assert!(greenlet.join().unwrap().contains("only main can end the hub"));
    });
}

#[test]
fn an_end_while_main_unwinds_kills_and_does_not_wait() {
    struct EndsInDrop(Rc<RefCell<Option<bool>>>);
    impl Drop for EndsInDrop {
        fn drop(&mut self) {
            *self.0.borrow_mut() = Some(Hub::current().end(LONG).is_err());
        }
    }
    bounded(|| {
        let log = Log::new();
        let guard = log.on_drop("unwound");
        spawn(move || {
            let _guard = guard;
            sleep(LONG);
        });
        yield_now();
        let refused = Rc::new(RefCell::new(None));
        let ends = EndsInDrop(Rc::clone(&refused));
        panic_of(move || {
            let _ends = ends;
            panic!("unwinds");
        });
        assert_eq!(refused.take(), Some(true));
        assert!(log.take().is_empty());
        sleep(millis(1));
        assert_eq!(log.take(), ["unwound"]);
        assert_empty();
    });
}

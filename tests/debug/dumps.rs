//! Who there is, and what each waits for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, mpsc};

use greenhub::debug::{Dump, HubDump, Kind, State, Survey, dump};
use greenhub::sync::{Event, Lock};
use greenhub::{Builder, Hub, current, raw, sleep, spawn, spawn_later, yield_now};

use crate::support::{LONG, bounded, here, millis, panic_of, python, seen};

greenhub::greenlet_local! {
    static STEPS: Cell<u32> = Cell::new(0);
}

#[test]
fn a_dump_tells_name_state_reason_and_place_of_each_greenlet() {
    bounded(|| {
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let waiter = Builder::new().name("waiter").spawn(move || own.wait()).unwrap();
        yield_now();
        let text = here().to_string();
        let line = format!(
            "    greenlet {} 'waiter' waits for an event, spawned at tests/debug/dumps.rs:",
            waiter.id()
        );
        assert!(text.contains(&line), "{text}");
        assert!(text.contains("\n  main runs\n"), "{text}");
        event.set();
        waiter.wait();
    });
}

#[test]
fn each_state_is_told() {
    bounded(|| {
        let parked = spawn(|| sleep(LONG));
        let main = raw::main().takes::<()>();
        let switched = raw::Greenlet::new(move |()| drop(main.switch::<()>(())));
        switched.switch::<()>(()).unwrap();
        let _unmade = raw::Greenlet::new(|()| ());
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let woken = spawn(move || own.wait());
        yield_now();
        event.set();
        let begins = spawn(|| ());
        let later = spawn_later(LONG, || ());
        let created = Builder::new().create(|| ()).unwrap();
        let states = [
            (parked.id(), Kind::Spawned, State::Parked, Some("in a sleep")),
            (2, Kind::Raw, State::Switched, Some("in a raw switch, for a value")),
            (3, Kind::Raw, State::Unstarted, None),
            (woken.id(), Kind::Spawned, State::Ready, Some("for an event")),
            (begins.id(), Kind::Spawned, State::Ready, None),
            (later.id(), Kind::Spawned, State::Parked, Some("for its start")),
            (created.greenlet().id(), Kind::Spawned, State::Unstarted, None),
            (0, Kind::Main, State::Running, None),
        ];
        for (id, kind, state, waits) in states {
            let seen = seen(id);
            assert_eq!(
                (seen.kind, seen.state, seen.waits.as_deref()),
                (kind, state, waits),
                "{id}"
            );
        }
        let asked = spawn(|| (seen(0).state, seen(current().id()).state)).join().unwrap();
        assert_eq!(asked, (State::Parked, State::Running));
    });
}

#[test]
fn one_that_has_yielded_is_ready_and_waits_for_nothing() {
    bounded(|| {
        let yielder = spawn(|| (0..3).for_each(|_| yield_now()));
        yield_now();
        let seen = seen(yielder.id());
        assert_eq!((seen.state, seen.waits), (State::Ready, None));
        yielder.wait();
    });
}

#[test]
fn the_tree_has_each_greenlet_below_its_spawner() {
    bounded(|| {
        let family = spawn(|| {
            let child = spawn(|| {
                let _grandchild = spawn(|| sleep(LONG));
                sleep(LONG);
            });
            let _second = spawn(|| sleep(LONG));
            child.wait();
        });
        let _stranger = spawn(|| sleep(LONG));
        sleep(millis(2));
        let dump = here();
        let seen = dump.here().unwrap();
        let tree: Vec<_> = seen.tree().iter().map(|(depth, it)| (*depth, it.id)).collect();
        assert_eq!(tree, [(0, 0), (1, family.id()), (2, 3), (3, 5), (2, 4), (1, 2)]);
        Hub::current().end(millis(1000)).unwrap();
    });
}

#[test]
fn a_greenlet_whose_spawner_has_ended_is_a_root_although_another_has_its_number() {
    bounded(|| {
        let orphan = Rc::new(Cell::new(0));
        let own = Rc::clone(&orphan);
        let spawner = spawn(move || own.set(spawn(|| sleep(LONG)).id()));
        let number = spawner.id();
        spawner.wait();
        let other = spawn(|| sleep(LONG));
        assert_eq!(other.id(), number, "the number is used again");
        let dump = here();
        let seen = dump.here().unwrap();
        let place = seen.tree().iter().find(|(_, it)| it.id == orphan.get()).map(|it| it.0);
        assert_eq!(place, Some(0));
        let told = format!(" by greenlet {number}, which has ended");
        assert!(dump.to_string().contains(&told), "{dump}");
        Hub::current().end(millis(1000)).unwrap();
    });
}

#[test]
fn a_long_chain_of_spawns_is_displayed() {
    fn link(left: u32) {
        let _next = (left > 0).then(|| spawn(move || link(left - 1)));
        sleep(LONG);
    }
    bounded(|| {
        spawn(|| link(2_000));
        while Hub::current().stats().stacks_in_use < 2_001 {
            sleep(millis(1));
        }
        let dump = here();
        assert_eq!(dump.here().unwrap().tree().last().unwrap().0, 2_001);
        let text = dump.to_string();
        assert!(text.contains("(2001 deep) greenlet"), "the last is told");
        assert!(text.lines().all(|line| line.len() < 300), "indents are bounded");
        Hub::current().end(millis(10_000)).unwrap();
    });
}

/// What the hub of the thread with this name has told.
fn of_thread<'a>(dump: &'a Dump, name: &str) -> Option<&'a HubDump> {
    dump.hubs.iter().find(|hub| hub.thread.as_deref() == Some(name))
}

/// A thread with a hub, which runs `body` until the answer is sent to or dropped.
fn thread_with_hub(name: &str, body: impl FnOnce(mpsc::Receiver<()>) + Send + 'static) -> Thread {
    let (stop, stopped) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        let _hub = Hub::current();
        begun.send(()).unwrap();
        body(stopped);
    });
    begins.recv().unwrap();
    Thread { stop: Some(stop), thread: Some(thread.unwrap()) }
}

struct Thread {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Thread {
    fn end(mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn hubs_of_other_threads_are_woken_to_answer() {
    bounded(|| {
        let other = thread_with_hub("answers", |stopped| {
            let _child = Builder::new().name("far away").spawn(|| sleep(LONG)).unwrap();
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                sleep(millis(200));
            }
        });
        // Of the other tests' hubs some may be busy.
        let dump = Survey::new().limit(LONG).take();
        let hub = of_thread(&dump, "answers").unwrap();
        let seen = hub.seen.as_ref().expect("it answers");
        assert_eq!(seen.greenlets[0].waits.as_deref(), Some("in a sleep"), "{dump}");
        assert_eq!(seen.greenlets[1].name.as_deref(), Some("far away"));
        other.end();
    });
}

#[test]
fn a_hub_whose_thread_is_blocked_is_busy_and_its_late_answer_harms_nobody() {
    bounded(|| {
        let other = thread_with_hub("blocked", |stopped| {
            let _ = stopped.recv();
            sleep(millis(5));
        });
        let ticks = Rc::new(Cell::new(0));
        let own = Rc::clone(&ticks);
        let ticker = spawn(move || {
            loop {
                sleep(millis(1));
                own.set(own.get() + 1);
            }
        });
        let dump = dump();
        assert!(of_thread(&dump, "blocked").unwrap().seen.is_none(), "{dump}");
        let text = dump.to_string();
        assert!(text.contains("thread 'blocked': busy, did not answer within 100ms"), "{text}");
        assert!(ticks.get() > 0, "others run meanwhile");
        ticker.kill();
        other.end();
    });
}

#[test]
fn a_hub_that_has_ended_is_not_listed() {
    bounded(|| {
        thread_with_hub("gone", |_| ()).end();
        assert!(of_thread(&dump(), "gone").is_none());
    });
}

#[test]
fn a_hub_that_ends_while_it_is_asked_is_left_out_and_not_waited_for() {
    bounded(|| {
        let other = thread_with_hub("ends", |stopped| assert!(stopped.recv().is_err()));
        let asker = spawn(|| Survey::new().limit(LONG).take());
        yield_now();
        other.end();
        assert!(of_thread(&asker.join().unwrap(), "ends").is_none());
    });
}

#[test]
fn a_thread_without_a_hub_can_ask_and_gets_none_by_that() {
    bounded(|| {
        let other = thread_with_hub("asked", |stopped| {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                sleep(millis(1));
            }
        });
        let plain = std::thread::Builder::new().name("plain".into()).spawn(|| {
            let dump = Survey::new().limit(LONG).take();
            assert!(dump.here().is_none());
            assert!(of_thread(&dump, "plain").is_none());
            assert!(of_thread(&dump, "asked").unwrap().seen.is_some());
        });
        plain.unwrap().join().unwrap();
        other.end();
    });
}

#[test]
fn two_hubs_that_ask_each_other_both_have_an_answer() {
    bounded(|| {
        let ask = |other: &'static str| {
            move |stopped: mpsc::Receiver<()>| {
                let dump = Survey::new().limit(LONG).take();
                assert!(of_thread(&dump, other).is_none_or(|hub| hub.seen.is_some()), "{dump}");
                while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                    sleep(millis(1));
                }
            }
        };
        let (left, right) =
            (thread_with_hub("left", ask("right")), thread_with_hub("right", ask("left")));
        left.end();
        right.end();
    });
}

#[test]
fn a_callback_and_one_that_unwinds_can_ask() {
    struct Asks(Rc<RefCell<Option<Dump>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            *self.0.borrow_mut() = Some(Survey::new().limit(millis(5)).traces(true).take());
        }
    }
    bounded(|| {
        let told = Rc::new(RefCell::new(None));
        let sink = Rc::clone(&told);
        let sleeper = spawn(|| sleep(LONG));
        yield_now();
        Hub::current().run_callback(move || {
            *sink.borrow_mut() = Some(Survey::new().limit(millis(5)).traces(true).take());
        });
        yield_now();
        let dump: Dump = told.take().unwrap();
        assert_eq!(dump.here().unwrap().greenlets[0].state, State::Ready, "main has yielded");

        let asks = Asks(Rc::clone(&told));
        let unwinds = spawn(move || {
            let _asks = asks;
            sleep(LONG);
        });
        yield_now();
        unwinds.kill();
        let dump = told.take().unwrap();
        let seen = dump.here().unwrap();
        assert_eq!(seen.greenlets.len(), 3);
        assert!(seen.greenlets[1].trace.as_ref().unwrap().is_ok());
        sleeper.kill();
    });
}

#[test]
fn one_that_is_killed_while_it_asks_leaves_nothing() {
    bounded(|| {
        let other = thread_with_hub("deaf", |stopped| assert!(stopped.recv().is_err()));
        let asker = spawn(|| Survey::new().limit(LONG).take());
        sleep(millis(5));
        asker.kill();
        assert!(asker.join().is_err());
        let stats = Hub::current().stats();
        assert_eq!((stats.timers, stats.stacks_in_use), (0, 0));
        let limited = greenhub::with_timeout(millis(5), || Survey::new().limit(LONG).take());
        assert!(limited.is_err());
        assert_eq!(Hub::current().stats().timers, 0);
        other.end();
    });
}

#[test]
fn the_report_that_everything_waits_for_ever_comes_although_it_was_asked() {
    bounded(|| {
        let asks = thread_with_hub("asks on", |stopped| {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                drop(Survey::new().limit(millis(50)).traces(true).take());
            }
        });
        let greenlet: Rc<RefCell<Option<greenhub::Greenlet<()>>>> = Rc::default();
        let own = Rc::clone(&greenlet);
        let first = spawn(move || own.borrow().clone().unwrap().wait());
        let beloved = first.clone();
        *greenlet.borrow_mut() = Some(spawn(move || beloved.wait()));
        let report = crate::support::message(&*panic_of(|| first.wait()));
        assert!(report.contains("waits for ever"), "{report}");
        first.kill();
        asks.end();
    });
}

#[test]
fn json_has_what_the_text_has_and_python_reads_it() {
    bounded(|| {
        let name = "a \"quoted\" \\ name\nof two lines, ünï\u{1}";
        let greenlet = Builder::new().name(name).spawn(|| {
            STEPS.with(|steps| steps.set(1));
            sleep(LONG);
        });
        let greenlet = greenlet.unwrap();
        yield_now();
        let survey = Survey::new().only_here(true).stacks(true).traces(true);
        let json = survey.take().to_json();
        let program = "
hub, = data['hubs']
main, it = hub['seen']['greenlets']
assert main['kind'] == 'main' and main['state'] == 'running' and main['stack'] is None
assert it['waits'] == 'in a sleep' and it['idle'] is None and it['spawner'] == 0
assert it['stack']['size'] == 262144 and it['locals'] == ['core::cell::Cell<u32>'], it
assert it['spawned_at'].startswith('tests/debug/dumps.rs:')
assert type(it['trace']) is list and hub['seen']['stats']['timers'] == 1
print(json.dumps(it['name']))";
        if let Some(told) = python(&json, program) {
            assert_eq!(told, r#""a \"quoted\" \\ name\nof two lines, \u00fcn\u00ef\u0001""#);
        }
        let text = here().to_string();
        assert!(text.contains(r#"'a \"quoted\" \\ name\nof two lines, ünï\u{1}' waits"#), "{text}");
        greenlet.kill();
    });
}

#[test]
fn values_of_a_greenlet_are_listed_by_their_types() {
    bounded(|| {
        let greenlet = spawn(|| {
            STEPS.with(|steps| steps.set(7));
            sleep(LONG);
        });
        yield_now();
        assert_eq!(seen(greenlet.id()).locals, ["core::cell::Cell<u32>"]);
        assert!(here().to_string().contains("has values of core::cell::Cell<u32>"));
        greenlet.kill();
    });
}

#[inline(never)]
fn touch_much() -> u8 {
    let frame = std::hint::black_box([1u8; 100 * 1024]);
    yield_now();
    std::hint::black_box(&frame)[5]
}

#[test]
fn the_use_of_a_stack_is_told() {
    bounded(|| {
        let greenlet = spawn(|| {
            touch_much();
            sleep(LONG);
        });
        let stack = || {
            let dump = Survey::new().only_here(true).stacks(true).take();
            dump.here().unwrap().greenlets[1].stack.unwrap()
        };
        assert_eq!((stack().size, stack().used), (256 * 1024, Some(0)));
        yield_now();
        let during = stack();
        assert!(during.used.unwrap() > 100 * 1024, "{during:?}");
        sleep(millis(1));
        let after = stack();
        assert!(after.used.unwrap() < 50 * 1024, "{after:?}");
        let touched = after.touched.expect("the kernel tells");
        assert!((100 * 1024..256 * 1024).contains(&touched), "{after:?}");
        assert!(seen(greenlet.id()).stack.unwrap().touched.is_none(), "only if it is asked for");
        greenlet.kill();
    });
}

#[test]
fn who_is_asked_all_the_time_keeps_its_place_in_a_line() {
    bounded(|| {
        let lock = Arc::new(Lock::new());
        let (order, guard) = (Rc::new(RefCell::new(Vec::new())), lock.lock().unwrap());
        let waiters: Vec<_> = (0..10)
            .map(|n| {
                let (lock, order) = (Arc::clone(&lock), Rc::clone(&order));
                spawn(move || {
                    let _guard = lock.lock().unwrap();
                    order.borrow_mut().push(n);
                })
            })
            .collect();
        yield_now();
        for _ in 0..20 {
            let _dump = Survey::new().only_here(true).traces(true).stacks(true).take();
        }
        drop(guard);
        greenhub::joinall(&waiters);
        assert_eq!(*order.borrow(), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn what_was_told_can_be_sent_to_and_shared_with_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Dump>();
    is_send_and_sync::<Survey>();
    is_send_and_sync::<greenhub::debug::StackTrace>();
    is_send_and_sync::<greenhub::debug::Recorder>();
    is_send_and_sync::<greenhub::debug::DumpGuard>();
}

#[test]
fn an_ignored_kill_is_told() {
    bounded(|| {
        let stubborn = spawn(|| {
            let _ = std::panic::catch_unwind(|| sleep(LONG));
            sleep(LONG);
        });
        yield_now();
        stubborn.start_kill();
        yield_now();
        assert_eq!(seen(stubborn.id()).ignored_kills, 1);
        assert!(here().to_string().contains("has ignored 1 kills"));
        stubborn.kill();
    });
}

#[test]
fn one_that_waits_for_a_descriptor_names_no_greenlet_of_that_number() {
    bounded(|| {
        let (reader, _writer) = greenhub::monkey::io::pipe().unwrap();
        let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(&reader)).unwrap();
        let mut others = Vec::new();
        while others.last().is_none_or(|other: &greenhub::Greenlet<()>| other.id() <= number) {
            others.push(spawn(|| sleep(LONG)));
        }
        let reading = spawn(move || std::io::Read::read(&mut { reader }, &mut [0]));
        yield_now();
        assert_eq!(seen(reading.id()).waits.unwrap(), format!("to read descriptor {number}"));
        reading.kill();
        greenhub::killall(&others);
    });
}

//! Raw greenlets that wait in the hub, and spawned ones that switch.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::UdpSocket;
use greenhub::raw::{self, Generator, Greenlet, SwitchErrorKind, generator};
use greenhub::{JoinError, sleep, spawn, yield_now};

use crate::support::{Log, bounded, millis};

fn slow_numbers() -> Generator<u32> {
    generator(|yielder| {
        for n in 0..3 {
            sleep(millis(10));
            yielder.give(n);
        }
    })
}

#[test]
fn a_generator_that_sleeps_lets_neighbours_run() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let neighbour = spawn(move || {
            for _ in 0..5 {
                inner.note("tick");
                sleep(millis(1));
            }
        });
        for n in slow_numbers() {
            log.note(n);
        }
        neighbour.wait();
        let seen = log.take();
        assert!(seen.starts_with(&["tick".into(), "tick".into()]), "{seen:?}");
        assert_eq!(seen.last().unwrap(), "2");
    });
}

#[test]
fn sleeping_generators_run_side_by_side_in_spawned_greenlets() {
    bounded(|| {
        let greenlets: Vec<_> =
            (0..10).map(|_| spawn(|| slow_numbers().collect::<Vec<u32>>())).collect();
        for greenlet in greenlets {
            assert_eq!(greenlet.join().unwrap(), [0, 1, 2]);
        }
    });
}

#[test]
fn the_first_thing_a_thread_does_may_be_a_sleep_in_a_raw_greenlet() {
    bounded(|| assert_eq!(slow_numbers().count(), 3));
}

#[test]
fn the_first_thing_a_thread_does_may_be_a_yield_in_a_raw_greenlet() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| {
            yield_now();
            7u32
        });
        assert_eq!(greenlet.switch::<u32>(()).unwrap(), 7);
    });
}

#[test]
fn a_switch_to_one_that_sleeps_is_refused_with_the_value() {
    bounded(|| {
        let sleeper = Greenlet::new(|_: u32| sleep(Duration::from_secs(60)));
        let handle = sleeper.clone();
        let starter = spawn(move || handle.switch::<()>(1).is_ok());
        yield_now();
        let error = sleeper.switch::<()>(2).unwrap_err();
        assert_eq!((error.kind(), error.into_value()), (SwitchErrorKind::Waiting, Some(2)));
        assert_eq!(
            sleeper.throw::<()>(Box::new("x")).unwrap_err().kind(),
            SwitchErrorKind::Waiting
        );
        starter.kill();
    });
}

#[test]
fn a_switch_to_a_spawned_one_that_sleeps_or_has_ended_is_refused() {
    bounded(|| {
        let target: Rc<RefCell<Option<raw::AnyGreenlet>>> = Rc::default();
        let slot = Rc::clone(&target);
        let sleeper = spawn(move || {
            slot.replace(Some(raw::current()));
            sleep(millis(10));
        });
        yield_now();
        let target = target.take().unwrap().takes::<()>();
        assert_eq!(target.switch::<()>(()).unwrap_err().kind(), SwitchErrorKind::Waiting);
        sleeper.wait();
        assert_eq!(target.switch::<()>(()).unwrap_err().kind(), SwitchErrorKind::Dead);
    });
}

#[test]
fn a_switch_to_one_that_reads_is_refused_and_it_reads_on() {
    bounded(|| {
        let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let (receives, target) = (Rc::clone(&socket), Rc::<RefCell<_>>::default());
        let slot = Rc::clone(&target);
        let receiver = spawn(move || {
            slot.replace(Some(raw::current()));
            receives.recv(&mut [0; 4]).unwrap()
        });
        yield_now();
        let target = target.take().unwrap().takes::<u32>();
        for value in [0, 1] {
            let error = target.switch::<()>(value).unwrap_err();
            assert_eq!((error.kind(), error.into_value()), (SwitchErrorKind::Waiting, Some(value)));
        }
        socket.send_to(b"hi", socket.local_addr().unwrap()).unwrap();
        assert_eq!(receiver.join().unwrap(), 2);
    });
}

#[test]
fn spawned_greenlets_switch_values_between_each_other() {
    bounded(|| {
        let pinger = spawn(|| {
            let pinger = raw::current();
            let ponger = Greenlet::new(move |mut n: u32| {
                while n < 100 {
                    yield_now();
                    n = pinger.takes::<u32>().switch(n + 1).unwrap();
                }
                n
            });
            let mut n = 0;
            while !ponger.is_dead() {
                n = ponger.switch(n).unwrap();
            }
            n
        });
        let other = spawn(|| (0..50).for_each(|_| yield_now()));
        assert_eq!(pinger.join().unwrap(), 100);
        other.wait();
    });
}

#[test]
fn killing_the_consumer_of_a_generator_that_sleeps_unwinds_both() {
    bounded(|| {
        let log = Log::new();
        let (in_body, in_consumer) = (log.on_drop("body"), log.on_drop("consumer"));
        let consumer = spawn(move || {
            let _guard = in_consumer;
            let slow: Generator<()> = generator(move |_| {
                let _guard = in_body;
                sleep(Duration::from_secs(60));
            });
            slow.count()
        });
        sleep(millis(5));
        consumer.kill();
        assert!(matches!(consumer.join(), Err(JoinError::Killed)));
        assert_eq!(log.take(), ["body", "consumer"]);
        let stats = greenhub::Hub::current().stats();
        assert_eq!((stats.stacks_in_use, stats.timers), (0, 0));
    });
}

#[test]
fn killing_a_consumer_that_sleeps_between_items_unwinds_the_generator() {
    bounded(|| {
        let log = Log::new();
        let in_body = log.on_drop("body");
        let consumer = spawn(move || {
            let endless: Generator<()> = generator(move |yielder| {
                let _guard = in_body;
                while yielder.give(()).is_none() {}
            });
            endless.for_each(|()| sleep(Duration::from_secs(60)));
        });
        sleep(millis(5));
        consumer.kill();
        assert_eq!(log.take(), ["body"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_result_for_a_parent_that_waits_in_the_hub_is_reported_as_lost() {
    bounded(|| {
        let log = Log::new();
        let sink = log.clone();
        raw::set_lost_hook(move |lost| sink.note(lost.payload.is_none()));
        let made = spawn(|| {
            let child = Greenlet::new(|()| 5u32);
            raw::main().takes::<Greenlet<()>>().switch::<()>(child).map_err(|e| e.kind())
        });
        // Main waits in the hub, so the handle does not arrive there.
        assert_eq!(made.join().unwrap(), Err(SwitchErrorKind::Waiting));
        let parent = Greenlet::new(|()| sleep(millis(20)));
        let child = Greenlet::new(|()| 5u32);
        child.set_parent(&parent.any()).unwrap();
        let starter = spawn(move || drop(parent.switch::<()>(())));
        let switcher = spawn(move || drop(child.switch::<()>(())));
        // The child ends while its parent sleeps, and then the parent while main does.
        sleep(millis(40));
        assert_eq!(log.take(), ["true", "true"]);
        starter.kill();
        switcher.kill();
    });
}

#[test]
fn a_generator_that_wakes_in_the_turn_in_which_its_consumer_is_killed_is_unwound() {
    bounded(|| {
        let log = Log::new();
        let (in_body, went_on) = (log.on_drop("body"), log.clone());
        let consumer = spawn(move || {
            let slow: Generator<u32> = generator(move |yielder| {
                let _guard = in_body;
                sleep(millis(5));
                went_on.note("went on");
                yielder.give(1);
            });
            slow.count()
        });
        let victim = consumer.clone();
        let killer = spawn(move || {
            sleep(millis(4));
            victim.start_kill();
        });
        yield_now();
        // Both sleeps end in one turn, the killer's first.
        std::thread::sleep(millis(20));
        killer.wait();
        consumer.wait();
        sleep(millis(1));
        let seen = log.take();
        assert_eq!(seen.last().map(String::as_str), Some("body"), "{seen:?}");
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_panic_in_a_generator_reaches_the_joiner_of_its_consumer() {
    bounded(|| {
        let consumer = spawn(|| {
            generator::<u32, (), _, _>(|_| -> () {
                sleep(millis(1));
                panic!("deep inside");
            })
            .count()
        });
        let error = consumer.join().unwrap_err();
        assert_eq!(error.to_string(), "the greenlet panicked: deep inside");
    });
}

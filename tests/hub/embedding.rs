//! A loop of one's own, with the hub in it.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::monkey::net::TcpListener;
use greenhub::{Hub, idle, sleep, spawn, yield_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{LONG, Log, bounded, message, millis, panic_of, timed};

/// Turns the hub and polls it in turn, until `done`; returns how often.
fn poll_until(done: impl Fn() -> bool) -> u32 {
    let hub = Hub::current();
    let mut turns = 0;
    loop {
        let limit = hub.turn();
        turns += 1;
        if done() {
            return turns;
        }
        let limit = limit.map(|limit| Timespec::try_from(limit).expect("less than centuries"));
        poll(&mut [PollFd::new(&hub, PollFlags::IN)], limit.as_ref()).expect("it can be polled");
    }
}

#[test]
fn timers_sockets_and_other_threads_are_served_within_a_poll_loop() {
    thread_local!(static CALLED: Cell<bool> = const { Cell::new(false) });
    bounded(|| {
        let log = Log::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = log.clone();
        let server = spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = [0; 5];
            for _ in 0..3 {
                stream.read_exact(&mut text).unwrap();
                stream.write_all(&text).unwrap();
            }
            own.note("served");
        });
        let own = log.clone();
        let sleeper = spawn(move || {
            for _ in 0..3 {
                sleep(millis(15));
            }
            own.note("slept");
        });
        let remote = Hub::current().remote();
        let other = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            let mut text = [0; 5];
            for _ in 0..3 {
                std::thread::sleep(millis(20));
                stream.write_all(b"hello").unwrap();
                stream.read_exact(&mut text).unwrap();
            }
            std::thread::sleep(millis(20));
            remote.run_callback(|| CALLED.set(true));
        });
        let turns = poll_until(|| CALLED.get());
        assert_eq!(log.take(), ["slept", "served"]);
        assert!(server.is_finished() && sleeper.is_finished());
        assert!(turns < 100, "{turns} turns: it does not sleep");
        other.join().unwrap();
    });
}

#[test]
fn a_turn_says_when_the_next_deadline_is() {
    bounded(|| {
        let hub = Hub::current();
        assert_eq!(hub.turn(), None);
        let sleeper = spawn(|| sleep(LONG));
        let limit = hub.turn().unwrap();
        assert!(limit <= LONG && limit > LONG / 2, "{limit:?}");
        spawn(|| (0..100).for_each(|_| yield_now()));
        assert_eq!(hub.turn(), Some(Duration::ZERO), "it has not run to its end");
        assert!(hub.turn().unwrap() > Duration::ZERO);
        sleeper.start_kill();
        assert_eq!(hub.turn(), None);
        assert!(sleeper.is_finished());
    });
}

#[test]
fn a_turn_runs_callbacks_and_those_who_are_idle() {
    bounded(|| {
        let hub = Hub::current();
        let log = Log::new();
        let own = log.clone();
        hub.run_callback(move || own.note("callback"));
        let own = log.clone();
        spawn(move || {
            idle();
            own.note("idle");
        });
        while hub.turn().is_some() {}
        assert_eq!(log.take(), ["callback", "idle"]);
    });
}

#[test]
fn a_turn_does_not_sleep_and_does_not_report() {
    bounded(|| {
        let sleeper = spawn(|| sleep(Duration::MAX));
        let later = spawn(|| sleep(LONG));
        let took = timed(|| {
            for _ in 0..100 {
                Hub::current().turn();
            }
        });
        assert!(took < Duration::from_secs(10), "{took:?}");
        later.kill();
        assert_eq!(Hub::current().turn(), None);
        sleeper.kill();
    });
}

#[test]
fn a_turn_ends_beside_one_that_only_yields() {
    bounded(|| {
        let stop = Rc::new(Cell::new(false));
        let own = Rc::clone(&stop);
        let spinner = spawn(move || {
            while !own.get() {
                yield_now();
            }
        });
        for _ in 0..10 {
            assert_eq!(Hub::current().turn(), Some(Duration::ZERO));
        }
        stop.set(true);
        spinner.wait();
    });
}

#[test]
fn a_wake_that_comes_between_two_turns_makes_the_descriptor_readable() {
    thread_local!(static CALLED: Cell<bool> = const { Cell::new(false) });
    bounded(|| {
        let hub = Hub::current();
        let remote = hub.remote();
        assert_eq!(hub.turn(), None);
        let mut polled = [PollFd::new(&hub, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        assert_eq!(poll(&mut polled, Some(&at_once)).unwrap(), 0);
        std::thread::spawn(move || remote.run_callback(|| CALLED.set(true))).join().unwrap();
        assert_eq!(poll(&mut polled, Some(&at_once)).unwrap(), 1);
        assert_eq!(hub.turn(), None);
        assert!(CALLED.get());
        assert_eq!(poll(&mut polled, Some(&at_once)).unwrap(), 0, "the turn has taken it");
    });
}

#[test]
fn only_main_can_turn_the_hub() {
    bounded(|| {
        let greenlet = spawn(|| message(&*panic_of(|| Hub::current().turn())));
        let message = greenlet.join().unwrap();
        assert!(message.contains("only main can turn the hub"), "{message}");
    });
}

#[test]
fn ordinary_waits_and_turns_may_alternate() {
    bounded(|| {
        let start = Instant::now();
        for _ in 0..3 {
            let greenlet = spawn(|| sleep(millis(2)));
            poll_until(|| greenlet.is_finished());
            sleep(millis(2));
            spawn(|| sleep(millis(1))).join().unwrap();
            Hub::current().join();
        }
        assert!(start.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn a_handle_keeps_the_descriptor_open_beyond_its_thread() {
    struct PollsInDrop(Hub);
    impl Drop for PollsInDrop {
        fn drop(&mut self) {
            assert!(rustix::io::fcntl_getfd(self.0.as_fd()).is_ok());
        }
    }
    thread_local!(static LAST: Cell<Option<PollsInDrop>> = const { Cell::new(None) });
    bounded(|| {
        std::thread::spawn(|| {
            // Made first, so that it is dropped after the hub.
            LAST.set(None);
            LAST.set(Some(PollsInDrop(Hub::current())));
        })
        .join()
        .unwrap();
    });
}

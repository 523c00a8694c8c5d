//! Main waits until the hub has run dry.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::sync::Event;
use greenhub::{Greenlet, Hub, Timeout, offload, sleep, spawn, with_timeout, yield_now};

use crate::support::{LONG, Log, bounded, message, millis, panic_of, timed};

#[test]
fn a_hub_with_nothing_to_do_has_run_dry() {
    bounded(|| {
        let hub = Hub::current();
        hub.join();
        hub.join();
        assert!(hub.join_for(Duration::ZERO));
        assert!(hub.join_for(LONG));
    });
}

#[test]
fn a_join_returns_as_soon_as_the_last_greenlet_has_ended() {
    bounded(|| {
        let log = Log::new();
        for n in [20, 1, 10] {
            let log = log.clone();
            spawn(move || {
                sleep(millis(n));
                spawn(move || log.note(n));
            });
        }
        let took = timed(|| assert!(Hub::current().join_for(LONG)));
        assert_eq!(log.take(), ["1", "10", "20"]);
        assert!(took < Duration::from_secs(10), "{took:?}");
    });
}

#[test]
fn a_join_whose_limit_is_over_says_so_and_leaves_the_greenlets() {
    bounded(|| {
        let hub = Hub::current();
        let sleeper = spawn(|| sleep(LONG));
        assert!(!hub.join_for(millis(5)));
        assert!(!hub.join_for(Duration::ZERO));
        assert!(!sleeper.is_finished());
        sleeper.start_kill();
        assert!(hub.join_for(LONG));
        assert!(sleeper.is_finished());
    });
}

#[test]
fn a_join_can_be_repeated_and_the_hub_used_in_between() {
    bounded(|| {
        let hub = Hub::current();
        for n in 0..3 {
            let greenlet = spawn(move || {
                sleep(millis(1));
                n
            });
            hub.join();
            assert_eq!(greenlet.value(), Some(n));
            sleep(millis(1));
            assert_eq!(spawn(move || n + 1).join().unwrap(), n + 1);
        }
    });
}

#[test]
fn greenlets_that_wait_for_ever_do_not_keep_a_join_from_returning() {
    bounded(|| {
        let slot: Rc<Cell<Option<Greenlet<()>>>> = Rc::default();
        let other = Rc::clone(&slot);
        let romeo = spawn(move || {
            yield_now();
            other.take().unwrap().wait();
        });
        let beloved = romeo.clone();
        let juliet = spawn(move || beloved.wait());
        slot.set(Some(juliet.clone()));
        // Another thread is there, but has never used the event.
        let never = Rc::new(Event::new());
        let event = Rc::clone(&never);
        let waiter = spawn(move || event.wait());

        Hub::current().join();
        assert!(!romeo.is_finished() && !juliet.is_finished() && !waiter.is_finished());
        never.set();
        Hub::current().join();
        assert!(waiter.is_finished());
        greenhub::killall([&romeo, &juliet]);
    });
}

#[test]
fn a_join_waits_for_other_threads_and_for_the_kernel() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        spawn(move || {
            own.note(offload(|| {
                std::thread::sleep(millis(20));
                7
            }))
        });
        Hub::current().join();
        assert_eq!(log.take(), ["7"]);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = log.clone();
        spawn(move || {
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            own.note(text);
        });
        let client = std::thread::spawn(move || {
            std::thread::sleep(millis(20));
            std::net::TcpStream::connect(address).unwrap().write_all(b"hello").unwrap();
        });
        Hub::current().join();
        assert_eq!(log.take(), ["hello"]);
        client.join().unwrap();
    });
}

#[test]
fn a_join_waits_until_the_last_remote_is_gone() {
    thread_local!(static CALLED: Cell<bool> = const { Cell::new(false) });
    bounded(|| {
        let remote = Hub::current().remote();
        assert!(!Hub::current().join_for(millis(5)));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(millis(20));
            remote.run_callback(|| drop(spawn(|| CALLED.set(true))));
        });
        Hub::current().join();
        assert!(CALLED.get());
        thread.join().unwrap();
    });
}

#[test]
fn a_limit_around_a_join_does_not_keep_it_from_returning() {
    bounded(|| {
        let took = timed(|| with_timeout(LONG, || Hub::current().join()).unwrap());
        assert!(took < Duration::from_secs(10), "{took:?}");
        let sleeper = spawn(|| sleep(LONG));
        assert!(with_timeout(millis(5), || Hub::current().join()).is_err());
        sleeper.kill();
        Hub::current().join();
    });
}

#[test]
fn a_limit_of_a_greenlet_that_waits_for_ever_is_waited_for() {
    bounded(|| {
        let event = Rc::new(Event::new());
        let waiter = spawn(move || Timeout::new(millis(10)).run(|_| event.wait()).is_err());
        Hub::current().join();
        assert_eq!(waiter.value(), Some(true));
    });
}

#[test]
fn only_main_can_join_the_hub() {
    bounded(|| {
        let greenlet = spawn(|| message(&*panic_of(|| Hub::current().join())));
        assert!(greenlet.join().unwrap().contains("only main can join the hub"));
    });
}

#[test]
fn a_callback_that_tries_to_join_does_not_disturb_mains_join() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        Hub::current().set_error_hook(move |unhandled| own.note(unhandled.message().unwrap()));
        let waits = spawn(|| sleep(Duration::MAX));
        Hub::current().run_callback(|| Hub::current().join());
        Hub::current().join();
        assert!(log.take()[0].contains("cannot wait"));
        waits.kill();
    });
}

#[test]
fn a_join_while_main_unwinds_returns_at_once() {
    struct JoinsInDrop(Log);
    impl Drop for JoinsInDrop {
        fn drop(&mut self) {
            Hub::current().join();
            self.0.note(Hub::current().join_for(LONG));
        }
    }
    bounded(|| {
        let log = Log::new();
        let sleeper = spawn(|| sleep(LONG));
        let _joins = panic_of(|| {
            let _guard = JoinsInDrop(log.clone());
            panic!("unwinds");
        });
        assert_eq!(log.take(), ["false"]);
        sleeper.kill();
    });
}

#[test]
fn a_connection_that_nobody_waits_for_does_not_keep_a_join_from_returning() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"unread").unwrap();
        let took = timed(|| Hub::current().join());
        assert!(took < Duration::from_secs(10), "{took:?}");
        drop(client);
    });
}

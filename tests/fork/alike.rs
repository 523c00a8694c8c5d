//! What works in a child as it does anywhere.

use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use greenhub::monkey::{fs, net::TcpListener, net::TcpStream};
use greenhub::raw::{Generator, generator};
use greenhub::signal::{SIGUSR1, Signals};
use greenhub::sync::{Event, Lock};
use greenhub::{Hub, TimedOut, Timeout, offload, sleep, spawn, with_timeout};

use crate::support::{alone, brief, in_child};

/// An echo of one byte, through a socket pair of one's own.
fn echo() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        sleep(Duration::from_millis(2));
        peer.write_all(&byte).unwrap();
    });
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"x").unwrap();
    let mut byte = [0];
    client.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"x");
    server.join().unwrap();
}

fn all_that_a_hub_does() {
    echo();
    assert_eq!(spawn(|| 7).join().unwrap(), 7);
    assert!(with_timeout(Duration::from_millis(2), || sleep(Duration::MAX)).is_err());
    let own = std::env::current_exe().unwrap();
    assert!(!fs::read(&own).unwrap().is_empty());
    assert_eq!(offload(|| 8), 8);
    assert!(TcpStream::connect(("localhost", 1)).is_err());
    let event = Arc::new(Event::new());
    let theirs = Arc::clone(&event);
    let thread = std::thread::spawn(move || {
        brief();
        theirs.set();
        echo();
    });
    event.wait().unwrap();
    thread.join().unwrap();
    assert_eq!(Hub::current().stats().sources, 0);
}

#[test]
fn a_child_waits_spawns_and_uses_sockets_files_and_threads() {
    alone("alike::a_child_waits_spawns_and_uses_sockets_files_and_threads", || {
        in_child(all_that_a_hub_does).succeeds();
        all_that_a_hub_does();
        in_child(all_that_a_hub_does).succeeds();
        all_that_a_hub_does();
    });
}

#[test]
fn a_child_forks_again() {
    alone("alike::a_child_forks_again", || {
        in_child(|| {
            in_child(all_that_a_hub_does).succeeds();
            all_that_a_hub_does();
        })
        .succeeds();
    });
}

#[test]
fn a_thread_that_has_no_hub_yet_forks() {
    alone("alike::a_thread_that_has_no_hub_yet_forks", || {
        std::thread::spawn(|| in_child(all_that_a_hub_does).succeeds()).join().unwrap();
    });
}

#[test]
fn parent_and_children_accept_from_one_listener() {
    alone("alike::parent_and_children_accept_from_one_listener", || {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        // It is a source of the parent's hub before the fork.
        let accepts = Rc::clone(&listener);
        let server = spawn(move || accepts.accept().map(|_| ()));
        brief();
        let child = in_child(|| {
            // The first, and one more.
            for _ in 0..2 {
                let (mut peer, _) = listener.accept().unwrap();
                peer.write_all(b"child").unwrap();
            }
        });
        server.kill();
        for _ in 0..2 {
            let mut said = String::new();
            TcpStream::connect(address).unwrap().read_to_string(&mut said).unwrap();
            assert_eq!(said, "child");
        }
        child.succeeds();
        let client = spawn(move || TcpStream::connect(address).is_ok());
        listener.accept().unwrap();
        assert!(client.join().unwrap());
    });
}

#[test]
fn what_stands_on_mains_frames_goes_on_in_the_child() {
    alone("alike::what_stands_on_mains_frames_goes_on_in_the_child", || {
        let mut numbers: Generator<i32> = generator(|numbers| {
            for number in 1..=3 {
                numbers.give(number);
            }
        });
        assert_eq!(numbers.next(), Some(1));
        let lock = Lock::new();
        lock.acquire().unwrap();
        in_child(|| {
            assert_eq!(numbers.by_ref().collect::<Vec<i32>>(), [2, 3]);
            lock.release().unwrap();
            lock.acquire().unwrap();
        })
        .succeeds();
        assert_eq!(numbers.collect::<Vec<i32>>(), [2, 3]);
    });
}

#[test]
fn a_timeout_that_main_is_in_ends_it_in_the_child_as_well() {
    alone("alike::a_timeout_that_main_is_in_ends_it_in_the_child_as_well", || {
        let others = spawn(|| with_timeout(Duration::from_millis(20), || sleep(Duration::MAX)));
        brief();
        let limit = Timeout::new(Duration::from_millis(50));
        let mut child = None;
        let ended: Result<(), TimedOut> = limit.run(|_| {
            child = Some(in_child(|| {
                assert_eq!(Hub::current().stats().timers, 1);
                let ended = std::panic::catch_unwind(|| sleep(Duration::from_secs(10)));
                assert!(ended.is_err(), "the block's time is over");
            }));
            sleep(Duration::MAX);
        });
        assert!(ended.is_err());
        child.unwrap().succeeds();
        assert!(others.join().unwrap().is_err());
    });
}

#[test]
fn children_of_a_busy_process_find_no_lock_taken() {
    alone("alike::children_of_a_busy_process_find_no_lock_taken", || {
        static DONE: AtomicBool = AtomicBool::new(false);
        let woken = Arc::new(Event::new());
        let remote = Hub::current().remote();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (woken, remote) = (Arc::clone(&woken), remote.clone());
                std::thread::spawn(move || {
                    while !DONE.load(Ordering::SeqCst) {
                        offload(|| ());
                        remote.run_callback(|| ());
                        woken.set();
                        drop(Signals::new([SIGUSR1]).unwrap());
                        std::thread::sleep(Duration::from_micros(100));
                    }
                })
            })
            .collect();
        for _ in 0..50 {
            woken.clear();
            woken.wait().unwrap();
            in_child(|| {
                assert_eq!(offload(|| 7), 7);
                drop(Signals::new([SIGUSR1]).unwrap());
                echo();
            })
            .succeeds();
        }
        DONE.store(true, Ordering::SeqCst);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

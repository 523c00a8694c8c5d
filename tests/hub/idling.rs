//! Waiting until nobody else has anything to do.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{Hub, idle, sleep, spawn, yield_now};

use crate::support::{LONG, Log, bounded, millis};

#[test]
fn idle_returns_when_all_others_have_run_as_far_as_they_can() {
    bounded(|| {
        let log = Log::new();
        for n in 0..3 {
            let log = log.clone();
            spawn(move || {
                for _ in 0..100 {
                    yield_now();
                }
                log.note(n);
                sleep(LONG);
            });
        }
        idle();
        assert_eq!(log.take(), ["0", "1", "2"]);
        assert_eq!(Hub::current().stats().ready, 0);
    });
}

#[test]
fn idle_after_a_sleep_does_not_hang() {
    bounded(|| {
        sleep(millis(1));
        idle();
        let greenlet = spawn(|| {
            sleep(millis(1));
            idle();
        });
        greenlet.wait();
    });
}

#[test]
fn those_who_are_idle_go_on_in_order_and_starve_neither_timers_nor_sockets() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let done = Rc::new(Cell::new(false));
        let log = Log::new();
        let idlers: Vec<_> = (0..2)
            .map(|n| {
                let (done, log) = (Rc::clone(&done), log.clone());
                spawn(move || {
                    while !done.get() {
                        log.note(n);
                        idle();
                    }
                })
            })
            .collect();
        sleep(millis(5));
        assert_eq!(log.take()[..4], ["0", "1", "0", "1"]);
        let reader = spawn(move || std::io::Read::read(&mut &server, &mut [0; 8]).unwrap());
        yield_now();
        client.write_all(b"hello").unwrap();
        assert_eq!(reader.join().unwrap(), 5);
        done.set(true);
        greenhub::joinall(&idlers);
    });
}

#[test]
fn what_the_kernel_has_to_report_comes_before_those_who_are_idle() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let log = Log::new();
        let own = log.clone();
        let reader = spawn(move || {
            own.note(std::io::Read::read(&mut &server, &mut [0; 8]).unwrap());
        });
        yield_now();
        client.write_all(b"hello").unwrap();
        idle();
        log.note("idle");
        assert_eq!(log.take(), ["5", "idle"]);
        reader.wait();
    });
}

#[test]
fn one_that_is_killed_while_idle_leaves_no_trace() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        let idler = spawn(move || {
            let _guard = own.on_drop("unwound");
            idle();
            own.note("not reached");
        });
        let spinner = spawn(|| {
            loop {
                yield_now();
            }
        });
        sleep(millis(2));
        assert!(!idler.is_finished(), "beside one that spins, nobody is idle");
        idler.kill();
        assert_eq!(log.take(), ["unwound"]);
        spinner.kill();
        idle();
        Hub::current().join();
    });
}

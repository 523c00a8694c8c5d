//! What is greenhub's own.

use std::cell::Cell;
use std::rc::Rc;

use greenhub::monkey::thread::{self, Builder};
use greenhub::{Hub, sleep, spawn, with_timeout};

use crate::support::{LONG, bounded, millis};

#[test]
fn closures_and_values_need_not_be_send() {
    bounded(|| {
        let count = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&count);
        let back = thread::spawn(move || {
            theirs.set(1);
            theirs
        });
        assert_eq!(back.join().unwrap().get(), 1);
        thread::scope(|scope| scope.spawn(|| count.set(2)).join().unwrap());
        assert_eq!(count.get(), 2);
    });
}

#[test]
fn all_of_them_run_on_one_os_thread() {
    bounded(|| {
        let here = std::thread::current().id();
        let there = thread::spawn(|| std::thread::current().id());
        assert_eq!(there.join().unwrap(), here);
    });
}

#[test]
fn a_greenlet_that_was_not_spawned_as_a_thread_is_one_too() {
    bounded(|| {
        let named = greenhub::Builder::new().name("green").spawn(thread::current).unwrap();
        assert_eq!(named.join().unwrap().name(), Some("green"));
        let parked = spawn(|| {
            let this = thread::current();
            spawn(move || this.unpark());
            thread::park();
        });
        parked.join().unwrap();
    });
}

#[test]
fn one_is_unparked_by_another_os_thread() {
    bounded(|| {
        let parked = thread::spawn(thread::park);
        let handle = parked.thread().clone();
        sleep(millis(1));
        std::thread::spawn(move || handle.unpark()).join().unwrap();
        parked.join().unwrap();
    });
}

#[test]
fn a_plain_os_thread_is_unparked_by_a_greenlet() {
    bounded(|| {
        let (tell, told) = std::sync::mpsc::channel();
        let plain = std::thread::spawn(move || {
            tell.send(thread::current()).unwrap();
            thread::park();
        });
        told.recv().unwrap().unpark();
        plain.join().unwrap();
    });
}

#[test]
fn one_that_is_killed_while_it_parks_leaves_nothing() {
    bounded(|| {
        let parked = thread::spawn(thread::park);
        sleep(millis(1));
        parked.greenlet().kill();
        assert!(parked.join().unwrap_err().is::<greenhub::Exit>());
        assert!(with_timeout(millis(2), thread::park).is_err());
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_scope_whose_owner_is_killed_kills_its_threads() {
    bounded(|| {
        let owner = spawn(|| {
            thread::scope(|scope| {
                scope.spawn(|| sleep(LONG));
                sleep(LONG);
            });
        });
        sleep(millis(1));
        owner.kill();
        assert!(owner.is_successful());
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_timeout_around_a_scope_ends_its_threads() {
    bounded(|| {
        let late = with_timeout(millis(5), || {
            thread::scope(|scope| {
                scope.spawn(|| sleep(LONG));
            })
        });
        assert!(late.is_err());
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_stack_that_is_too_large_is_an_error() {
    bounded(|| {
        let spawned = Builder::new().stack_size(1 << 40).spawn(|| ());
        assert_eq!(spawned.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    });
}

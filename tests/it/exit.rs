//! A process that ends while greenlets are suspended ends as it would without them.

use std::process;
use std::time::Duration;

use greenhub::raw::{self, Generator, Greenlet as Raw, generator};
use greenhub::{sleep, spawn, yield_now};

use crate::support::{child, is_child, stderr};

/// In the child, runs `body` and exits with status 0; in the parent, checks that it did.
fn exits_cleanly(test: &str, body: impl FnOnce()) {
    if is_child() {
        body();
        process::exit(0);
    }
    let output = child(test);
    assert_eq!(output.status.code(), Some(0), "{:?} {}", output.status, stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

fn nested(depth: u32) {
    let main = raw::main().takes::<()>();
    let inner = Raw::new(move |()| {
        if depth > 0 {
            nested(depth - 1);
        }
        main.switch::<()>(()).unwrap();
    });
    let _ = inner.switch::<()>(());
}

#[test]
fn with_suspended_raw_greenlets() {
    exits_cleanly("exit::with_suspended_raw_greenlets", || {
        let held: Vec<Raw<()>> = (0..10)
            .map(|_| {
                let main = raw::main().takes::<()>();
                let greenlet = Raw::new(move |()| {
                    let _on_its_stack = Box::new([0u8; 100]);
                    main.switch::<()>(()).unwrap();
                });
                greenlet.switch::<()>(()).unwrap();
                greenlet
            })
            .collect();
        std::mem::forget(held);
    });
}

#[test]
fn with_nested_raw_greenlets() {
    exits_cleanly("exit::with_nested_raw_greenlets", || nested(10));
}

#[test]
fn from_within_a_raw_greenlet() {
    exits_cleanly("exit::from_within_a_raw_greenlet", || {
        let _ = Raw::new(|()| process::exit(0)).switch::<()>(());
    });
}

#[test]
fn with_sleeping_and_unstarted_greenlets() {
    exits_cleanly("exit::with_sleeping_and_unstarted_greenlets", || {
        for _ in 0..50 {
            spawn(|| sleep(Duration::from_secs(60)));
        }
        yield_now();
        spawn(|| unreachable!("main has ended"));
    });
}

#[test]
fn from_within_a_spawned_greenlet() {
    exits_cleanly("exit::from_within_a_spawned_greenlet", || {
        let mut slow: Generator<()> = generator(|yielder| assert!(yielder.give(()).is_none()));
        slow.next();
        spawn(|| process::exit(0)).wait();
    });
}

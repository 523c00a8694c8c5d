//! Where a fork is refused.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;

use greenhub::os::fork;
use greenhub::{Hub, scope, sleep, spawn};

use crate::support::bounded;

#[track_caller]
fn refused() {
    // SAFETY: there is no child.
    let error = unsafe { fork() }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_greenlet_cannot_fork() {
    bounded(|| spawn(refused).join().unwrap());
}

#[test]
fn main_cannot_fork_within_a_scope() {
    bounded(|| {
        scope(|scope| {
            scope.spawn(|| sleep(std::time::Duration::from_millis(1)));
            refused();
        });
    });
}

#[test]
fn a_callback_cannot_fork() {
    bounded(|| {
        thread_local!(static CALLED: Rc<Cell<bool>> = Rc::default());
        Hub::current().remote().run_callback(|| {
            refused();
            CALLED.with(|called| called.set(true));
        });
        greenhub::yield_now();
        sleep(std::time::Duration::from_millis(1));
        assert!(CALLED.with(|called| called.get()));
    });
}

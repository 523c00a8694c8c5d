//! Waits that no public call makes yet are seen from here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::{Greenlet, current, sleep, spawn, yield_now};
use crate::hub::waiter::{Waker, park_shielded};
use crate::raw;
use crate::raw::fiber::{Reach, WaitKind};

static SHIELDED: WaitKind = WaitKind { text: "in a test", numbered: false, reach: Reach::Outside };

type Log = Rc<RefCell<Vec<&'static str>>>;

struct OnDrop(Log);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.borrow_mut().push("unwound");
    }
}

/// A body that is in a shielded wait and then in a sleep, and how to wake it.
fn shielded() -> (Log, Rc<Cell<Option<Waker>>>, impl FnOnce() + 'static) {
    let (log, waker) = (Log::default(), Rc::new(Cell::new(None)));
    let (own_log, own_waker) = (Rc::clone(&log), Rc::clone(&waker));
    let body = move || {
        let _guard = OnDrop(Rc::clone(&own_log));
        park_shielded(&SHIELDED, 0, |waker| own_waker.set(Some(waker))).unwrap();
        own_log.borrow_mut().push("waited");
        sleep(Duration::from_secs(60));
    };
    (log, waker, body)
}

#[test]
fn a_kill_does_not_cut_a_shielded_wait_short() {
    let (log, waker, body) = shielded();
    let greenlet = spawn(body);
    yield_now();
    greenlet.start_kill();
    yield_now();
    assert!(log.borrow().is_empty());
    waker.take().unwrap().wake();
    greenlet.wait();
    assert_eq!(*log.borrow(), ["waited", "unwound"]);
}

#[test]
fn a_drop_does_not_cut_a_shielded_wait_short() {
    let (log, waker, body) = shielded();
    let holder: Greenlet<()> = spawn(move || {
        let greenlet = raw::Greenlet::new(move |()| body());
        let _ = greenlet.switch::<()>(());
    });
    yield_now();
    // Drops the last handle of the raw greenlet.
    holder.kill();
    assert!(log.borrow().is_empty() && current().is_main());
    waker.take().unwrap().wake();
    yield_now();
    assert_eq!(*log.borrow(), ["waited", "unwound"]);
    assert_eq!(crate::Hub::current().stats().stacks_in_use, 0);
}

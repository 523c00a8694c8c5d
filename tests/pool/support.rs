//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use greenhub::{Hub, sleep};

pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sleeps until it is killed.
pub(crate) fn forever() {
    sleep(Duration::MAX);
}

/// Lets everything run that is ready, and the loop go round.
pub(crate) fn settle() {
    sleep(millis(2));
}

/// What `body` panics with.
#[track_caller]
pub(crate) fn panic_of<R>(body: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    }
}

/// Ends the current greenlet as a panic does, without a message on standard error.
pub(crate) fn fail(why: &'static str) -> ! {
    panic::resume_unwind(Box::new(why))
}

/// A list that many hold and write to.
pub(crate) struct Log<T>(Rc<RefCell<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Log(Rc::clone(&self.0))
    }
}

impl<T> Log<T> {
    pub(crate) fn new() -> Log<T> {
        Log(Rc::default())
    }

    pub(crate) fn note(&self, what: T) {
        self.0.borrow_mut().push(what);
    }

    /// What was noted since this was last asked.
    pub(crate) fn take(&self) -> Vec<T> {
        self.0.take()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

/// Sends every unhandled panic of this thread's hub to a log, as its message.
pub(crate) fn log_unhandled() -> Log<String> {
    let log = Log::new();
    let sink = log.clone();
    Hub::current()
        .set_error_hook(move |unhandled| sink.note(unhandled.message().unwrap_or("?").to_owned()));
    log
}

/// How many run at once, and how many did at most.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Rc<(Cell<usize>, Cell<usize>)>);

impl Gauge {
    pub(crate) fn enter(&self) -> Inside {
        let (now, most) = &*self.0;
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        Inside(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0.0.get()
    }

    pub(crate) fn most(&self) -> usize {
        self.0.1.get()
    }
}

/// One that is counted, until this is dropped.
pub(crate) struct Inside(Gauge);

impl Drop for Inside {
    fn drop(&mut self) {
        let now = &self.0.0.0;
        now.set(now.get() - 1);
    }
}

/// Checks that nothing is left: no greenlet, no timer.
#[track_caller]
pub(crate) fn assert_nothing_left() {
    settle();
    let stats = Hub::current().stats();
    assert_eq!((stats.stacks_in_use, stats.timers, stats.ready), (0, 0, 0), "{stats:?}");
}

/// Calls `f` when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

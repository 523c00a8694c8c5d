//! What these tests share: a limit on every wait, doors to hold tasks, and counts.

#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenhub::sync::Event;
use greenhub::{Future, ThreadPool, sleep};

pub(crate) use self::bounded::bounded;

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Waits until something on another thread has come about.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so() {
            return;
        }
        sleep(millis(1));
    }
    panic!("it does not come about");
}

/// Waits until all tasks of `pool` are done, and this thread's hub has heard of their panics.
pub(crate) fn settle(pool: &ThreadPool) {
    pool.join().unwrap();
    sleep(millis(1));
}

/// Keeps tasks until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<Event>);

impl Door {
    pub(crate) fn open(&self) {
        self.0.set();
    }

    /// A task that ends when the door is open.
    pub(crate) fn task(&self) -> impl FnOnce() + Send + use<> {
        let door = self.clone();
        move || door.0.wait().unwrap()
    }

    /// Has a thread of `pool` wait at the door.
    pub(crate) fn hold(&self, pool: &ThreadPool) -> Future<()> {
        let held = pool.spawn(self.task());
        until(|| held.running());
        held
    }
}

/// Counts values that live, and how often one was dropped.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<[AtomicUsize; 2]>);

impl Tally {
    pub(crate) fn one(&self) -> Counted {
        self.0[0].fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    pub(crate) fn made(&self) -> usize {
        self.0[0].load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0[1].load(Ordering::SeqCst)
    }
}

pub(crate) struct Counted(Tally);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

/// The messages that this thread's error hook is told from now on.
pub(crate) fn unhandled() -> Rc<RefCell<Vec<String>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&told);
    greenhub::Hub::current().set_error_hook(move |unhandled| {
        let message = unhandled.message().unwrap_or("(not a text)");
        sink.borrow_mut().push(format!("{}: {message}", unhandled.origin));
    });
    told
}

/// Panics without a line on standard error.
pub(crate) fn fail<R>(message: &'static str) -> R {
    std::panic::resume_unwind(Box::new(message))
}

//! What the bodies share.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::world::thread;

/// Unwinds as a panic does, but prints nothing.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// Whether `body` unwinds.
pub(crate) fn unwinds<R>(body: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(body)).is_err()
}

/// What `body` panics with.
pub(crate) fn message<R>(body: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(body)) else { panic!("it does not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a text")).to_owned(),
    }
}

/// Looks again and again, until there is something.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        match look() {
            Some(found) => return found,
            None => thread::sleep(millis(1)),
        }
    }
}

/// Tells another thread how far one has come.
#[derive(Clone, Default)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn wait(&self) {
        eventually(|| self.0.load(Ordering::SeqCst).then_some(()));
    }
}

/// Lets the others come as far as they can. If they have not, a test shows less, and does not fail.
pub(crate) fn settle() {
    thread::sleep(Duration::from_millis(30));
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

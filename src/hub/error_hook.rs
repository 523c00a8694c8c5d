//! Where panics go that nobody asks for.

use std::any::Any;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, Location};
use std::rc::Rc;

use super::core::{self, Core};
use crate::raw::drop_quietly;

/// A panic that reached nobody: of a greenlet or a task that no one can join any more, or of a
/// callback. Or what a server could not do, which is a text here too.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unhandled<'a> {
    /// Whose panic it was: `greenlet 7 'reader'`, `a callback`, or `the server on 127.0.0.1:80`.
    pub origin: &'a str,
    /// Where the greenlet or the task was spawned.
    pub made_at: Option<&'static Location<'static>>,
    /// What it panicked with.
    pub payload: &'a (dyn Any + Send),
}

impl Unhandled<'_> {
    /// The panic's message, if it is text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }
}

pub(super) type ErrorHook = Rc<dyn Fn(&Unhandled<'_>)>;

/// Tells the hub's hook, or standard error.
pub(crate) fn report(core: &Core, unhandled: &Unhandled<'_>) {
    let hook = core.error_hook.borrow().clone();
    match hook {
        // A hook that panics has had its message from the panic hook; the hub goes on.
        Some(hook) => {
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| hook(unhandled))) {
                drop_quietly(payload);
            }
        }
        None => print(unhandled),
    }
}

/// Tells the hub's hook, or standard error, of something that is no panic.
pub(crate) fn complain(origin: &str, text: String) {
    core::try_with(|core| {
        if core.error_hook.borrow().is_some() {
            report(core, &Unhandled { origin, made_at: None, payload: &text });
        } else {
            // Whoever has closed it does not want to know.
            let _ = writeln!(io::stderr(), "greenhub: {text}");
        }
    });
}

/// Tells standard error.
pub(crate) fn print(unhandled: &Unhandled<'_>) {
    let message = unhandled.message().unwrap_or("(not a text)");
    let origin = unhandled.origin;
    match unhandled.made_at {
        Some(place) => {
            eprintln!("greenhub: {origin}, spawned at {place}, panicked unjoined: {message}");
        }
        None => eprintln!("greenhub: {origin} panicked: {message}"),
    }
}

/// Runs a callback in the loop, which its panic must not leave.
pub(super) fn guard(core: &Core, callback: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(callback)) {
        let unhandled = Unhandled { origin: "a callback", made_at: None, payload: &*payload };
        report(core, &unhandled);
        drop_quietly(payload);
    }
}

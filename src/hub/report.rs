//! The report when everything waits for ever: who waits for what.

use std::fmt::Write;

use crate::raw::fiber::{FiberRef, Head, Reach, WaitingFor};
use crate::raw::thread;

/// The report's text; `fibers` are all that have not ended, main first.
pub(super) fn stuck(fibers: &[FiberRef]) -> String {
    let mut text = String::from(
        "everything waits for ever: no greenlet is ready, and no timer, socket, pool or other \
         thread can wake one. This would be a hang.",
    );
    list(&mut text, fibers);
    text
}

/// Adds a line for each of `fibers`: what it waits for.
pub(crate) fn list(text: &mut String, fibers: &[FiberRef]) {
    for fiber in fibers {
        let head = &fiber.head;
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {} waits {}", name(head), what(head));
        if !head.is_main() {
            let _ = write!(text, " (made at {})", head.made_at);
        }
    }
}

/// How a greenlet is called in messages.
pub(crate) fn name(head: &Head) -> String {
    match (&*head.name.borrow(), head.is_main()) {
        (_, true) => "main".into(),
        (Some(name), _) => format!("greenlet {} '{name}'", head.id.get()),
        (None, _) => format!("greenlet {}", head.id.get()),
    }
}

/// What a fiber of this thread waits for; completes "waits …".
pub(crate) fn what(head: &Head) -> String {
    if !head.mailbox.get().is_null() {
        return "in a raw switch, for a value".into();
    }
    let waiting = head.waiting_for.get();
    if !waiting.kind.numbered {
        return waiting.kind.text.into();
    }
    match subject(waiting) {
        Some(fiber) => format!("{} {}", waiting.kind.text, name(&fiber.head)),
        None => format!("{} {}", waiting.kind.text, waiting.subject),
    }
}

/// The greenlet that is waited for, if it is one: of what comes from outside, the number is a
/// descriptor's.
fn subject(waiting: WaitingFor) -> Option<FiberRef> {
    let is_inside = waiting.kind.reach == Reach::Inside;
    let id = u32::try_from(waiting.subject).ok().filter(|_| is_inside)?;
    thread::with(|thread| thread.fiber(id))
}

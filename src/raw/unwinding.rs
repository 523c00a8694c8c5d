//! Ending a greenlet by unwinding it, and what is told when that goes wrong.

use std::any::Any;
use std::cell::RefCell;
use std::panic;
use std::rc::Rc;
use std::thread::ThreadId;

use super::fiber::Head;
use super::{thread, trace};
use crate::stack::overflow::Overflow;

/// The payload that ends a greenlet quietly. Mirrors `greenlet.GreenletExit`.
///
/// It is raised in a greenlet that is killed or whose last handle is dropped. Code that
/// catches every panic should pass it on: `if payload.is::<Exit>() { resume_unwind(payload) }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit;

/// The payload that ends a block whose time is over: whoever opened that block catches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired {
    thread: ThreadId,
    number: u64,
}

impl Expired {
    /// Whether it ends the block with this number, of the current thread.
    pub(crate) fn ends(self, number: u64) -> bool {
        self.number == number && self.thread == std::thread::current().id()
    }
}

/// Unwinds the current fiber, if someone wants it to end or a block around it has expired. Before
/// that, a hook may be told that the fiber was switched to.
#[inline(always)]
pub(crate) fn raise_if_interrupted(head: &Head) {
    if head.interrupted.get() {
        raise(head);
    }
}

/// Each is raised once: a greenlet that catches it goes on. A kill comes before any expiry.
#[cold]
#[inline(never)]
fn raise(head: &Head) {
    trace::tell(head);
    head.thrown.set(false);
    let killed = head.killed.replace(false);
    let expired = thread::with(|thread| {
        let expired = if killed { None } else { thread.scopes.take_expired(head) };
        thread.scopes.refresh(head);
        expired
    });
    if killed {
        let extra = head.extra_or_default();
        extra.kills.set(extra.kills.get().saturating_add(1));
        let payload = extra.kill_payload.take();
        unwind(payload.unwrap_or_else(|| Box::new(Exit)));
    }
    if let Some(number) = expired {
        let thread = std::thread::current().id();
        panic::resume_unwind(Box::new(Expired { thread, number }));
    }
}

/// Ends the current greenlet with `payload`, quietly.
///
/// # Panics
///
/// Where nothing can unwind: so the process does not end without a word.
pub(crate) fn unwind(payload: Box<dyn Any + Send>) -> ! {
    if cfg!(panic = "abort") {
        panic!(
            "a greenlet is to be unwound, and with `panic = \"abort\"` nothing can be: aborting"
        );
    }
    panic::resume_unwind(payload);
}

/// A result of a raw greenlet that reached nobody.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lost {
    /// The greenlet's number.
    pub id: u32,
    /// What it panicked with; `None` if it returned a value.
    pub payload: Option<Box<dyn Any + Send>>,
}

/// Drops a value whose destructor must not unwind out of here. What it panics with has passed the
/// panic hook, and is forgotten: it might do the same again.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(payload);
    }
}

type Hook = Rc<dyn Fn(&Lost)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Replaces what is told, in this thread, of results that reach nobody.
///
/// That is a panic in a greenlet whose last handle was dropped, and a result for a parent
/// that waits in the hub. Without a hook it is a line on standard error. Mirrors
/// Python's `sys.unraisablehook`.
pub fn set_lost_hook(hook: impl Fn(&Lost) + 'static) {
    let old = HOOK.replace(Some(Rc::new(hook)));
    drop(old);
}

pub(super) fn report_lost(head: &Head, payload: Box<dyn Any + Send>) {
    if !payload.is::<Exit>() {
        report(Lost { id: head.id.get(), payload: Some(payload) });
    }
}

pub(super) fn report_lost_value(head: &Head) {
    report(Lost { id: head.id.get(), payload: None });
}

fn report(lost: Lost) {
    let hook = HOOK.with_borrow(Clone::clone);
    let what = if lost.payload.is_some() { "a panic" } else { "the result" };
    match hook {
        // A hook that panics must not take the dropper with it.
        Some(hook) => {
            let told = panic::catch_unwind(panic::AssertUnwindSafe(|| hook(&lost)));
            if let Err(payload) = told {
                drop_quietly(payload);
            }
        }
        None => eprintln!("greenhub: {what} of greenlet {} reached nobody", lost.id),
    }
    drop_quietly(lost);
}

/// For the signal handler: who overflowed its stack, if the running fiber did at `address`.
pub(crate) fn describe_overflow(address: usize, tell: &mut dyn FnMut(Overflow<'_>)) -> bool {
    let told = thread::try_current_head(|head| {
        if !head.overflows_at(address) {
            return false;
        }
        // Borrowed for writing only within `set_name`, which does not overflow.
        let name = head.name.try_borrow();
        tell(Overflow {
            id: head.id.get(),
            name: name.as_ref().ok().and_then(|name| name.as_deref()),
            stack_bytes: head.stack_bytes.get(),
        });
        true
    });
    told.unwrap_or(false)
}

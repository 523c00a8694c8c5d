//! Telling a hook of every switch.
//!
//! The hook runs in the target, when the switch is done:
//!
//! ```text
//!   loop:   hook set? ─▶ note origin and target, flag the target `interrupted` ─▶ resume it
//!   target: `interrupted`? ─▶ call the hook ─▶ …and whatever else the flag says
//! ```
//!
//! So a fiber that goes on pays nothing for this: it looks at that flag anyway, for kills and
//! expiries. The loop pays a branch for each fiber that it resumes.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use super::fiber::{FiberRef, Head};
use super::thread::{self, Thread};
use super::unwinding::drop_quietly;

/// One switch, as a [trace](crate::set_trace) hook is told of it.
pub struct Switch {
    pub(crate) origin: FiberRef,
    pub(crate) target: FiberRef,
    is_throw: bool,
}

impl Switch {
    /// Whether the target goes on with a panic: thrown or by a child, by a kill, or by a timeout.
    #[must_use]
    pub fn is_throw(&self) -> bool {
        self.is_throw
    }
}

/// What is called with every switch.
pub type Trace = Rc<dyn Fn(&Switch)>;

#[derive(Default)]
pub(crate) struct Tracing {
    is_on: Cell<bool>,
    hook: RefCell<Option<Trace>>,
    /// Who ran last.
    last: RefCell<Option<FiberRef>>,
    /// From whom and to whom, until the target tells it.
    untold: RefCell<Option<(FiberRef, FiberRef)>>,
    /// The hook runs, and what is switched meanwhile is not told.
    is_telling: Cell<bool>,
}

impl Tracing {
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// Forgets all, without running destructors: for a thread that ends.
    pub(super) fn leak(&self) {
        std::mem::forget((self.hook.take(), self.last.take(), self.untold.take()));
    }
}

/// Replaces the hook of this thread; returns the one that was there.
pub(crate) fn set(hook: Option<Trace>) -> Option<Trace> {
    let last = hook.is_some().then(thread::current);
    thread::with(|thread| {
        let tracing = &thread.tracing;
        tracing.is_on.set(hook.is_some());
        let forgotten = (tracing.last.replace(last), tracing.untold.take());
        let old = tracing.hook.replace(hook);
        drop_quietly(forgotten);
        old
    })
}

pub(crate) fn hook() -> Option<Trace> {
    thread::with(|thread| thread.tracing.hook.borrow().clone())
}

/// Notes that the fiber with the head `target` is about to run, so that it tells the hook. It
/// takes no `FiberRef`, which the loop would have to keep in memory for that.
#[cold]
#[inline(never)]
pub(crate) fn note(thread: &Thread, target: &Head) {
    let tracing = &thread.tracing;
    if tracing.is_telling.get() {
        return;
    }
    let Some(target) = thread.fiber(target.id.get()) else { return };
    let Some(origin) = tracing.last.replace(Some(target.clone())) else { return };
    if origin.is_same(&target) {
        return;
    }
    target.head.interrupted.set(true);
    drop_quietly(tracing.untold.replace(Some((origin, target))));
}

/// Tells the hook of the switch to the running fiber, if that is still to be told.
///
/// # Panics
///
/// If the hook does, which is removed then.
pub(super) fn tell(head: &Head) {
    let Some((switch, hook)) = thread::with(|thread| take_untold(thread, head)) else { return };
    let told = call(&hook, &switch);
    // It may hold the last reference to a greenlet that has ended, and so run destructors.
    drop_quietly(switch);
    if let Err(payload) = told {
        drop_quietly((set(None), hook));
        panic::resume_unwind(payload);
    }
}

fn take_untold(thread: &Thread, head: &Head) -> Option<(Switch, Trace)> {
    let tracing = &thread.tracing;
    let is_its_own = |(_, target): &mut (FiberRef, FiberRef)| std::ptr::eq(&target.head, head);
    let (origin, target) = tracing.untold.borrow_mut().take_if(is_its_own)?;
    let is_throw = head.killed.get() || head.thrown.get() || thread.scopes.has_expired(head);
    let hook = tracing.hook.borrow().clone()?;
    Some((Switch { origin, target, is_throw }, hook))
}

fn call(hook: &Trace, switch: &Switch) -> Result<(), Box<dyn Any + Send>> {
    thread::with(|thread| thread.tracing.is_telling.set(true));
    let told = panic::catch_unwind(AssertUnwindSafe(|| hook(switch)));
    thread::with(|thread| thread.tracing.is_telling.set(false));
    told
}

//! A hook that is told of every switch between greenlets.

use std::fmt;

use super::AnyGreenlet;
use crate::raw::trace;
#[doc(inline)]
pub use crate::raw::trace::{Switch, Trace};

/// Replaces the hook that is told of every switch of this thread; returns the one that was there.
///
/// It is called in the greenlet that is switched to, when that has happened: before it goes on
/// from its wait, its yield or its raw switch, or begins. One that goes on after itself, since
/// nobody else was ready, has not been switched to; the hub is no greenlet, so main and
/// greenlets follow each other directly. The switches that the hook itself causes are not told, nor
/// are the unwinding of a raw greenlet whose last handle is dropped and the way back from it. The
/// switch back into a call that lends its buffer, as those on files do, may be told at the next
/// wait or not at all.
///
/// A panic of the hook removes it, and goes on in the greenlet that was switched to. Without a hook
/// this costs one branch for each switch. Mirrors `greenlet.settrace`.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
///
/// let seen = Rc::new(RefCell::new(Vec::new()));
/// let own = Rc::clone(&seen);
/// greenhub::set_trace(Some(Rc::new(move |switch| {
///     own.borrow_mut().push((switch.origin().id(), switch.target().id()));
/// })));
/// let greenlet = greenhub::spawn(|| ());
/// greenlet.wait();
/// greenhub::set_trace(None);
/// assert_eq!(*seen.borrow(), [(0, greenlet.id()), (greenlet.id(), 0)]);
/// ```
pub fn set_trace(hook: Option<Trace>) -> Option<Trace> {
    trace::set(hook)
}

/// The hook that is told of every switch of this thread. Mirrors `greenlet.gettrace`.
#[must_use]
pub fn trace() -> Option<Trace> {
    trace::hook()
}

impl Switch {
    /// Who ran before.
    #[must_use]
    pub fn origin(&self) -> AnyGreenlet {
        AnyGreenlet::from(self.origin.clone())
    }

    /// Who runs now.
    #[must_use]
    pub fn target(&self) -> AnyGreenlet {
        AnyGreenlet::from(self.target.clone())
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("origin", &self.origin())
            .field("target", &self.target())
            .field("is_throw", &self.is_throw())
            .finish()
    }
}

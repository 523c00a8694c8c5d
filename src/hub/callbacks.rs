//! What the thread itself has its hub call in the loop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use super::core::{self, Core};
use super::error_hook;
use crate::raw::thread;

type Body = RefCell<Option<Box<dyn FnOnce()>>>;

/// Callbacks, first come first called.
#[derive(Default)]
pub(super) struct Callbacks {
    queue: RefCell<VecDeque<Rc<Body>>>,
}

impl Callbacks {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Calls those that were there before the first of them is called.
    #[inline]
    pub(super) fn run(&self, core: &Core) {
        if !self.is_empty() {
            self.run_all(core);
        }
    }

    #[cold]
    fn run_all(&self, core: &Core) {
        for body in self.queue.take() {
            let body = body.take();
            if let Some(body) = body {
                error_hook::guard(core, body);
            }
        }
    }

    /// Forgets them, without running destructors: for a thread that ends.
    pub(super) fn leak(&self) {
        self.queue.take().into_iter().for_each(std::mem::forget);
    }
}

/// Has this thread's hub call `body`; see [`Hub::run_callback`](super::Hub::run_callback).
pub(super) fn add(body: Box<dyn FnOnce()>) -> Callback {
    let body = Rc::new(RefCell::new(Some(body)));
    core::with(|core| {
        core.callbacks.queue.borrow_mut().push_back(Rc::clone(&body));
        // One that calls for the next must not keep the greenlets from running.
        if !thread::current_head(thread::is_called_by_loop) {
            core.cut_turn();
        }
    });
    Callback { body }
}

/// A callback that the hub is to call; made by [`Hub::run_callback`](super::Hub::run_callback).
///
/// Dropping this leaves the callback as it is. Mirrors gevent's `callback`.
pub struct Callback {
    body: Rc<Body>,
}

impl Callback {
    /// Whether it is still to be called.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.body.borrow().is_some()
    }

    /// Has it never be called, and drops what it captured; `false` if it has been called already, or
    /// is being called.
    pub fn stop(&self) -> bool {
        let body = self.body.take();
        body.is_some()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("is_pending", &self.is_pending()).finish()
    }
}

//! Who runs next. All fairness is here: first come, first served, but in a simulation with a seed,
//! which has its own (`simulated.rs`).
//!
//! A fiber that becomes ready goes to the end, whether it was woken, spawned or has yielded.
//! So every ready fiber runs before any runs twice. How often the hub looks away from this
//! queue, to its timers and sockets, is the loop's business.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::raw::fiber::FiberRef;

/// So many stacks' tops fit into the nearest caches, and nothing has to be fetched ahead.
const CROWD: usize = 32;

#[derive(Default)]
pub(super) struct Ready {
    queue: RefCell<VecDeque<FiberRef>>,
}

impl Ready {
    #[inline]
    pub(super) fn push(&self, fiber: FiberRef) {
        self.queue.borrow_mut().push_back(fiber);
    }

    /// The exception, for what the others must not hold up.
    pub(super) fn push_first(&self, fiber: FiberRef) {
        self.queue.borrow_mut().push_front(fiber);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<FiberRef> {
        let mut queue = self.queue.borrow_mut();
        let first = queue.pop_front();
        // The caches do not hold a thousand greenlets: while one runs, the next are fetched.
        if queue.len() >= CROWD {
            queue[0].head.prefetch_stack();
            queue[1].head.prefetch();
        }
        first
    }

    /// Has the one at `place`, of those who are ready, go before `first`, who is the very first and has
    /// been taken out. The others keep their order.
    pub(super) fn prefer(&self, place: usize, first: FiberRef) -> FiberRef {
        let mut queue = self.queue.borrow_mut();
        match queue.remove(place) {
            Some(preferred) => {
                queue.push_front(first);
                preferred
            }
            None => first,
        }
    }

    /// Takes main out, if it is ready.
    pub(super) fn forget_main(&self) {
        self.queue.borrow_mut().retain(|fiber| !fiber.head.is_main());
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Forgets everyone, without running their destructors: for a thread that ends.
    pub(super) fn leak(&self) {
        self.queue.take().into_iter().for_each(std::mem::forget);
    }
}

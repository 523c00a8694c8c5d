//! Stacks: where greenlets run.
//!
//! A stack is a slot of a large mapping (a *chunk*), with a guard below it that faults.
//! Slots of one size form a class; sizes are powers of two, so that there are few.
//! The stack released last is taken first, because its pages are still in the caches.
//! Idle stacks keep their pages up to a bound; beyond it the coldest give them back.
//!
//! This file hands stacks out and takes them back. Mapping and guarding is `chunk`'s
//! job, and what happens when one overflows is told in `overflow`.

mod chunk;
#[cfg(unix)]
pub(crate) mod overflow;

use std::cell::{Cell, RefCell};
use std::io;

pub(crate) use self::chunk::Stack;
use self::chunk::{Chunk, Stride};
use crate::config;

/// The stacks of one OS thread.
pub(crate) struct StackPool {
    classes: RefCell<Vec<Class>>,
    default_bytes: Cell<usize>,
}

/// All stacks of one size.
struct Class {
    stride: Stride,
    chunks: Vec<Chunk>,
    /// Idle, with their pages; the hottest last.
    warm: Vec<Stack>,
    /// Idle, their pages given back.
    cold: Vec<Stack>,
    in_use: usize,
    idle_limit: usize,
}

impl StackPool {
    pub(crate) fn new() -> Self {
        StackPool {
            classes: RefCell::new(Vec::new()),
            default_bytes: Cell::new(config::STACK_BYTES),
        }
    }

    /// Sets the size of the stacks that are asked for without one.
    pub(crate) fn set_default_bytes(&self, bytes: usize) {
        self.default_bytes.set(bytes);
    }

    pub(crate) fn default_bytes(&self) -> usize {
        self.default_bytes.get()
    }

    /// Hands out a stack of at least `bytes`, or of the default size.
    ///
    /// # Errors
    ///
    /// Where the kernel gives no more memory or no more mappings; the message names the limit.
    #[inline]
    pub(crate) fn acquire(&self, bytes: Option<usize>) -> io::Result<Stack> {
        let stride = Stride::of(bytes.unwrap_or(self.default_bytes.get()))?;
        let mut classes = self.classes.borrow_mut();
        // Nearly every program has one class, and then this is one comparison.
        let class = match classes.iter().position(|class| class.stride == stride) {
            Some(index) => &mut classes[index],
            None => {
                classes.push(Class::new(stride, config::IDLE_STACKS));
                classes.last_mut().expect("just pushed")
            }
        };
        class.acquire()
    }

    /// Takes back a stack that nothing runs on any more.
    #[inline]
    pub(crate) fn release(&self, stack: Stack) {
        let mut classes = self.classes.borrow_mut();
        let class = classes
            .iter_mut()
            .find(|class| class.stride == stack.stride())
            .expect("a stack goes back to the pool it came from");
        class.release(stack);
    }

    /// Stacks handed out and not yet taken back.
    pub(crate) fn in_use(&self) -> usize {
        self.classes.borrow().iter().map(|class| class.in_use).sum()
    }

    /// Stacks that wait to be used again, whether they keep their pages or not.
    pub(crate) fn idle(&self) -> usize {
        let classes = self.classes.borrow();
        classes.iter().map(|class| class.warm.len() + class.cold.len()).sum()
    }
}

impl Drop for StackPool {
    /// Unmaps the chunks, unless greenlets still stand on them: those are leaked, since
    /// something may yet point into their frames.
    fn drop(&mut self) {
        for class in self.classes.get_mut() {
            if class.in_use > 0 {
                std::mem::forget(std::mem::take(&mut class.chunks));
            }
        }
    }
}

impl Class {
    fn new(stride: Stride, idle_limit: usize) -> Self {
        Class {
            stride,
            chunks: Vec::new(),
            warm: Vec::new(),
            cold: Vec::new(),
            in_use: 0,
            idle_limit,
        }
    }

    #[inline]
    fn acquire(&mut self) -> io::Result<Stack> {
        let stack = match self.warm.pop() {
            Some(stack) => stack,
            None => self.acquire_slow()?,
        };
        self.in_use += 1;
        Ok(stack)
    }

    #[cold]
    fn acquire_slow(&mut self) -> io::Result<Stack> {
        if let Some(stack) = self.cold.pop() {
            return Ok(stack);
        }
        if let Some(stack) = self.chunks.last_mut().and_then(|chunk| chunk.carve().transpose()) {
            return stack;
        }
        let mut chunk = Chunk::map(self.stride, self.chunks.len())?;
        let stack = chunk.carve().transpose().expect("a new chunk has room");
        // Kept even where its first guard was refused: its slots can be tried again.
        self.chunks.push(chunk);
        stack
    }

    #[inline]
    fn release(&mut self, stack: Stack) {
        self.in_use -= 1;
        self.warm.push(stack);
        if self.warm.len() > 2 * self.idle_limit {
            self.cool();
        }
    }

    /// Gives back the pages of the coldest half, neighbours together.
    #[cold]
    fn cool(&mut self) {
        let surplus = self.warm.len() - self.idle_limit;
        let mut cooled: Vec<Stack> = self.warm.drain(..surplus).collect();
        cooled.sort_unstable_by_key(Stack::bottom);
        for run in cooled.chunk_by(|left, right| left.touches(right)) {
            chunk::give_back(&run[0], &run[run.len() - 1]);
        }
        self.cold.append(&mut cooled);
    }
}

#[cfg(test)]
mod tests;

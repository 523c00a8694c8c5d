//! Stacks: where greenlets run.
//!
//! A stack is a slot of a large mapping (a *chunk*), with a guard below it that faults.
//! Slots of one size form a class; sizes are powers of two, so that there are few.
//! The stack released last is taken first, because its pages are still in the caches.
//! Idle stacks keep their pages up to a bound; beyond it the coldest give them back.
//!
//! Who will need a stack reserves one first: that is when it is mapped and guarded, if none is
//! idle, and when the kernel may refuse. Which one it gets is decided when it begins to run,
//! so that of ten thousand that run and end one by one all have the same, hot one.
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
    /// What the default comes to, unless it is too large for any stack.
    default_stride: Cell<Option<Stride>>,
}

/// All stacks of one size.
struct Class {
    stride: Stride,
    chunks: Vec<Chunk>,
    /// Idle, with their pages; the hottest last.
    warm: Vec<Stack>,
    /// Idle, their pages given back.
    cold: Vec<Stack>,
    /// Reserved, and still among the idle: there are never fewer of those.
    reserved: usize,
    in_use: usize,
    idle_limit: usize,
}

/// The right to a stack, which is to be taken or given up.
#[derive(Debug)]
#[must_use = "a stack is kept free for it until it is taken or given up"]
pub(crate) struct Reserved(Stride);

impl Reserved {
    /// Bytes that code on the stack may use.
    pub(crate) fn usable_bytes(&self) -> usize {
        self.0.usable_bytes()
    }
}

impl StackPool {
    pub(crate) fn new() -> Self {
        StackPool {
            classes: RefCell::new(Vec::new()),
            default_bytes: Cell::new(config::STACK_BYTES),
            default_stride: Cell::new(Stride::of(config::STACK_BYTES).ok()),
        }
    }

    /// Sets the size of the stacks that are asked for without one.
    pub(crate) fn set_default_bytes(&self, bytes: usize) {
        self.default_bytes.set(bytes);
        self.default_stride.set(Stride::of(bytes).ok());
    }

    pub(crate) fn default_bytes(&self) -> usize {
        self.default_bytes.get()
    }

    /// Keeps a stack free, of at least `bytes` or of the default size.
    ///
    /// # Errors
    ///
    /// Where the kernel gives no more memory or no more mappings; the message names the limit.
    #[inline]
    pub(crate) fn reserve(&self, bytes: Option<usize>) -> io::Result<Reserved> {
        let stride = match (bytes, self.default_stride.get()) {
            (None, Some(stride)) => stride,
            _ => Stride::of(bytes.unwrap_or(self.default_bytes.get()))?,
        };
        let mut classes = self.classes.borrow_mut();
        // Nearly every program has one class, and then this is one comparison.
        let class = match classes.iter().position(|class| class.stride == stride) {
            Some(index) => &mut classes[index],
            None => {
                classes.push(Class::new(stride, config::IDLE_STACKS));
                classes.last_mut().expect("just pushed")
            }
        };
        class.reserve()?;
        Ok(Reserved(stride))
    }

    /// Hands out a stack that was reserved: the one that was used last.
    #[inline]
    pub(crate) fn take(&self, reserved: Reserved) -> Stack {
        self.with_class(reserved.0, Class::take)
    }

    /// Does without a stack that was reserved.
    pub(crate) fn give_up(&self, reserved: Reserved) {
        self.with_class(reserved.0, |class| class.reserved -= 1);
    }

    /// Takes back a stack that nothing runs on any more.
    #[inline]
    pub(crate) fn release(&self, stack: Stack) {
        #[cfg(feature = "sanitizer")]
        crate::sanitizer::stack_is_free(stack.bottom());
        self.with_class(stack.stride(), |class| class.release(stack));
    }

    #[inline]
    fn with_class<R>(&self, stride: Stride, f: impl FnOnce(&mut Class) -> R) -> R {
        let mut classes = self.classes.borrow_mut();
        let class = classes.iter_mut().find(|class| class.stride == stride);
        f(class.expect("a stack is of the pool that it was reserved in"))
    }

    /// Stacks reserved or handed out, and not yet taken back.
    pub(crate) fn in_use(&self) -> usize {
        self.classes.borrow().iter().map(|class| class.reserved + class.in_use).sum()
    }

    /// Stacks that wait to be used again, whether they keep their pages or not.
    pub(crate) fn idle(&self) -> usize {
        let classes = self.classes.borrow();
        classes.iter().map(|class| class.idle() - class.reserved).sum()
    }
}

/// How many bytes of a stack that lies from `lowest` on, counted from its top, have been touched since
/// it got its pages, by whoever stood on it. `None` where the kernel does not tell.
pub(crate) fn touched(lowest: usize, bytes: usize) -> Option<usize> {
    chunk::touched(lowest, bytes)
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
            reserved: 0,
            in_use: 0,
            idle_limit,
        }
    }

    #[inline]
    fn idle(&self) -> usize {
        self.warm.len() + self.cold.len()
    }

    #[inline]
    fn reserve(&mut self) -> io::Result<()> {
        if self.reserved == self.idle() {
            let stack = self.carve()?;
            self.cold.push(stack);
        }
        self.reserved += 1;
        Ok(())
    }

    #[inline]
    fn take(&mut self) -> Stack {
        let stack = self.warm.pop().or_else(|| self.cold.pop());
        self.reserved -= 1;
        self.in_use += 1;
        stack.expect("as many are idle as are reserved")
    }

    #[cold]
    fn carve(&mut self) -> io::Result<Stack> {
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

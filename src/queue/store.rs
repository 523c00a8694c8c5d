//! In which order a queue gives its items.

use std::any::Any;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{self, AssertUnwindSafe};

/// Keeps items in an order of its own.
pub trait Store {
    /// What it keeps.
    type Item;

    #[doc(hidden)]
    fn push(&mut self, item: Self::Item);

    #[doc(hidden)]
    fn pop(&mut self) -> Option<Self::Item>;

    #[doc(hidden)]
    fn peek(&self) -> Option<&Self::Item>;

    #[doc(hidden)]
    fn len(&self) -> usize;

    /// Whether it calls code of the program's, which may panic: then `push` has put the item in all
    /// the same, `pop` has taken one out and lost it, and the panic is kept.
    #[doc(hidden)]
    const COMPARES: bool = false;

    /// The panic that was kept.
    #[doc(hidden)]
    fn take_panic(&mut self) -> Option<Payload> {
        None
    }
}

/// What code of the program's has panicked with.
pub(super) type Payload = Box<dyn Any + Send>;

/// First in, first out.
pub struct Fifo<T>(VecDeque<T>);

impl<T> Fifo<T> {
    pub(super) const fn new() -> Self {
        Fifo(VecDeque::new())
    }
}

impl<T> Store for Fifo<T> {
    type Item = T;

    #[inline]
    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    fn peek(&self) -> Option<&T> {
        self.0.front()
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Last in, first out.
pub struct Lifo<T>(Vec<T>);

impl<T> Lifo<T> {
    pub(super) const fn new() -> Self {
        Lifo(Vec::new())
    }
}

impl<T> Store for Lifo<T> {
    type Item = T;

    #[inline]
    fn push(&mut self, item: T) {
        self.0.push(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn peek(&self) -> Option<&T> {
        self.0.last()
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

/// The least first; of equals, the one that came first.
pub struct LeastFirst<T> {
    heap: BinaryHeap<Reverse<Ranked<T>>>,
    came: u64,
    panic: Option<Payload>,
}

/// An item, and how many came before it.
struct Ranked<T> {
    item: T,
    came: u64,
}

impl<T: Ord> LeastFirst<T> {
    pub(super) const fn new() -> Self {
        LeastFirst { heap: BinaryHeap::new(), came: 0, panic: None }
    }
}

impl<T: Ord> Store for LeastFirst<T> {
    type Item = T;

    const COMPARES: bool = true;

    fn push(&mut self, item: T) {
        let ranked = Reverse(Ranked { item, came: self.came });
        self.came += 1;
        // The heap has the item before it compares it.
        let pushed = panic::catch_unwind(AssertUnwindSafe(|| self.heap.push(ranked)));
        self.panic = pushed.err().or(self.panic.take());
    }

    fn pop(&mut self) -> Option<T> {
        let popped = panic::catch_unwind(AssertUnwindSafe(|| self.heap.pop()));
        match popped {
            Ok(popped) => popped.map(|Reverse(ranked)| ranked.item),
            Err(payload) => {
                self.panic = Some(payload);
                None
            }
        }
    }

    fn take_panic(&mut self) -> Option<Payload> {
        self.panic.take()
    }

    fn peek(&self) -> Option<&T> {
        self.heap.peek().map(|Reverse(ranked)| &ranked.item)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.item.cmp(&other.item).then(self.came.cmp(&other.came))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Ranked<T> {}

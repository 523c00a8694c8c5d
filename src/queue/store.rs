//! In which order a queue gives its items.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

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
}

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
}

/// An item, and how many came before it.
struct Ranked<T> {
    item: T,
    came: u64,
}

impl<T: Ord> LeastFirst<T> {
    pub(super) const fn new() -> Self {
        LeastFirst { heap: BinaryHeap::new(), came: 0 }
    }
}

impl<T: Ord> Store for LeastFirst<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.heap.push(Reverse(Ranked { item, came: self.came }));
        self.came += 1;
    }

    fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|Reverse(ranked)| ranked.item)
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

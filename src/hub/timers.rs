//! Timers: who wakes at which moment.
//!
//! Each turn the hub asks two things: who is due ([`Timers::pop_due`]), and when is the next
//! one due ([`Timers::next_deadline`]). A timer fires once. Equal deadlines fire in the
//! order in which they were set.
//!
//! It is a heap with four children to a node, each entry of which knows where it stands, so that
//! a timer can be cancelled where it is. The usual limit is cancelled before anyone asks for it:
//! so a new timer first lies in a list, and goes into the heap when the hub asks the next time.
//!
//! An entry is a moment and a value. This file knows no greenlets and no sockets.

use slab::Slab;

use crate::clock::Moment;

const CHILDREN: usize = 4;

pub(super) struct Timers<V> {
    heap: Vec<Entry>,
    /// Those that were set since the hub last asked, in no order.
    fresh: Vec<Entry>,
    slots: Slab<Slot<V>>,
    set: u64,
}

struct Entry {
    deadline: Moment,
    /// Counts the timers set, so that equal deadlines keep their order.
    order: u64,
    slot: usize,
}

struct Slot<V> {
    position: Position,
    value: V,
}

/// Where an entry stands.
#[derive(Clone, Copy)]
enum Position {
    InHeap(usize),
    Fresh(usize),
}

/// Names a timer, and no other that is set later, so that it can be kept when it has fired.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    slot: usize,
    order: u64,
}

impl<V> Default for Timers<V> {
    fn default() -> Self {
        Timers { heap: Vec::new(), fresh: Vec::new(), slots: Slab::new(), set: 0 }
    }
}

impl<V> Timers<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty() && self.fresh.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len() + self.fresh.len()
    }

    /// How many were ever set.
    pub(super) fn set_so_far(&self) -> u64 {
        self.set
    }

    /// All that have not fired, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &V> {
        self.entries().map(|entry| &self.slots[entry.slot].value)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.heap.iter().chain(&self.fresh)
    }

    pub(super) fn next_deadline(&mut self) -> Option<Moment> {
        self.take_in();
        self.heap.first().map(|entry| entry.deadline)
    }

    #[inline]
    pub(super) fn set(&mut self, deadline: Moment, value: V) -> TimerKey {
        let slot = self.slots.insert(Slot { position: Position::Fresh(self.fresh.len()), value });
        self.set += 1;
        self.fresh.push(Entry { deadline, order: self.set, slot });
        TimerKey { slot, order: self.set }
    }

    /// Takes out a timer, if it has not fired.
    #[inline]
    pub(super) fn cancel(&mut self, key: TimerKey) -> Option<V> {
        let position = self.slots.get(key.slot)?.position;
        let order = match position {
            Position::InHeap(position) => self.heap[position].order,
            Position::Fresh(position) => self.fresh[position].order,
        };
        if order != key.order {
            // It has fired, and its slot is another's now.
            return None;
        }
        let slot = self.slots.remove(key.slot);
        match position {
            Position::InHeap(position) => self.remove_entry(position),
            Position::Fresh(position) => {
                self.fresh.swap_remove(position);
                if let Some(moved) = self.fresh.get(position) {
                    self.slots[moved.slot].position = Position::Fresh(position);
                }
            }
        }
        Some(slot.value)
    }

    /// Puts those that are fresh into the heap.
    #[inline]
    fn take_in(&mut self) {
        while let Some(entry) = self.fresh.pop() {
            let position = self.heap.len();
            self.heap.push(entry);
            self.note(position);
            self.rise(position);
        }
    }

    /// Takes out the earliest timer that is due at `now`.
    #[inline]
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<V> {
        self.take_in();
        let first = self.heap.first().filter(|entry| entry.deadline <= now)?;
        let slot = self.slots.remove(first.slot);
        self.remove_entry(0);
        Some(slot.value)
    }

    /// Takes out all timers but those whose values are to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        let gone = |entry: &&Entry| !keep(&self.slots[entry.slot].value);
        let key = |entry: &Entry| TimerKey { slot: entry.slot, order: entry.order };
        let keys: Vec<TimerKey> = self.entries().filter(gone).map(key).collect();
        keys.into_iter().for_each(|key| drop(self.cancel(key)));
    }

    fn remove_entry(&mut self, position: usize) {
        self.heap.swap_remove(position);
        if position < self.heap.len() {
            self.note(position);
            let position = self.rise(position);
            self.sink(position);
        }
    }

    /// Moves an entry up until its parent is not later; returns where it stands then.
    fn rise(&mut self, mut position: usize) -> usize {
        while position > 0 {
            let parent = (position - 1) / CHILDREN;
            if !self.is_before(position, parent) {
                break;
            }
            self.exchange(position, parent);
            position = parent;
        }
        position
    }

    /// Moves an entry down until none of its children is earlier.
    fn sink(&mut self, mut position: usize) {
        loop {
            let first = position * CHILDREN + 1;
            let children = first..(first + CHILDREN).min(self.heap.len());
            let Some(earliest) = children.reduce(|a, b| if self.is_before(b, a) { b } else { a })
            else {
                return;
            };
            if !self.is_before(earliest, position) {
                return;
            }
            self.exchange(position, earliest);
            position = earliest;
        }
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        let key = |entry: &Entry| (entry.deadline, entry.order);
        key(&self.heap[a]) < key(&self.heap[b])
    }

    fn exchange(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    /// Tells an entry's slot where the entry stands.
    fn note(&mut self, position: usize) {
        let slot = self.heap[position].slot;
        self.slots[slot].position = Position::InHeap(position);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn in_millis(millis: u64) -> Moment {
        static ZERO: std::sync::OnceLock<Moment> = std::sync::OnceLock::new();
        ZERO.get_or_init(Moment::now).plus(Duration::from_millis(millis))
    }

    #[test]
    fn timers_fire_by_deadline_and_equal_ones_in_the_order_set() {
        let mut timers = Timers::default();
        for (millis, name) in [(30, "d"), (10, "a"), (20, "b"), (20, "c")] {
            timers.set(in_millis(millis), name);
        }
        let fired: Vec<&str> = std::iter::from_fn(|| timers.pop_due(in_millis(60))).collect();
        assert_eq!(fired, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_timer_that_is_not_due_stays() {
        let mut timers = Timers::default();
        timers.set(in_millis(50), ());
        assert_eq!(timers.pop_due(in_millis(49)), None);
        assert_eq!(timers.next_deadline(), Some(in_millis(50)));
        assert_eq!(timers.pop_due(in_millis(50)), Some(()));
    }

    #[test]
    fn cancelling_a_timer_that_has_fired_does_nothing_to_the_one_in_its_place() {
        let mut timers = Timers::default();
        let fired = timers.set(in_millis(10), "fired");
        assert_eq!(timers.pop_due(in_millis(10)), Some("fired"));
        let later = timers.set(in_millis(20), "later");
        assert_eq!(timers.cancel(fired), None);
        assert_eq!(timers.cancel(later), Some("later"));
    }

    #[test]
    fn one_that_is_cancelled_before_anyone_asks_leaves_the_others_where_they_are() {
        let mut timers = Timers::default();
        let keys: Vec<_> = (0..6u64).map(|n| timers.set(in_millis(60 - n), n)).collect();
        for (n, key) in keys.into_iter().enumerate().filter(|(n, _)| n % 2 == 0) {
            assert_eq!(timers.cancel(key), Some(n as u64));
        }
        assert_eq!((timers.len(), timers.next_deadline()), (3, Some(in_millis(55))));
        let last = timers.set(in_millis(1), 7);
        assert_eq!(timers.cancel(last), Some(7));
        let fired: Vec<u64> = std::iter::from_fn(|| timers.pop_due(in_millis(60))).collect();
        assert_eq!(fired, [5, 3, 1]);
    }

    #[test]
    fn only_those_that_are_kept_fire() {
        let mut timers = Timers::default();
        for millis in 0..100 {
            timers.set(in_millis(millis * 37 % 100), millis * 37 % 100);
        }
        timers.retain(|millis| millis % 10 == 3);
        let fired: Vec<u64> = std::iter::from_fn(|| timers.pop_due(in_millis(100))).collect();
        assert_eq!(fired, [3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
    }

    #[test]
    fn cancelled_timers_do_not_fire_and_the_others_keep_their_order() {
        let mut timers = Timers::default();
        // A fixed walk through 0..1009, so that deadlines come in no order.
        let keys: Vec<_> = (0..1009u64)
            .map(|n| (n * 611) % 1009)
            .map(|millis| (millis, timers.set(in_millis(millis), millis)))
            .collect();
        for (millis, key) in keys {
            if millis % 3 == 0 {
                assert_eq!(timers.cancel(key), Some(millis));
            }
        }
        let fired: Vec<u64> = std::iter::from_fn(|| timers.pop_due(in_millis(2000))).collect();
        let expected: Vec<u64> = (0..1009).filter(|millis| millis % 3 != 0).collect();
        assert_eq!(fired, expected);
        assert!(timers.is_empty());
    }
}

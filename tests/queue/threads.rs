//! Between threads: with greenlets, and without.

use std::thread;

use greenhub::queue::{Channel, LifoQueue, PriorityQueue, Queue};
use greenhub::{Select, joinall, spawn};

use crate::support::{MANY, bounded};

/// Two threads put `MANY` each and two get, plainly or in four greenlets each; every item arrives
/// once.
macro_rules! cross {
    ($plain:ident, $greenlets:ident, $queue:ty, $new:expr) => {
        #[test]
        fn $plain() {
            static QUEUE: $queue = $new;
            bounded(|| {
                let putters =
                    [0, 1].map(|half| thread::spawn(move || put_half(&QUEUE, half, 0, 1)));
                let getters = [(); 2].map(|()| thread::spawn(|| QUEUE.iter().collect::<Vec<_>>()));
                putters.into_iter().for_each(|putter| putter.join().unwrap());
                QUEUE.shutdown();
                all_are_there(getters.map(|getter| getter.join().unwrap()).concat());
            });
        }

        #[test]
        fn $greenlets() {
            static QUEUE: $queue = $new;
            bounded(|| {
                let putters = [0, 1].map(|half| {
                    thread::spawn(move || {
                        let parts: Vec<_> = (0..4)
                            .map(|part| spawn(move || put_half(&QUEUE, half, part, 4)))
                            .collect();
                        joinall(&parts);
                    })
                });
                let getters = [(); 2].map(|()| {
                    thread::spawn(|| {
                        let parts = [(); 4].map(|()| spawn(|| QUEUE.iter().collect::<Vec<_>>()));
                        parts.map(|part| part.join().unwrap()).concat()
                    })
                });
                putters.into_iter().for_each(|putter| putter.join().unwrap());
                QUEUE.shutdown();
                all_are_there(getters.map(|getter| getter.join().unwrap()).concat());
            });
        }
    };
}

trait Puts: Sync {
    fn put_one(&self, item: u32);
}

macro_rules! puts {
    ($($queue:ident),*) => {$(
        impl Puts for $queue<u32> {
            fn put_one(&self, item: u32) {
                self.put(item).unwrap();
            }
        }
    )*};
}

puts!(Queue, LifoQueue, PriorityQueue, Channel);

/// Puts the items of one half, or of one of so many parts of it.
fn put_half(queue: &impl Puts, half: u32, part: u32, parts: u32) {
    let items = (0..2 * MANY).filter(|item| item % 2 == half && (item / 2) % parts == part);
    items.for_each(|item| queue.put_one(item));
}

fn all_are_there(mut items: Vec<u32>) {
    items.sort_unstable();
    assert!(items.iter().copied().eq(0..2 * MANY), "{} of {}", items.len(), 2 * MANY);
}

cross!(
    a_queue_between_threads_loses_nothing,
    a_queue_between_the_greenlets_of_threads_loses_nothing,
    Queue<u32>,
    Queue::bounded(128)
);
cross!(
    a_queue_for_one_between_threads_loses_nothing,
    a_queue_for_one_between_the_greenlets_of_threads_loses_nothing,
    Queue<u32>,
    Queue::bounded(1)
);
cross!(
    an_unbounded_queue_between_threads_loses_nothing,
    an_unbounded_queue_between_the_greenlets_of_threads_loses_nothing,
    Queue<u32>,
    Queue::new()
);
cross!(
    a_stack_between_threads_loses_nothing,
    a_stack_between_the_greenlets_of_threads_loses_nothing,
    LifoQueue<u32>,
    LifoQueue::bounded(16)
);
cross!(
    a_priority_queue_between_threads_loses_nothing,
    a_priority_queue_between_the_greenlets_of_threads_loses_nothing,
    PriorityQueue<u32>,
    PriorityQueue::bounded(16)
);
cross!(
    a_channel_between_threads_loses_nothing,
    a_channel_between_the_greenlets_of_threads_loses_nothing,
    Channel<u32>,
    Channel::new()
);

#[test]
fn selects_of_two_threads_that_face_each_other_lose_nothing() {
    static LEFT: Channel<u32> = Channel::new();
    static RIGHT: Channel<u32> = Channel::new();

    /// Sends its items to one channel and receives from the other, in whichever order it can.
    fn exchange(out: &'static Channel<u32>, back: &'static Channel<u32>) -> Vec<u32> {
        let mut items = (0..MANY / 10).peekable();
        let mut slot = items.next();
        let mut got = Vec::new();
        while slot.is_some() || got.len() < (MANY / 10) as usize {
            let was_there = slot.is_some();
            let item = Select::new()
                .put(out, &mut slot, |put| put.map(|()| None))
                .get(back, |item| item.map(Some))
                .run()
                .unwrap()
                .unwrap();
            got.extend(item);
            if was_there && slot.is_none() {
                slot = items.next();
            }
        }
        got
    }
    bounded(|| {
        let other = thread::spawn(|| exchange(&LEFT, &RIGHT));
        let mine = exchange(&RIGHT, &LEFT);
        let theirs = other.join().unwrap();
        assert!(mine.iter().copied().eq(0..MANY / 10), "in order, and each once");
        assert_eq!(mine, theirs);
    });
}

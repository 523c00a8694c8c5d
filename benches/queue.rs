//! What does it cost to hand an item to another greenlet?

use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use greenhub::queue::{Channel, Queue};
use greenhub::{Greenlet, Select};

/// Time for `items` that one greenlet puts and another gets.
fn stream(room: usize, items: u64) -> Duration {
    let queue = Rc::new(Queue::bounded(room));
    let producer = producer(&queue, items);
    let consumer = greenhub::spawn(move || queue.iter().sum::<u64>());
    let start = Instant::now();
    let sum = consumer.join().expect("it does not panic");
    let spent = start.elapsed();
    producer.join().expect("it does not panic");
    assert_eq!(sum, items * (items + 1) / 2);
    spent
}

fn producer(queue: &Rc<Queue<u64>>, items: u64) -> Greenlet<()> {
    let queue = queue.clone();
    greenhub::spawn(move || {
        for item in 1..=items {
            queue.put(item).expect("it is open");
        }
        queue.shutdown();
    })
}

/// Time for `rounds` numbers that are handed to a partner, and back.
fn ping_pong(rounds: u64) -> Duration {
    let (there, back) = (Rc::new(Channel::new()), Rc::new(Channel::new()));
    let (hears, answers) = (there.clone(), back.clone());
    let partner = greenhub::spawn(move || {
        for _ in 0..rounds {
            let number: u64 = hears.get().expect("it is open");
            answers.put(number + 1).expect("it is open");
        }
    });
    let asker = greenhub::spawn(move || {
        (0..rounds).fold(0, |number, _| {
            there.put(number).expect("it is open");
            back.get().expect("it is open")
        })
    });
    let start = Instant::now();
    let number = asker.join().expect("it does not panic");
    let spent = start.elapsed();
    partner.join().expect("it does not panic");
    assert_eq!(number, rounds);
    spent
}

/// Time for `items` that a select takes from two queues, in each of which is always something.
fn select_of_ready(items: u64) -> Duration {
    let queues = [Queue::new(), Queue::new()];
    for item in 1..=items {
        queues.iter().for_each(|queue| queue.put(item).expect("it is open"));
    }
    let start = Instant::now();
    for _ in 0..items {
        assert!(select(&queues).is_some());
    }
    start.elapsed()
}

/// Time for `items` that a select waits for; they come on two queues in turns.
fn select_that_waits(items: u64) -> Duration {
    let queues = Rc::new([Queue::bounded(1), Queue::bounded(1)]);
    let puts = queues.clone();
    let producer = greenhub::spawn(move || {
        for item in 1..=items {
            puts[usize::from(item.is_multiple_of(2))].put(item).expect("it is open");
            // So that each finds the select waiting.
            greenhub::yield_now();
        }
    });
    let consumer = greenhub::spawn(move || {
        (0..items).map(|_| select(&queues).expect("it is open")).sum::<u64>()
    });
    let start = Instant::now();
    let sum = consumer.join().expect("it does not panic");
    let spent = start.elapsed();
    producer.join().expect("it does not panic");
    assert_eq!(sum, items * (items + 1) / 2);
    spent
}

fn select(queues: &[Queue<u64>; 2]) -> Option<u64> {
    let select = Select::new().get(&queues[0], Result::ok).get(&queues[1], Result::ok);
    select.run().expect("it does not unwind")
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream through a queue");
    for room in [1, 128] {
        group.bench_function(BenchmarkId::new("room", room), |bencher| {
            bencher.iter_custom(|items| stream(room, items));
        });
    }
    group.finish();
    criterion.bench_function("channel there and back", |bencher| {
        bencher.iter_custom(ping_pong);
    });
    let mut group = criterion.benchmark_group("select of two");
    group.bench_function("ready", |bencher| bencher.iter_custom(select_of_ready));
    group.bench_function("that waits", |bencher| bencher.iter_custom(select_that_waits));
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);

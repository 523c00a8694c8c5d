//! What does it cost to make a greenlet and see it end?
//!
//! The stacks are warm: they were used before, as in a server that has run for a while. The
//! floor is corosensei alone: a coroutine made on a warm stack and run to its end.

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, Yielder};
use criterion::{BatchSize, Criterion, criterion_group};

fn one_by_one(count: u64) -> Duration {
    let start = Instant::now();
    for n in 0..count {
        black_box(greenhub::spawn(move || n).join().expect("it returns a number"));
    }
    start.elapsed()
}

fn at_once(count: u64) -> Duration {
    let start = Instant::now();
    let greenlets: Vec<_> = (0..count).map(|n| greenhub::spawn(move || n)).collect();
    greenhub::joinall(&greenlets);
    drop(greenlets);
    start.elapsed()
}

/// A stack that is used again and again.
struct Warm<'a>(&'a mut [u128]);

// SAFETY: a slice of 16-byte words is aligned to 16 and stays where it is while it is borrowed.
// It has no guard: what runs on it here calls nothing deep.
#[allow(unsafe_code)]
unsafe impl Stack for Warm<'_> {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr_range().end as usize).expect("not at zero")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr() as usize).expect("not at zero")
    }
}

fn corosensei_one_by_one(count: u64) -> Duration {
    let memory: &'static mut [u128] = Box::leak(vec![0; 4096].into_boxed_slice());
    let mut stack = Warm(memory);
    let start = Instant::now();
    for n in 0..count {
        let mut coroutine =
            Coroutine::with_stack(stack, move |_: &Yielder<(), ()>, ()| black_box(n));
        black_box(coroutine.resume(()).as_return());
        stack = coroutine.into_stack();
    }
    start.elapsed()
}

fn benches(criterion: &mut Criterion) {
    criterion.bench_function("spawn and join, one by one", |bencher| {
        bencher.iter_custom(one_by_one);
    });
    criterion.bench_function("floor: a coroutine made and run", |bencher| {
        bencher.iter_custom(corosensei_one_by_one);
    });
    criterion.bench_function("spawn 10,000 and join them all", |bencher| {
        bencher.iter_batched(|| (), |()| at_once(10_000), BatchSize::PerIteration);
    });
}

criterion_group!(group, benches);

fn main() {
    group();
    support::side_by_side(
        "spawn and join, one by one",
        || support::each(one_by_one(200_000), 200_000),
        "a coroutine made and run",
        || support::each(corosensei_one_by_one(200_000), 200_000),
    );
    let mut batches: Vec<Duration> = (0..31).map(|_| at_once(10_000)).collect();
    batches.sort_unstable();
    println!("spawn 10,000 and join them all: {:?} each, median", batches[15] / 10_000);
    Criterion::default().configure_from_args().final_summary();
}

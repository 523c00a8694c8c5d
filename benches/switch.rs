//! What does it cost to let another greenlet run?
//!
//! The floor is corosensei alone: coroutines in a queue, resumed in turn, each of which
//! suspends in a loop, with nothing to decide and everything inlined.

mod support;

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use criterion::{BenchmarkId, Criterion, criterion_group};
use greenhub::raw::Greenlet;

/// Time for `rounds` yields of each of `count` greenlets.
fn greenhub_yields(count: u64, rounds: u64) -> Duration {
    let greenlets: Vec<_> = (0..count)
        .map(|_| {
            greenhub::spawn(move || {
                for _ in 0..rounds {
                    greenhub::yield_now();
                }
            })
        })
        .collect();
    let start = Instant::now();
    greenhub::joinall(&greenlets);
    start.elapsed()
}

/// A stack for the floor: it is only as good as it must be for a benchmark.
struct Slice(Box<[u128]>);

impl Slice {
    fn new() -> Slice {
        Slice(vec![0; 4096].into_boxed_slice())
    }
}

// SAFETY: a boxed slice of 16-byte words is aligned to 16 and stays where it is while it is owned.
// It has no guard: what runs on it here calls nothing deep.
#[allow(unsafe_code)]
unsafe impl Stack for Slice {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr_range().end as usize).expect("not at zero")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr() as usize).expect("not at zero")
    }
}

/// The same with nothing but coroutines and a queue.
fn corosensei_yields(count: u64, rounds: u64) -> Duration {
    let mut queue: VecDeque<Coroutine<(), (), (), Slice>> = (0..count)
        .map(|_| {
            Coroutine::with_stack(Slice::new(), move |yielder: &Yielder<(), ()>, ()| {
                for _ in 0..rounds {
                    yielder.suspend(());
                }
            })
        })
        .collect();
    let start = Instant::now();
    while let Some(mut coroutine) = queue.pop_front() {
        if let CoroutineResult::Yield(()) = coroutine.resume(()) {
            queue.push_back(coroutine);
        }
    }
    start.elapsed()
}

/// Time for `rounds` times there and back between main and a raw greenlet.
fn raw_switches(rounds: u64) -> Duration {
    let main = greenhub::raw::main().takes::<u64>();
    let partner = Greenlet::new(move |mut n: u64| {
        loop {
            n = main.switch(n + 1).expect("main waits for a number");
        }
    });
    let start = Instant::now();
    for n in 0..rounds {
        let answer: Result<u64, _> = partner.switch(n);
        black_box(answer.expect("the partner waits for a number"));
    }
    start.elapsed()
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("yield");
    for count in [2, 1000] {
        // One operation is one yield of one greenlet.
        let each = |total: Duration| total / u32::try_from(count).expect("small");
        group.bench_function(BenchmarkId::new("greenhub", count), |bencher| {
            bencher.iter_custom(|rounds| each(greenhub_yields(count, rounds)));
        });
        group.bench_function(BenchmarkId::new("floor: corosensei in a queue", count), |bencher| {
            bencher.iter_custom(|rounds| each(corosensei_yields(count, rounds)));
        });
    }
    group.finish();
    criterion
        .bench_function("raw switch there and back", |bencher| bencher.iter_custom(raw_switches));
}

criterion_group!(group, benches);

fn main() {
    group();
    for (count, rounds) in [(2, 500_000), (1000, 1000)] {
        support::side_by_side(
            &format!("yield among {count}"),
            || support::each(greenhub_yields(count, rounds), count * rounds),
            "corosensei in a queue",
            || support::each(corosensei_yields(count, rounds), count * rounds),
        );
    }
    Criterion::default().configure_from_args().final_summary();
}

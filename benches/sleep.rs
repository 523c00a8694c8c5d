//! What does it cost to sleep, beside many who sleep already?

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Time from before the first of `count` sleeps to the end of the last, less the sleep itself.
fn sleepers(count: u64) -> Duration {
    let nap = Duration::from_millis(20);
    let start = Instant::now();
    let greenlets: Vec<_> =
        (0..count).map(|_| greenhub::spawn(move || greenhub::sleep(nap))).collect();
    greenhub::joinall(&greenlets);
    start.elapsed().saturating_sub(nap)
}

/// Time for one wait with a limit that is not reached, beside `pending` other deadlines.
fn limits(pending: u64, rounds: u64) -> Duration {
    let far: Vec<_> = (0..pending)
        .map(|n| greenhub::spawn(move || greenhub::sleep(Duration::from_secs(3600 + n % 100))))
        .collect();
    greenhub::yield_now();
    let start = Instant::now();
    for _ in 0..rounds {
        // The limit is set when the wait begins, and cancelled by the greenlet's end.
        assert!(greenhub::spawn(|| ()).wait_for(Duration::from_secs(60)), "it ends at once");
    }
    let spent = start.elapsed();
    far.iter().for_each(greenhub::Greenlet::start_kill);
    greenhub::joinall(&far);
    spent
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sleep");
    group.sample_size(10);
    for count in [1_000, 10_000] {
        group.bench_function(BenchmarkId::new("20 ms, what it takes longer", count), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| sleepers(count)).sum());
        });
    }
    group.bench_function("1 µs", |bencher| {
        bencher.iter(|| greenhub::sleep(Duration::from_micros(1)));
    });
    group.finish();
    let mut group = criterion.benchmark_group("limit set and cancelled, with a spawn and join");
    for pending in [0, 10_000] {
        group.bench_function(BenchmarkId::new("pending", pending), |bencher| {
            bencher.iter_custom(|rounds| limits(pending, rounds));
        });
    }
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);

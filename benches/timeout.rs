//! What does it cost to give a block a limit?

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use greenhub::with_timeout;

const LIMIT: Duration = Duration::from_secs(60);

/// Time for `rounds` blocks that are left in time, beside `pending` greenlets in blocks of
/// their own.
fn set_and_cancelled(pending: u64, rounds: u64, block: fn()) -> Duration {
    let far: Vec<_> = (0..pending)
        .map(|n| {
            let limit = Duration::from_secs(3600 + n % 100);
            greenhub::spawn(move || with_timeout(limit, || greenhub::sleep(Duration::MAX)))
        })
        .collect();
    greenhub::yield_now();
    let start = Instant::now();
    for _ in 0..rounds {
        block();
    }
    let spent = start.elapsed();
    far.iter().for_each(greenhub::Greenlet::start_kill);
    greenhub::joinall(&far);
    spent
}

fn one() {
    assert!(with_timeout(LIMIT, || ()).is_ok(), "it ends at once");
}

fn nested() {
    assert!(with_timeout(LIMIT, one).is_ok(), "it ends at once");
}

fn with_a_yield() {
    assert!(with_timeout(LIMIT, greenhub::yield_now).is_ok(), "it ends at once");
}

fn benches(criterion: &mut Criterion) {
    let blocks: [(&str, fn()); 3] =
        [("one", one), ("two nested", nested), ("one around a yield", with_a_yield)];
    for (name, block) in blocks {
        let mut group = criterion.benchmark_group(format!("limit set and cancelled, {name}"));
        for pending in [0, 10_000] {
            group.bench_function(BenchmarkId::new("pending", pending), |bencher| {
                bencher.iter_custom(|rounds| set_and_cancelled(pending, rounds, block));
            });
        }
        group.finish();
    }
    criterion.bench_function("limit of zero, raised at a yield", |bencher| {
        bencher.iter(|| with_timeout(Duration::ZERO, greenhub::yield_now).is_err());
    });
}

criterion_group!(group, benches);
criterion_main!(group);

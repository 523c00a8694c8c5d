//! Comparing two ways to do one thing, side by side.
//!
//! Criterion measures one after the other, and on a shared machine minutes lie between them. Here
//! they take turns, A B A B, so that what disturbs one disturbs the other, and the ratio of
//! the medians is told.

use std::time::Duration;

/// Rounds of each, of which the median is taken.
const ROUNDS: usize = 31;

/// Runs `ours` and `floor` in turns, and prints the medians and how they compare.
///
/// Each returns the time for one operation, as the mean over as many as it finds fit.
pub(crate) fn side_by_side(
    name: &str,
    mut ours: impl FnMut() -> Duration,
    floor_name: &str,
    mut floor: impl FnMut() -> Duration,
) {
    let mut pairs: Vec<(Duration, Duration)> = (0..ROUNDS).map(|_| (ours(), floor())).collect();
    let ours = median(pairs.iter_mut().map(|pair| pair.0));
    let floor = median(pairs.iter_mut().map(|pair| pair.1));
    let ratio = ours.as_secs_f64() / floor.as_secs_f64();
    println!(
        "side by side: {name}: greenhub {ours:?}, {floor_name} {floor:?}; time ratio {ratio:.3}, \
         rate ratio {:.3}",
        1.0 / ratio
    );
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// The time for one of `count` operations that took `total`, to a tenth of a nanosecond.
#[allow(dead_code)] // not every benchmark counts
pub(crate) fn each(total: Duration, count: u64) -> Duration {
    total / u32::try_from(count).expect("a count of operations")
}

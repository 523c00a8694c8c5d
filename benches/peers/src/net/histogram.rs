//! How long answers took.

use std::time::Duration;

/// Every time that was measured: there are a few hundred thousand at most.
#[derive(Default)]
pub(crate) struct Times(Vec<u64>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// In microseconds, the smallest time that so many of a thousand do not exceed, for each.
    #[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
    pub(crate) fn per_mille(&mut self, parts: &[usize]) -> Vec<f64> {
        self.0.sort_unstable();
        let count = self.0.len();
        let at = |part: &usize| (count * part).div_ceil(1000).clamp(1, count) - 1;
        parts
            .iter()
            .map(|part| if count == 0 { f64::NAN } else { self.0[at(part)] as f64 / 1e3 })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let mut times = Times::default();
        (1..=1000).rev().for_each(|n| times.add(Duration::from_micros(n)));
        assert_eq!(times.per_mille(&[500, 990, 999, 1000]), [500.0, 990.0, 999.0, 1000.0]);
    }
}

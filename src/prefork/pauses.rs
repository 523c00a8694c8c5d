//! How long it is until a worker that has died is started again.

use std::time::Duration;

/// One that has lived for so long was well: the next one is started at once.
const LONG: Duration = Duration::from_secs(1);

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// The deaths of one index that came soon after its start.
#[derive(Default)]
pub(super) struct Pauses {
    /// How many there were since one has lived long.
    failures: u32,
}

impl Pauses {
    /// One has died that had lived so long, ready or not: how long to wait now, and whether it is news.
    pub(super) fn died(&mut self, lived: Duration, was_ready: bool) -> (Duration, bool) {
        if was_ready && lived >= LONG {
            self.failures = 0;
            return (Duration::ZERO, true);
        }
        let pause = SHORTEST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        (pause, self.failures == 1)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_lived_long_is_replaced_at_once() {
        assert_eq!(Pauses::default().died(LONG, true), (Duration::ZERO, true));
    }

    #[test]
    fn pauses_double_up_to_a_second_and_are_news_once() {
        let mut pauses = Pauses::default();
        let told: Vec<_> = (0..9).map(|_| pauses.died(SHORTEST, false)).collect();
        let millis = [10, 20, 40, 80, 160, 320, 640, 1000, 1000];
        let expected = millis.iter().enumerate();
        let expected: Vec<_> =
            expected.map(|(nth, pause)| (Duration::from_millis(*pause), nth == 0)).collect();
        assert_eq!(told, expected);
        assert_eq!(pauses.died(LONG, true), (Duration::ZERO, true));
        assert_eq!(pauses.died(SHORTEST, true), (SHORTEST, true), "they begin anew");
    }

    #[test]
    fn one_that_was_never_ready_has_failed_however_long_that_took() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.died(LONG * 60, false), (SHORTEST, true));
        assert_eq!(pauses.failures(), 1);
    }
}

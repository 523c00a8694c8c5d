//! What was seen of one hub so far: for how long nobody there has let others run.

use std::time::Duration;

use super::Beat;
use super::event::Stall;
use super::kernel::Vitals;

#[derive(Default)]
pub(super) struct Seen {
    beat: Option<Beat>,
    /// Of its thread, since it was seen to be held up.
    vitals: Option<Vitals>,
    held: Duration,
    /// What was told, and to whom, while it lasts.
    pub(super) told: Option<Told>,
}

pub(super) type Told = (Stall, Vec<u64>);

/// The time between two looks.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    pub(super) time: Duration,
    /// What it should have been.
    pub(super) period: Duration,
}

/// What one more look has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It goes on, or sleeps. If it was held up before, that lasted so long.
    GoesOn(Duration),
    /// It is held up, for so long at least.
    Held(Duration),
}

impl Seen {
    /// Takes in what is seen now. The kernel is asked only about one that seems to be held up: to
    /// ask needs a descriptor for a moment.
    pub(super) fn look(
        &mut self,
        beat: Beat,
        passed: Passed,
        vitals: impl FnOnce() -> Option<Vitals>,
    ) -> Shown {
        let is_same = self.beat.replace(beat) == Some(beat);
        let before = self.vitals.take();
        if is_same && !beat.is_asleep() {
            self.vitals = vitals();
            self.held += passed.own(before, self.vitals);
            return Shown::Held(self.held);
        }
        Shown::GoesOn(std::mem::take(&mut self.held))
    }

    pub(super) fn held(&self) -> Duration {
        self.held
    }

    /// Counts anew, because that it is held up is nothing to tell of.
    /// Returns for how long it was.
    pub(super) fn forgive(&mut self) -> Duration {
        std::mem::take(&mut self.held)
    }
}

impl Passed {
    /// No time.
    pub(super) fn nothing() -> Passed {
        Passed { time: Duration::ZERO, period: Duration::MAX }
    }

    /// How much of it the program has held the hub up, and not the machine.
    ///
    /// One that could run has held it up for as long as it had a processor: on a machine that has too
    /// much to do that is less. One that sleeps in the kernel does so because of what it has called. But
    /// if the monitor itself comes far too late, it was kept from looking: the process was stopped, or
    /// the machine slept or has too much to do; and what the hub did meanwhile is not known.
    fn own(self, before: Option<Vitals>, now: Option<Vitals>) -> Duration {
        match now {
            Some(now) if now.is_runnable() => {
                let ran =
                    before.map_or(Duration::ZERO, |before| now.ran.saturating_sub(before.ran));
                ran.min(self.time)
            }
            _ if self.time > self.period.saturating_mul(2) => Duration::ZERO,
            _ => self.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pulse::spot::Reading;

    const PERIOD: Duration = Duration::from_millis(50);
    const PASSED: Passed = Passed { time: PERIOD, period: PERIOD };

    fn beat(turns: u64, switches: u64, naps: u64) -> Beat {
        Beat { naps, reading: Reading { turns, switches, ..Reading::default() } }
    }

    /// Looks at one that is the same all the time, each time after so many milliseconds; returns for
    /// how long it is said to be held up.
    fn held(looks: &[(u64, char, u64)]) -> Duration {
        let mut seen = Seen::default();
        for &(passed, state, ran) in looks {
            let passed = Passed { time: Duration::from_millis(passed), period: PERIOD };
            let vitals = Vitals { state, ran: Duration::from_millis(ran) };
            seen.look(beat(1, 1, 0), passed, || Some(vitals));
        }
        seen.held()
    }

    #[test]
    fn it_is_held_up_from_the_second_look_that_shows_the_same() {
        let mut seen = Seen::default();
        let mut look = |beat| seen.look(beat, PASSED, || None);
        assert_eq!(look(beat(1, 1, 0)), Shown::GoesOn(Duration::ZERO));
        assert_eq!(look(beat(1, 1, 0)), Shown::Held(PERIOD));
        assert_eq!(look(beat(1, 1, 0)), Shown::Held(PERIOD * 2));
        assert_eq!(look(beat(1, 2, 0)), Shown::GoesOn(PERIOD * 2));
        assert_eq!(look(beat(1, 2, 0)), Shown::Held(PERIOD));
        assert_eq!(look(beat(2, 2, 0)), Shown::GoesOn(PERIOD));
    }

    #[test]
    fn one_that_sleeps_is_not_held_up() {
        let mut seen = Seen::default();
        let mut look = |beat| seen.look(beat, PASSED, || None);
        for _ in 0..100 {
            assert_eq!(look(beat(1, 1, 3)), Shown::GoesOn(Duration::ZERO));
        }
        // It woke and is about to sleep again: the same counts, but another sleep.
        assert_eq!(look(beat(1, 1, 4)), Shown::GoesOn(Duration::ZERO));
        assert_eq!(look(beat(1, 1, 5)), Shown::GoesOn(Duration::ZERO));
        assert_eq!(look(beat(1, 1, 6)), Shown::GoesOn(Duration::ZERO));
    }

    #[test]
    fn one_that_gets_no_processor_is_not_held_up_by_its_program() {
        let looks =
            |ran: u64| -> Vec<_> { (0..12).map(|look| (50, 'R', 70 + look * ran)).collect() };
        assert_eq!(held(&looks(0)), Duration::ZERO);
        // From the second look that shows the same: before that the kernel was not asked.
        assert_eq!(held(&looks(25)), Duration::from_millis(250));
        assert_eq!(held(&looks(50)), Duration::from_millis(500));
    }

    #[test]
    fn one_that_sleeps_in_a_call_is_held_up_all_the_time() {
        assert_eq!(held(&[(50, 'S', 70), (50, 'S', 70), (50, 'D', 70)]), PERIOD * 2);
        assert_eq!(held(&[(50, 'S', 70), (100, 'S', 70)]), PERIOD * 2);
    }

    #[test]
    fn what_the_monitor_overslept_counts_only_as_far_as_the_thread_had_a_processor() {
        assert_eq!(held(&[(50, 'R', 70), (50, 'R', 70), (2500, 'R', 70)]), Duration::ZERO);
        let late = held(&[(50, 'R', 70), (50, 'R', 70), (2500, 'R', 470)]);
        assert_eq!(late, Duration::from_millis(400));
        assert_eq!(held(&[(50, 'S', 70), (2500, 'S', 70)]), Duration::ZERO);
        assert_eq!(held(&[(50, 'S', 70), (3_600_000, 'S', 70), (50, 'S', 70)]), PERIOD);
    }

    #[test]
    fn where_the_kernel_tells_nothing_time_alone_counts() {
        let mut seen = Seen::default();
        seen.look(beat(1, 1, 0), PASSED, || None);
        assert_eq!(seen.look(beat(1, 1, 0), PASSED, || None), Shown::Held(PERIOD));
        let late = Passed { time: PERIOD * 3, period: PERIOD };
        assert_eq!(seen.look(beat(1, 1, 0), late, || None), Shown::Held(PERIOD));
    }
}

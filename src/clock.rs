//! Time as the hub counts it: nanoseconds since the process first asked.
//!
//! A [`Moment`] is one machine word, so that deadlines compare in one instruction.
//! It comes from the monotonic clock and never goes backwards.
//!
//! This file knows no timers and no greenlets.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// An instant on the monotonic clock, in nanoseconds since the process first asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

static ORIGIN: OnceLock<Instant> = OnceLock::new();

impl Moment {
    /// The first moment there is.
    pub(crate) const ZERO: Moment = Moment(0);

    /// The moment that never comes.
    pub(crate) const NEVER: Moment = Moment(u64::MAX);

    pub(crate) fn now() -> Moment {
        Moment(nanos(ORIGIN.get_or_init(Instant::now).elapsed()))
    }

    /// The moment `limit` from now; [`Moment::NEVER`] where it lies beyond 584 years.
    pub(crate) fn after(limit: Duration) -> Moment {
        Moment(Moment::now().0.saturating_add(nanos(limit)))
    }

    /// The moment `span` after this one.
    pub(crate) fn plus(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(nanos(span)))
    }

    /// How long from `earlier` to this moment; zero if it has passed already.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_too_long_to_count_is_never() {
        assert_eq!(Moment::after(Duration::MAX), Moment::NEVER);
    }

    #[test]
    fn time_does_not_go_backwards() {
        let first = Moment::now();
        let second = Moment::after(Duration::from_millis(5));
        assert!(second > first);
        assert_eq!(first.since(second), Duration::ZERO);
    }
}

//! Time as the hub counts it: nanoseconds since the process first asked.
//!
//! A [`Moment`] is one machine word, so that deadlines compare in one instruction.
//! It comes from the monotonic clock and never goes backwards.
//!
//! A thread can be given a clock of its own, a *virtual* one, which stands until it is told to move.
//! Who asks pays nothing for that: the question "has this process asked before?", which has to be
//! answered anyway, is asked of the thread, and a thread with a virtual clock always says no.
//!
//! This file knows no timers and no greenlets.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// An instant on the monotonic clock, in nanoseconds since the process first asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

static ORIGIN: OnceLock<Instant> = OnceLock::new();

thread_local! {
    /// `ORIGIN`; none before the thread first asks, and while its clock is virtual.
    static KNOWN_ORIGIN: Cell<Option<&'static Instant>> = const { Cell::new(None) };
    static VIRTUAL: Cell<Option<Moment>> = const { Cell::new(None) };
}

impl Moment {
    /// The first moment there is.
    pub(crate) const ZERO: Moment = Moment(0);

    /// The moment that never comes.
    pub(crate) const NEVER: Moment = Moment(u64::MAX);

    pub(crate) fn now() -> Moment {
        match KNOWN_ORIGIN.get() {
            Some(origin) => Moment(nanos(origin.elapsed())),
            None => Moment::now_otherwise(),
        }
    }

    #[cold]
    fn now_otherwise() -> Moment {
        VIRTUAL.get().unwrap_or_else(|| {
            let origin = ORIGIN.get_or_init(Instant::now);
            KNOWN_ORIGIN.set(Some(origin));
            Moment(nanos(origin.elapsed()))
        })
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

/// Gives this thread a virtual clock, which stands at the present moment; returns that.
pub(crate) fn make_virtual() -> Moment {
    let now = Moment::now();
    KNOWN_ORIGIN.set(None);
    VIRTUAL.set(Some(now));
    now
}

/// Moves this thread's virtual clock on to `moment`, unless that has passed.
pub(crate) fn advance(moment: Moment) {
    VIRTUAL.set(VIRTUAL.get().map(|now| now.max(moment)));
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
    fn a_virtual_clock_stands_until_it_is_moved_and_is_its_threads_own() {
        std::thread::spawn(|| {
            let start = make_virtual();
            std::thread::sleep(Duration::from_millis(2));
            assert_eq!(Moment::now(), start);
            advance(start.plus(Duration::from_secs(9)));
            advance(start);
            assert_eq!(Moment::now().since(start), Duration::from_secs(9));
            assert!(std::thread::spawn(Moment::now).join().unwrap() < Moment::now());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn time_does_not_go_backwards() {
        let first = Moment::now();
        let second = Moment::after(Duration::from_millis(5));
        assert!(second > first);
        assert_eq!(first.since(second), Duration::ZERO);
    }
}

//! One index: the worker that serves, and the one that is to take its place.
//!
//! ```text
//!   start ──▶ coming ──ready──▶ serving ──asked to end──▶ (leaving)
//!                └──────dead───────┴────▶ a pause, and start
//! ```

use std::time::Duration;

use super::pauses::Pauses;
use super::process::Process;
use crate::clock::Moment;

#[derive(Default)]
pub(super) struct Slot {
    pub(super) serving: Option<Process>,
    pub(super) coming: Option<Process>,
    /// None is started before.
    pub(super) not_before: Option<Moment>,
    pub(super) restarts: u64,
    pauses: Pauses,
}

impl Slot {
    /// One serves, none is coming, and none has just failed to.
    pub(super) fn is_whole(&self, now: Moment) -> bool {
        self.serving.is_some() && self.coming.is_none() && self.is_due(now)
    }

    /// Whether one may be started at that moment.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.not_before.is_none_or(|moment| moment <= now)
    }

    /// Whether one is missing, or one that serves is to be replaced.
    pub(super) fn wants_one(&self, generation: u64) -> bool {
        self.coming.is_none()
            && self.serving.as_ref().is_none_or(|serving| serving.generation < generation)
    }

    /// How often in a row one has died soon.
    pub(super) fn failures(&self) -> u32 {
        self.pauses.failures()
    }

    pub(super) fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        self.serving.iter_mut().chain(&mut self.coming)
    }

    /// Notes that one has died, if it is of this index; and whether that is news.
    pub(super) fn bury(&mut self, key: u64) -> Option<(Process, bool)> {
        let was_ready = self.serving.as_ref().is_some_and(|serving| serving.key == key);
        let place = if was_ready { &mut self.serving } else { &mut self.coming };
        let process = place.take_if(|process| process.key == key)?;
        let lived = Moment::now().since(process.started);
        self.restarts += 1;
        let (_, is_news) = self.failed(lived, was_ready);
        Some((process, is_news))
    }

    /// Notes that none could be started.
    pub(super) fn not_started(&mut self) -> (Duration, bool) {
        self.failed(Duration::ZERO, false)
    }

    fn failed(&mut self, lived: Duration, was_ready: bool) -> (Duration, bool) {
        let (pause, is_news) = self.pauses.died(lived, was_ready);
        self.not_before = Some(Moment::after(pause));
        (pause, is_news)
    }
}

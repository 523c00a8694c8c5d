//! One look at all hubs, and what is to be told after it.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::event::{Doing, Event, Stall};
use super::kernel::Vitals;
use super::seen::{Passed, Shown, Told};
use super::watching::{Hook, OWED, Registry, Watched, Watcher};
use super::{Beat, Pulse};

impl Registry {
    /// Looks at all hubs; returns what is to be told.
    pub(super) fn look(&mut self, passed: Passed) -> Vec<(Hook, Event)> {
        let mut events = std::mem::take(&mut self.untold);
        for place in 0..self.watched.len() {
            let Watched { pulse, seen } = &mut self.watched[place];
            let Some((beat, thread_id)) = pulse.beat_of_thread() else { continue };
            match seen.look(beat, passed, || thread_id.and_then(Vitals::of)) {
                Shown::Held(held) => events.extend(self.blocked(place, beat, held)),
                Shown::GoesOn(held) => {
                    let mut told = seen.told.take();
                    events.extend(self.ends(&mut told, held));
                }
            }
        }
        events
    }

    /// What is to be told of one that is held up.
    fn blocked(&mut self, place: usize, beat: Beat, held: Duration) -> Vec<(Hook, Event)> {
        let Watched { pulse, seen } = &mut self.watched[place];
        let is_told = |id: u64| seen.told.as_ref().is_some_and(|(_, told)| told.contains(&id));
        let is_due = |watcher: &&Watcher| watcher.limit <= held && !is_told(watcher.id);
        let due: Vec<&Watcher> = self.watchers.iter().filter(is_due).collect();
        if due.is_empty() {
            return Vec::new();
        }
        let Some(stall) = stall(pulse, beat, held) else {
            seen.forgive();
            return Vec::new();
        };
        let told = seen.told.get_or_insert_with(|| {
            OWED.fetch_add(1, Ordering::SeqCst);
            (stall.clone(), Vec::new())
        });
        told.1.extend(due.iter().map(|watcher| watcher.id));
        let event = |watcher: &Watcher| (watcher.hook.clone(), Event::Blocked(stall.clone()));
        due.into_iter().map(event).collect()
    }

    /// What is to be told of one that was held up, for so long in all.
    pub(super) fn ends(&self, told: &mut Option<Told>, held: Duration) -> Vec<(Hook, Event)> {
        settle(told);
        let Some((stall, told)) = told.take() else { return Vec::new() };
        let stall = Stall { blocked_for: held, ..stall };
        let wants = |watcher: &&Watcher| watcher.tells_ends && told.contains(&watcher.id);
        let event = |watcher: &Watcher| (watcher.hook.clone(), Event::Ended(stall.clone()));
        self.watchers.iter().filter(wants).map(event).collect()
    }
}

pub(super) fn settle(told: &Option<Told>) {
    if told.is_some() {
        OWED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What there is to tell of a hub that is held up; `None` if that is as it should be, or over.
fn stall(pulse: &Pulse, beat: Beat, held: Duration) -> Option<Stall> {
    let roster = pulse.roster();
    if roster.is_harmless(beat.reading) {
        return None;
    }
    let (thread, thread_id) = (roster.thread.clone(), roster.thread_id);
    let runner = roster.runner(beat.reading);
    let (parked, parked_in_all) = roster.parked();
    // The hub may need it to go on.
    drop(roster);
    let doing = thread_id.and_then(Doing::of);
    let is_over = pulse.beat() != Some(beat);
    if is_over || doing.as_ref().is_some_and(Doing::is_stopped) {
        return None;
    }
    Some(Stall { thread, thread_id, runner, blocked_for: held, doing, parked, parked_in_all })
}

/// Calls the hooks, which are the program's.
pub(super) fn tell(events: Vec<(Hook, Event)>) {
    for (hook, event) in events {
        // The panic has been told of, and is not to end the thread.
        let told = panic::catch_unwind(AssertUnwindSafe(|| hook(&event)));
        if let Err(payload) = told {
            // To drop it may panic again.
            std::mem::forget(payload);
        }
    }
}

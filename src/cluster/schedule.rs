//! Which hub takes what, and which is woken for it.
//!
//! What is given to the cluster stands in one queue, or in that of a certain hub, behind one lock. A hub
//! takes one thing each time it is its main's turn. When there is nothing main says, under the same lock,
//! that it *rests*; so whoever gives something sees that, or main sees what was given.
//!
//! Of those that rest one is woken whose hub sleeps: it is free, and its main runs before anything else
//! there. If none sleeps all are told, which costs no system call, and the first to come round takes
//! it: one that computes does not hold it up. So it is if the one that slept has woken meanwhile, by
//! something else.

use std::collections::VecDeque;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::handle::{ClusterStats, HubStats, SpawnErrorKind};
use super::task::Work;
use crate::clock::Moment;
use crate::hub::inbox::{HubNumber, Inbox};
use crate::hub::inboxes;
use crate::hub::threads;
use crate::raw::Exit;
use crate::sync::Event;

pub(super) type Job = Arc<dyn Work>;

/// What the threads of a cluster have in common.
pub(super) struct Shared {
    name: String,
    /// In a forked child there are no threads.
    forks: u32,
    pub(super) seats: Box<[Seat]>,
    state: Mutex<State>,
}

/// Where one hub is spoken to.
pub(super) struct Seat {
    /// Set when its main is to look again.
    call: Event,
    /// Set when its thread has nothing left to do.
    pub(super) ended: Event,
    door: OnceLock<Door>,
}

/// The hub's inbox, and how often it had woken others before.
struct Door {
    inbox: &'static Inbox,
    alarms: u64,
}

struct State {
    queue: VecDeque<Job>,
    hubs: Vec<HubState>,
    /// From when on nothing is accepted, this is when what runs is killed.
    end: Option<Moment>,
}

#[derive(Default)]
struct HubState {
    own: VecDeque<Job>,
    running: usize,
    resting: bool,
    gone: bool,
    /// Greenlets that its end has left as they were.
    abandoned: usize,
}

/// Where something is to run.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Anywhere,
    On(usize),
    LeastBusy,
}

/// What main of a hub is to do.
pub(super) enum Next {
    Start(Job),
    /// To wait until it is called, or until then.
    Rest(Moment),
    Leave,
}

impl Seat {
    fn new() -> Seat {
        Seat { call: Event::new(), ended: Event::new(), door: OnceLock::new() }
    }

    pub(super) fn open(&self, hub: HubNumber) {
        let inbox = inboxes::of(hub);
        let _ = self.door.set(Door { inbox, alarms: inbox.alarms() });
    }

    /// Which sleep its hub is in.
    fn nap(&self) -> Option<u64> {
        self.door.get().and_then(|door| door.inbox.nap())
    }

    /// Waits until it is called, or `deadline`.
    pub(super) fn rest(&self, deadline: Moment) {
        // Nothing unwinds where this is called, and a deadline is looked at anyway.
        let _ = self.call.wait_for(deadline.since(Moment::now()));
    }
}

impl Shared {
    pub(super) fn new(name: String, hubs: usize) -> Shared {
        Shared {
            name,
            forks: threads::forks(),
            seats: (0..hubs).map(|_| Seat::new()).collect(),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                hubs: (0..hubs).map(|_| HubState::default()).collect(),
                end: None,
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its threads are those of a process that has forked this one.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.forks != threads::forks()
    }

    /// Takes in what `make` makes, if it can be taken in.
    pub(super) fn submit<F, W: Work + 'static>(
        &self,
        place: Place,
        body: F,
        make: impl FnOnce(F) -> Arc<W>,
    ) -> Result<Arc<W>, (SpawnErrorKind, F)> {
        if self.is_elsewhere() {
            return Err((SpawnErrorKind::Lost, body));
        }
        let mut state = self.lock();
        let hub = match state.choose(place) {
            Ok(hub) => hub,
            Err(kind) => return Err((kind, body)),
        };
        let work = make(body);
        let job: Job = work.clone();
        match hub {
            None => {
                state.queue.push_back(job);
                self.call_takers(state);
            }
            Some(hub) => {
                let own = &mut state.hubs[hub];
                own.own.push_back(job);
                let is_called = mem::take(&mut own.resting);
                drop(state);
                if is_called {
                    self.seats[hub].call.set();
                }
            }
        }
        Ok(work)
    }

    /// Calls those who are to look because there is something in the queue.
    fn call_takers<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        while let Some((hub, nap)) = self.find_sleeper(&state) {
            state.hubs[hub].resting = false;
            drop(state);
            self.seats[hub].call.set();
            if self.seats[hub].nap() == Some(nap) {
                return;
            }
            // It was awake before it was called, and whatever has woken it may compute.
            state = self.lock();
            if state.queue.is_empty() {
                return;
            }
        }
        let all = 0..self.seats.len();
        let resting: Vec<usize> =
            all.filter(|hub| mem::take(&mut state.hubs[*hub].resting)).collect();
        drop(state);
        resting.iter().for_each(|hub| self.seats[*hub].call.set());
    }

    /// One that rests and whose hub sleeps, and which sleep that is.
    fn find_sleeper(&self, state: &State) -> Option<(usize, u64)> {
        let mut resting = (0..self.seats.len()).filter(|hub| state.hubs[*hub].resting);
        resting.find_map(|hub| Some((hub, self.seats[hub].nap()?)))
    }

    /// What main of this hub is to do.
    pub(super) fn next(&self, hub: usize) -> Next {
        let mut state = self.lock();
        if state.end.is_some_and(|end| end <= Moment::now()) {
            drop(state);
            // Whoever shuts the cluster down may have been killed.
            self.drop_unstarted();
            return Next::Leave;
        }
        if let Some(job) = state.take(hub) {
            // One that was called for this may be about to compute for long.
            if !state.queue.is_empty() {
                self.call_takers(state);
            }
            return Next::Start(job);
        }
        let end = state.end;
        let own = &mut state.hubs[hub];
        if end.is_some() && own.running == 0 {
            return Next::Leave;
        }
        own.resting = true;
        self.seats[hub].call.clear();
        Next::Rest(end.unwrap_or(Moment::NEVER))
    }

    /// Something that this hub has taken is over.
    pub(super) fn depart(&self, hub: usize) {
        let mut state = self.lock();
        state.hubs[hub].running -= 1;
        let is_last = state.end.is_some() && state.hubs[hub].running == 0;
        drop(state);
        if is_last {
            self.seats[hub].call.set();
        }
    }

    // ---- the end --------------------------------------------------------------------------

    /// Accepts nothing more, and has what runs be killed at `end`, if not before; returns when.
    pub(super) fn close(&self, end: Moment) -> Moment {
        let mut state = self.lock();
        let end = state.end.map_or(end, |before| before.min(end));
        state.end = Some(end);
        state.hubs.iter_mut().for_each(|hub| hub.resting = false);
        drop(state);
        self.seats.iter().for_each(|seat| seat.call.set());
        end
    }

    pub(super) fn end(&self) -> Option<Moment> {
        self.lock().end
    }

    /// Ends what has not started.
    pub(super) fn drop_unstarted(&self) {
        let mut state = self.lock();
        let mut jobs = mem::take(&mut state.queue);
        for hub in &mut state.hubs {
            jobs.append(&mut hub.own);
        }
        drop(state);
        tell(&jobs, |job| job.note_killed());
    }

    /// This hub takes nothing more. What only it could start is lost, and if it was the last, everything.
    pub(super) fn lose(&self, hub: usize) {
        let mut state = self.lock();
        state.hubs[hub].gone = true;
        state.hubs[hub].resting = false;
        let mut jobs = mem::take(&mut state.hubs[hub].own);
        if state.hubs.iter().all(|hub| hub.gone) {
            jobs.append(&mut state.queue);
            drop(state);
        } else if !state.queue.is_empty() {
            // It may have been the one that was called for it.
            self.call_takers(state);
        } else {
            drop(state);
        }
        tell(&jobs, |job| job.note_lost());
    }

    /// The thread of this hub is about to end, and leaves so many greenlets as they are.
    pub(super) fn leave(&self, hub: usize, abandoned: usize) {
        self.lose(hub);
        self.lock().hubs[hub].abandoned = abandoned;
        self.seats[hub].ended.set();
    }

    /// Waits until every thread has nothing left to do, or `deadline`.
    pub(super) fn wait_until_left(&self, deadline: Moment) -> bool {
        let left = |seat: &Seat| seat.ended.wait_for(deadline.since(Moment::now())).is_ok();
        self.seats.iter().all(left)
    }

    /// How many greenlets have not ended, or one for a thread that has not. Those that were left as they
    /// were are told of once.
    pub(super) fn count_left(&self) -> usize {
        let mut state = self.lock();
        let hubs = state.hubs.iter_mut().zip(&self.seats);
        hubs.map(|(hub, seat)| {
            if seat.ended.is_set() { mem::take(&mut hub.abandoned) } else { hub.running.max(1) }
        })
        .sum()
    }

    // ---- what is told -----------------------------------------------------------------------

    pub(super) fn stats(&self) -> ClusterStats {
        let is_elsewhere = self.is_elsewhere();
        let state = self.lock();
        let hubs = state.hubs.iter().zip(&self.seats).map(|(hub, seat)| HubStats {
            running: hub.running,
            queued: hub.own.len(),
            alarms: seat.door.get().map_or(0, |door| door.inbox.alarms() - door.alarms),
            is_gone: hub.gone || is_elsewhere,
        });
        ClusterStats { hubs: hubs.collect(), queued: state.queue.len() }
    }

    /// Nothing of the program's runs while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells them all, also if whoever tells is killed, or its time is over, where a destructor waits.
fn tell(jobs: &VecDeque<Job>, how: impl Fn(&Job)) {
    let mut unwound = None;
    for job in jobs {
        let told = panic::catch_unwind(AssertUnwindSafe(|| how(job)));
        // Should both come, a kill goes beyond what an expiry ends.
        unwound = match told {
            Err(payload) if unwound.is_none() || payload.is::<Exit>() => Some(payload),
            _ => unwound,
        };
    }
    if let Some(payload) = unwound {
        panic::resume_unwind(payload);
    }
}

impl State {
    /// The hub that is to have something; `None` is any.
    fn choose(&self, place: Place) -> Result<Option<usize>, SpawnErrorKind> {
        let gone = |hub: usize| self.hubs.get(hub).is_some_and(|hub| hub.gone);
        let present = || (0..self.hubs.len()).filter(|hub| !gone(*hub));
        if self.end.is_some() {
            return Err(SpawnErrorKind::ShutDown);
        }
        match place {
            Place::On(hub) if hub >= self.hubs.len() => Err(SpawnErrorKind::NoSuchHub),
            Place::On(hub) if gone(hub) => Err(SpawnErrorKind::Lost),
            Place::On(hub) => Ok(Some(hub)),
            Place::Anywhere => present().next().map(|_| None).ok_or(SpawnErrorKind::Lost),
            Place::LeastBusy => {
                let least = present().min_by_key(|hub| self.hubs[*hub].load());
                least.map(Some).ok_or(SpawnErrorKind::Lost)
            }
        }
    }

    /// Takes out what has waited longest of what this hub may start.
    fn take(&mut self, hub: usize) -> Option<Job> {
        let own = &mut self.hubs[hub];
        let from_own = match (own.own.front(), self.queue.front()) {
            (Some(own), Some(any)) => own.number() < any.number(),
            (own, _) => own.is_some(),
        };
        let job = if from_own { own.own.pop_front() } else { self.queue.pop_front() }?;
        own.running += 1;
        Some(job)
    }
}

impl HubState {
    /// What runs here, and what is going to.
    fn load(&self) -> usize {
        self.running + self.own.len()
    }
}

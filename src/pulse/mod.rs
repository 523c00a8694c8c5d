//! What a hub shows of itself without being asked, and one thread for all hubs that looks at it.
//!
//! ```text
//!   hub:     counts its switches and turns, and notes who runs, as it does anyhow
//!   monitor: every so often: the same counts as before, and it does not sleep? for how long now?
//! ```
//!
//! So a switch reads no clock and makes no decision for this, whether a monitor is on or off.
//!
//! What is noted is only *where* in memory the one lies that runs. Nobody follows that: it is compared
//! with a [`Roster`], which a hub keeps only while a monitor is on.
//!
//! This floor knows no greenlets: whoever has a loop can have a pulse.

mod environment;
mod event;
mod kernel;
mod looking;
mod roster;
mod seen;
mod spot;
mod watching;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::environment::begin as begin_by_environment;
pub use self::event::{Doing, Event, Parked, Runner, Stall};
pub(crate) use self::roster::Entry;
use self::roster::Roster;
use self::spot::Reading;
pub(crate) use self::spot::{Asked, Counter, Current, Places, Spot, WaitsFor};
pub(crate) use self::watching::{
    Hook, State, freeze, has_work, is_news, join, leave, renew, rouse, start, state, stop, threads,
    write_down,
};

pub(crate) struct Pulse {
    /// Odd from when the hub is about to sleep until it is awake.
    naps: AtomicU64,
    roster: Mutex<Roster>,
}

/// What is seen at one look. While it is the same, and the hub is awake, nobody has let others run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beat {
    naps: u64,
    reading: Reading,
}

impl Beat {
    fn is_asleep(self) -> bool {
        self.naps % 2 == 1
    }
}

impl Pulse {
    pub(crate) fn new() -> Pulse {
        Pulse { naps: AtomicU64::new(0), roster: Mutex::default() }
    }

    // ---- what the hub says ----------------------------------------------------------------

    /// The hub is about to sleep.
    pub(crate) fn begin_nap(&self) {
        self.naps.store(self.naps.load(Ordering::Relaxed) | 1, Ordering::SeqCst);
    }

    /// The hub is awake.
    pub(crate) fn end_nap(&self) {
        self.naps.store((self.naps.load(Ordering::Relaxed) + 1) & !1, Ordering::SeqCst);
    }

    /// Names the sleep that the hub is in.
    pub(crate) fn nap(&self) -> Option<u64> {
        let nap = self.naps.load(Ordering::SeqCst);
        (nap % 2 == 1).then_some(nap)
    }

    /// A new hub has it.
    pub(crate) fn begin(&self) {
        if self.nap().is_some() {
            self.end_nap();
        }
    }

    /// Makes a list of who there is on this thread, main first, in the place of the one that was.
    pub(crate) fn list(&self, spot: Spot, entries: impl Iterator<Item = Entry>) {
        self.replace(Roster::of_this_thread(spot, entries));
    }

    /// Forgets it. When this has returned, nobody reads the spot any more.
    pub(crate) fn unlist(&self) {
        self.replace(Roster::default());
    }

    fn replace(&self, new: Roster) {
        let old = std::mem::replace(&mut *self.roster(), new);
        drop(old);
    }

    pub(crate) fn enlist(&self, entry: Entry) {
        self.roster().put(entry);
    }

    pub(crate) fn strike(&self, id: u32) {
        self.roster().strike(id);
    }

    /// Has the one with this number hold up the hub without being told of, or not; returns what was.
    pub(crate) fn excuse(&self, id: u32, excused: bool) -> bool {
        self.roster().excuse(id, excused)
    }

    // ---- what the monitor sees ------------------------------------------------------------

    /// `None` if the hub is not listed.
    fn beat(&self) -> Option<Beat> {
        self.beat_of_thread().map(|(beat, _)| beat)
    }

    /// And the number of its thread, if that is known.
    fn beat_of_thread(&self) -> Option<(Beat, Option<u32>)> {
        let naps = self.naps.load(Ordering::SeqCst);
        let roster = self.roster();
        let reading = roster.spot.as_ref()?.read();
        Some((Beat { naps, reading }, roster.thread_id))
    }

    /// Nothing of the program's runs under this lock, nor does anything panic.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The thread that looks at all pulses, and whom it tells.
//!
//! | while | it sleeps |
//! | --- | --- |
//! | a hub is awake | half of the shortest limit |
//! | all hubs sleep | until one of them is awake |
//! | there is no hub, or nobody to be told | it is not there |
//!
//! A hub that wakes looks whether the thread *dozes*. Each sets its own word before it reads the
//! other's, as at the door of a hub, so one of them sees the other.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Pulse;
use super::event::Event;
use super::looking::{settle, tell};
use super::seen::{Passed, Seen};
use crate::clock::Moment;
use crate::config;
use crate::masked::Masked;

/// What is told of a hub that is held up. Called by the monitor's thread.
pub(crate) type Hook = Arc<dyn Fn(&Event) + Send + Sync>;

/// Whether hubs are to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    Off,
    On,
    /// On; and the thread is to be told when a hub is awake.
    Dozing,
}

static STATE: AtomicU8 = AtomicU8::new(State::Off as u8);
static ROUSED: Condvar = Condvar::new();

static BEGUN: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Looks that may show something, and stalls of which the end is to be told: a hook is the program's,
/// and may wake anyone. And threads that have not begun.
pub(super) static OWED: AtomicUsize = AtomicUsize::new(0);

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    watched: Vec::new(),
    watchers: Vec::new(),
    untold: Vec::new(),
    last_id: 0,
    has_thread: false,
});

pub(crate) struct Registry {
    pub(super) watched: Vec<Watched>,
    pub(super) watchers: Vec<Watcher>,
    /// Ends of stalls of hubs that have ended.
    pub(super) untold: Vec<(Hook, Event)>,
    last_id: u64,
    has_thread: bool,
}

pub(super) struct Watched {
    pub(super) pulse: &'static Pulse,
    pub(super) seen: Seen,
}

pub(super) struct Watcher {
    pub(super) id: u64,
    pub(super) limit: Duration,
    pub(super) tells_ends: bool,
    pub(super) hook: Hook,
}

// ---- for hubs -----------------------------------------------------------------------------

/// Whether this hub is to be looked at.
pub(crate) fn state() -> State {
    match STATE.load(Ordering::SeqCst) {
        0 => State::Off,
        1 => State::On,
        _ => State::Dozing,
    }
}

/// Whether it is another state than what a hub knows, which asks once in each turn.
#[inline(always)]
pub(crate) fn is_news(known: State) -> bool {
    STATE.load(Ordering::SeqCst) != known as u8
}

/// Has the pulse of a hub looked at from now on.
pub(crate) fn join(pulse: &'static Pulse) {
    let mut registry = lock();
    registry.watched.push(Watched { pulse, seen: Seen::default() });
    if let Err(error) = registry.see_to_thread() {
        let _ = writeln!(io::stderr(), "greenhub: there is no thread for a monitor: {error}");
    }
}

/// Has it looked at no more.
pub(crate) fn leave(pulse: &'static Pulse) {
    let mut registry = lock();
    let is_own = |watched: &Watched| std::ptr::eq(watched.pulse, pulse);
    if let Some(place) = registry.watched.iter().position(is_own) {
        let mut gone = registry.watched.swap_remove(place);
        let held = gone.seen.forgive();
        let ends = registry.ends(&mut gone.seen.told, held);
        registry.untold.extend(ends);
    }
    wake_thread();
}

/// A hub is awake.
#[cold]
pub(crate) fn rouse() {
    let _registry = lock();
    wake_thread();
}

/// Under the lock.
fn wake_thread() {
    let (dozing, on) = (State::Dozing as u8, State::On as u8);
    let _ = STATE.compare_exchange(dozing, on, Ordering::SeqCst, Ordering::SeqCst);
    ROUSED.notify_all();
}

// ---- for those who want to know -----------------------------------------------------------

/// Has `hook` told of every hub that is held up for `limit`; returns the number to stop it by.
///
/// # Errors
///
/// If there is no thread to be had.
pub(crate) fn start(limit: Duration, tells_ends: bool, hook: Hook) -> io::Result<u64> {
    let mut registry = lock();
    let id = registry.last_id + 1;
    registry.last_id = id;
    let limit = limit.max(config::MIN_BLOCKING);
    registry.watchers.push(Watcher { id, limit, tells_ends, hook });
    if let Err(error) = registry.see_to_thread() {
        let unwanted = registry.watchers.pop();
        drop(registry);
        drop(unwanted);
        return Err(error);
    }
    if state() == State::Off {
        STATE.store(State::On as u8, Ordering::SeqCst);
    }
    wake_thread();
    Ok(id)
}

pub(crate) fn stop(id: u64) {
    let mut registry = lock();
    let place = registry.watchers.iter().position(|watcher| watcher.id == id);
    let gone = place.map(|place| registry.watchers.remove(place));
    if registry.watchers.is_empty() {
        STATE.store(State::Off as u8, Ordering::SeqCst);
        for watched in &mut registry.watched {
            settle(&watched.seen.told.take());
        }
    }
    wake_thread();
    drop(registry);
    // It is the program's, and may do anything.
    drop(gone);
}

/// A hook that writes a line to standard error.
pub(crate) fn write_down() -> Hook {
    Arc::new(|event| {
        // In one piece, and without std's lock: in a child that is forked meanwhile it would stay
        // locked. Whoever has closed it does not want to know.
        let line = format!("greenhub: {event}\n");
        let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
    })
}

// ---- for those who count threads ----------------------------------------------------------

/// How many threads of a monitor have begun, and how many of them have ended.
pub(crate) fn threads() -> (usize, usize) {
    (BEGUN.load(Ordering::SeqCst), ENDED.load(Ordering::SeqCst))
}

/// Whether a hook may still be called for what has happened.
pub(crate) fn has_work() -> bool {
    OWED.load(Ordering::SeqCst) > 0
}

// ---- for forks ----------------------------------------------------------------------------

/// Locks all this for the time of a fork.
pub(crate) fn freeze() -> MutexGuard<'static, Registry> {
    lock()
}

/// In the child: there is no monitor. What its hooks held is the parent's, and left as it is.
pub(crate) fn renew(mut registry: MutexGuard<'static, Registry>) {
    let registry = &mut *registry;
    std::mem::forget(std::mem::take(&mut registry.watched));
    std::mem::forget(std::mem::take(&mut registry.watchers));
    std::mem::forget(std::mem::take(&mut registry.untold));
    registry.has_thread = false;
    STATE.store(State::Off as u8, Ordering::SeqCst);
    for count in [&BEGUN, &ENDED, &OWED] {
        count.store(0, Ordering::SeqCst);
    }
}

// ---- the thread ---------------------------------------------------------------------------

/// From the thread's first moment to its last.
struct Present(());

impl Present {
    fn begin() -> Present {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        Present(())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        ENDED.fetch_add(1, Ordering::SeqCst);
    }
}

fn watch() {
    let _present = Present::begin();
    OWED.fetch_sub(1, Ordering::SeqCst);
    let mut registry = lock();
    let mut last = Moment::now();
    while let Some(period) = registry.period() {
        let dozed;
        (registry, dozed) = pause(registry, period);
        let now = Moment::now();
        let time = now.since(last);
        let passed = if dozed { Passed::nothing() } else { Passed { time, period } };
        last = now;
        // Before it looks: a hub that went on since then, and asks, is to know that there is more. But
        // not at every look: the hub may ask because it has just woken, and so has this.
        let owed = usize::from(registry.is_due(passed.time));
        OWED.fetch_add(owed, Ordering::SeqCst);
        let events = registry.look(passed);
        if !events.is_empty() {
            drop(registry);
            tell(events);
            registry = lock();
        }
        OWED.fetch_sub(owed, Ordering::SeqCst);
    }
    registry.has_thread = false;
}

/// Sleeps until it is time to look; returns whether that was because all hubs slept.
fn pause(
    registry: MutexGuard<'static, Registry>,
    period: Duration,
) -> (MutexGuard<'static, Registry>, bool) {
    // First, so that one who sleeps often and not for long wakes this once in a period.
    let waited = ROUSED.wait_timeout(registry, period);
    let registry = waited.unwrap_or_else(PoisonError::into_inner).0;
    if registry.is_quiet() && registry.period().is_some() {
        STATE.store(State::Dozing as u8, Ordering::SeqCst);
        // Once more: one that woke before it could see that has not told.
        if registry.is_quiet() {
            let roused = ROUSED.wait_while(registry, |_| state() == State::Dozing);
            return (roused.unwrap_or_else(PoisonError::into_inner), true);
        }
        STATE.store(State::On as u8, Ordering::SeqCst);
    }
    (registry, false)
}

impl Registry {
    /// Has the thread be there, if it is needed.
    fn see_to_thread(&mut self) -> io::Result<()> {
        if self.has_thread || self.period().is_none() {
            wake_thread();
            return Ok(());
        }
        // Handlers of the program's are not to run there.
        let _masked = Masked::all();
        // Until it has counted itself, it is a thread of which nothing is known.
        OWED.fetch_add(1, Ordering::SeqCst);
        let made = thread::Builder::new().name("greenhub-monitor".into()).spawn(watch);
        match made {
            Ok(_) => self.has_thread = true,
            Err(_) => drop(OWED.fetch_sub(1, Ordering::SeqCst)),
        }
        made.map(drop)
    }

    /// How long it is between two looks; `None` if there is nothing to look for.
    fn period(&self) -> Option<Duration> {
        let limit = self.watchers.iter().map(|watcher| watcher.limit).min()?;
        let is_needed = !self.watched.is_empty() || !self.untold.is_empty();
        is_needed.then(|| limit / 2)
    }

    /// Whether the next look may show something to tell, `passed` after the last.
    fn is_due(&self, passed: Duration) -> bool {
        let limit = self.watchers.iter().map(|watcher| watcher.limit).min();
        let is_due = |watched: &Watched| {
            let seen = &watched.seen;
            seen.told.is_some() || limit.is_some_and(|limit| limit <= seen.held() + passed)
        };
        !self.untold.is_empty() || self.watched.iter().any(is_due)
    }

    /// Whether there is nothing to see until a hub is awake.
    fn is_quiet(&self) -> bool {
        let is_quiet =
            |watched: &Watched| watched.seen.told.is_none() && watched.pulse.nap().is_some();
        self.untold.is_empty() && self.watched.iter().all(is_quiet)
    }
}

/// Nothing panics while this is held.
fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

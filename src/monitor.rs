//! Who holds up a hub: a thread that notices, and tells.
//!
//! Greenlets take turns. One that computes for long, or makes a call that blocks its OS thread,
//! keeps all others of its hub waiting, and nothing fails: everything is only slow. A monitor tells
//! of each such time, while it lasts: which hub, which greenlet, where that was spawned, what the
//! kernel says that the thread does, and for how long so far.
//!
//! ```
//! use greenhub::monitor::{Event, Monitor};
//! use std::sync::mpsc;
//! use std::time::Duration;
//!
//! let (tell, told) = mpsc::channel();
//! let monitor = Monitor::new().on_event(move |event| {
//!     let _ = tell.send(event.to_string());
//! });
//! let monitoring = monitor.start()?;
//!
//! greenhub::Builder::new().name("rude").spawn(|| {
//!     // It should be `greenhub::sleep`.
//!     std::thread::sleep(Duration::from_millis(500));
//! })?.join().unwrap();
//! drop(monitoring);
//! assert!(told.recv().unwrap().contains("'rude'"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Where greenhub is compiled with debug assertions, as debug builds are, there is a monitor without
//! being asked for, which writes to standard error. The environment has the last word:
//!
//! | variable | what it says |
//! | --- | --- |
//! | `GREENHUB_MONITOR` | `1`: there is such a monitor, in any build; `0`: there is none |
//! | `GREENHUB_MAX_BLOCKING` | its limit in seconds, instead of `0.1` |
//! | `GREENHUB_MONITOR_ENDS` | `1`: it tells also when a hub goes on |
//!
//! They are read once, when the process makes its first hub, and say nothing of monitors that the
//! program starts.
//!
//! **What it costs.** A switch: nothing, whether there is a monitor or not; a turn of the loop: a look
//! at one word. While there is a monitor, a spawn notes where, and under which name. The monitor's
//! thread looks every half of the limit while a hub is awake, and sleeps while all sleep; then a hub
//! that wakes wakes it too, at most once in half of the limit. It gets no signals, keeps no process
//! alive, and is there only while there is a hub to look at.
//!
//! **What is not told of.** A hub that sleeps. Main, where there is nobody else to keep waiting. A
//! process that is stopped, or a machine that sleeps or has too much to do: a thread that could run
//! counts as blocked only for as long as it has had a processor (on Linux, which tells). A thread
//! without a hub, as those of pools are. What is marked as [excused]. A hub of another thread that has
//! not come round since the monitor began: one that is blocked by then is seen only when it goes on.
//!
//! In a forked child there is no monitor until one is started there.
//!
//! Mirrors `gevent._monitor.PeriodicMonitoringThread`, of which each hub has its own.

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::hub::{core, watched};
use crate::pulse::{self, Hook};
pub use crate::pulse::{Doing, Event, Parked, Runner, Stall};

/// A monitor to be started. Mirrors `Hub.start_periodic_monitoring_thread`.
///
/// There may be several, each with its own limit and its own hook; they share one thread.
pub struct Monitor {
    limit: Duration,
    tells_ends: bool,
    hook: Option<Hook>,
}

impl Monitor {
    /// A monitor with a limit of 100 ms, which writes a line to standard error each time.
    #[must_use]
    pub fn new() -> Monitor {
        Monitor { limit: config::BLOCKING, tells_ends: false, hook: None }
    }

    /// Sets for how long a greenlet may keep its hub to itself, at least 10 ms.
    ///
    /// It is told of between this and one and a half of it later, or twice as late if it computes; and
    /// later still on a machine that has too much to do. Mirrors `max_blocking_time`.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Monitor {
        self.limit = limit;
        self
    }

    /// Has it tell also when the hub goes on, and for how long it was held up in all.
    #[must_use]
    pub fn tell_ends(mut self, tell: bool) -> Monitor {
        self.tells_ends = tell;
        self
    }

    /// Has it call `hook`, instead of writing to standard error.
    ///
    /// The hook is called by the monitor's thread, which looks at no hub meanwhile. One that panics is
    /// called the next time as well. Mirrors `gevent.events.subscribers`.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Monitor {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Has all hubs of the process looked at: this thread's at once, those of others when they next
    /// come round, and those that are made later.
    ///
    /// Returns at once.
    ///
    /// # Errors
    ///
    /// If there is no thread to be had.
    pub fn start(self) -> io::Result<Monitoring> {
        let hook = self.hook.unwrap_or_else(pulse::write_down);
        let id = pulse::start(self.limit, self.tells_ends, hook)?;
        let monitoring = Monitoring { id };
        core::try_with(|core| core.heed_monitor());
        Ok(monitoring)
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Monitor::new()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Monitor");
        debug.field("limit", &self.limit).field("tells_ends", &self.tells_ends);
        debug.finish_non_exhaustive()
    }
}

/// A monitor that looks at all hubs, until this is dropped; made by [`Monitor::start`].
///
/// A hook that is being called when it is dropped is not waited for.
#[derive(Debug)]
#[must_use = "the monitor ends when this is dropped"]
pub struct Monitoring {
    id: u64,
}

impl Monitoring {
    /// Leaves it so for as long as the process lives.
    pub fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for Monitoring {
    fn drop(&mut self) {
        pulse::stop(self.id);
    }
}

/// Calls `f`, which may keep the hub to itself for long: monitors do not tell of it.
///
/// It holds for the current greenlet only, also where that waits in `f`, and as long as there is a
/// monitor when it begins. Mirrors `ignore_current_greenlet_blocking`, and
/// `monitor_current_greenlet_blocking` at its end.
///
/// # Examples
///
/// ```
/// let table = greenhub::monitor::excused(|| (0..1000).map(|n| n * n).collect::<Vec<u32>>());
/// assert_eq!(table[3], 9);
/// ```
pub fn excused<R>(f: impl FnOnce() -> R) -> R {
    let _back = Back { before: watched::excuse(true) };
    f()
}

/// Also after a panic or a kill.
struct Back {
    before: bool,
}

impl Drop for Back {
    fn drop(&mut self) {
        watched::excuse(self.before);
    }
}

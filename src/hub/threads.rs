//! Whether there is another thread in the process that could wake someone here.
//!
//! Threads of our own pools, and a monitor's, are left out, unless there is work that they have not done: that is
//! the program's, and can wake anyone. Beyond it they wake only those who wait for the work.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

use crate::pulse;

static BEGUN: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicUsize = AtomicUsize::new(0);
static UNDONE: AtomicUsize = AtomicUsize::new(0);
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A thread of a pool, from its first moment to its last.
pub(crate) struct Helper(());

impl Helper {
    pub(crate) fn begin() -> Helper {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        Helper(())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        ENDED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Work for a pool, from before it is given away until it is done.
pub(crate) struct Undone(());

impl Undone {
    pub(crate) fn begin() -> Undone {
        UNDONE.fetch_add(1, Ordering::SeqCst);
        Undone(())
    }
}

impl Drop for Undone {
    fn drop(&mut self) {
        UNDONE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts anew, in a forked child: there are no helpers, and nobody does their work.
pub(crate) fn count_anew() {
    for count in [&BEGUN, &ENDED, &UNDONE] {
        count.store(0, Ordering::SeqCst);
    }
    FORKS.fetch_add(1, Ordering::SeqCst);
}

/// How many forks lie between the program's first process and this one: who remembers another number
/// has threads that are not here.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether this is the only thread but for helpers. `false` where that is not known.
pub(super) fn is_alone() -> bool {
    let before = helpers();
    let Some(threads) = threads() else { return false };
    fence(Ordering::SeqCst);
    // If they changed meanwhile it is not known who was counted. And the work of a thread that
    // was not counted, because it has ended, is seen only now.
    helpers() == before && threads <= 1 + before.0.saturating_sub(before.1) && !have_work()
}

/// Whether a pool has work that is not done, or a monitor something to tell.
pub(super) fn have_work() -> bool {
    UNDONE.load(Ordering::SeqCst) > 0 || pulse::has_work()
}

/// How many have begun, and how many of them have ended.
fn helpers() -> (usize, usize) {
    let monitors = pulse::threads();
    (BEGUN.load(Ordering::SeqCst) + monitors.0, ENDED.load(Ordering::SeqCst) + monitors.1)
}

#[cfg(target_os = "linux")]
fn threads() -> Option<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc/self/task").ok()? {
        entry.ok()?;
        count += 1;
    }
    Some(count)
}

#[cfg(not(target_os = "linux"))]
fn threads() -> Option<usize> {
    None
}

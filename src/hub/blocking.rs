//! What is left to one that has to wait and cannot: its OS thread waits.
//!
//! A greenlet that unwinds is not switched away from, and a thread that ends has no hub any more.
//! Most calls give an error then; this is for those that have none to give. While the thread
//! waits, none of its greenlets run, so it helps only if what is waited for is in the hands of
//! another thread.

use std::thread;
use std::time::Duration;

use super::threads;

/// Looks before the thread sleeps in between.
const SPINS: u32 = 20;

/// How long it sleeps between two looks.
const NAP: Duration = Duration::from_millis(1);

/// Naps after which it is time to see whether there is another thread at all.
pub(crate) const NAPS_UNTIL_ALONE: u32 = 100;

/// What was seen by one who looked.
pub(crate) enum Look {
    /// It could be had, and was taken.
    Had,
    /// This very thread has it, in another greenlet or further up.
    Here,
    /// Another thread has it, or may have it.
    Elsewhere,
}

/// Has the OS thread wait until `look` has had what it looks for. `what` is for the report.
///
/// # Panics
///
/// If it waits for its own thread, or there is no other thread.
#[cold]
pub(crate) fn wait(what: &str, mut look: impl FnMut() -> Look) {
    for round in 1u32.. {
        match look() {
            Look::Had => return,
            Look::Here => {
                panic!("{} cannot wait {what}, which its own thread has", who_cannot_wait())
            }
            Look::Elsewhere if round <= SPINS => thread::yield_now(),
            Look::Elsewhere => nap(what, round),
        }
    }
}

/// Lets the OS run other threads for a moment, the `round`th of them.
///
/// # Panics
///
/// Now and then, if there is no other thread: then nothing would ever change.
pub(crate) fn nap(what: &str, round: u32) {
    thread::sleep(NAP);
    assert!(
        !round.is_multiple_of(NAPS_UNTIL_ALONE) || !threads::is_alone(),
        "{} cannot wait {what}, and there is no other thread that could help",
        who_cannot_wait()
    );
}

fn who_cannot_wait() -> &'static str {
    if thread::panicking() { "a greenlet that unwinds" } else { "a thread that ends" }
}

//! A child among the things that one waits for.
//!
//! Each bell has a greenlet of its own, in the hub of who listens, that waits for the child's end
//! and takes nothing of it.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Pid;

use super::Child;
use super::ending::{self, Ending};
use crate::clock::Moment;
use crate::greenlet;
use crate::hub::bell::{Bell, Waitable};

#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<(Bell, Arc<Ending>)>>);

impl Watchers {
    fn with<R>(&self, f: impl FnOnce(&mut Vec<(Bell, Arc<Ending>)>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ready when the child has ended; its status stays to be taken by [`wait`](Child::wait), which
/// then returns at once.
impl Waitable for Child {
    fn is_ready(&self) -> bool {
        self.is_reaped() || ending::has_ended(self.pid())
    }

    fn watch(&self, bell: Bell) {
        if self.is_ready() {
            return bell.ring();
        }
        let pid = self.pid();
        let ending = Arc::new(Ending::of(pid));
        self.watchers.with(|watchers| watchers.push((bell.clone(), Arc::clone(&ending))));
        greenlet::spawn(move || ring_at_the_end(pid, &ending, &bell));
    }

    fn unwatch(&self, bell: &Bell) {
        let gone = self.watchers.with(|watchers| {
            let place = watchers.iter().position(|(other, _)| other == bell)?;
            Some(watchers.swap_remove(place))
        });
        if let Some((_, ending)) = gone {
            ending.give_up();
        }
    }
}

fn ring_at_the_end(pid: Pid, ending: &Ending, bell: &Bell) {
    // Whoever hears the bell finds an error by waiting.
    let _ = ending.wait_until(Moment::NEVER, || Ok(ending::has_ended(pid).then_some(())));
    if !ending.is_given_up() {
        bell.ring();
    }
}

//! A hub that is looked at by a monitor.
//!
//! # Why this file is unsafe
//!
//! It shows another thread places of this hub and this thread.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::core::Core;
use crate::pulse::{self, Places, Spot, State};
use crate::raw::fiber::Head;
use crate::raw::thread::{self, Thread};

impl Core {
    /// To be called once in each turn, and when the hub is awake again, before anyone runs. Apart from
    /// the loop, whose registers are few.
    #[inline(never)]
    pub(super) fn heed_news(&self) {
        if pulse::is_news(self.monitor.get()) {
            self.heed_monitor();
        }
    }

    /// Does what the hub of a thread does when a monitor begins, ends, or dozes.
    #[cold]
    #[inline(never)]
    pub(crate) fn heed_monitor(&self) {
        match pulse::state() {
            State::Off => self.leave_monitor(),
            State::On | State::Dozing => {
                if self.monitor.get() == State::Off {
                    thread::with(|thread| self.join_monitor(thread));
                }
                pulse::rouse();
                self.monitor.set(State::On);
            }
        }
    }

    fn join_monitor(&self, thread: &Thread) {
        let (current, main_is_away) = thread.places();
        let places = Places {
            current,
            main_is_away,
            switches: NonNull::from(&self.switches),
            turns: NonNull::from(&self.turns),
        };
        // SAFETY: this hub stays where it is until it is dropped, and so does its thread's data until
        // that is. Whichever is dropped first has the pulse forget the spot.
        let spot = unsafe { Spot::new(places) };
        self.pulse.list(spot, thread.fibers().iter().map(|fiber| fiber.head.entry()));
        thread.listed.set(Some(self.pulse));
        pulse::join(self.pulse);
    }

    /// The thread's own data may be gone.
    pub(super) fn leave_monitor(&self) {
        if self.monitor.replace(State::Off) != State::Off {
            thread::try_with(|thread| thread.listed.set(None));
            pulse::leave(self.pulse);
            self.pulse.unlist();
        }
    }
}

/// Has the monitor of this thread's hub, if there is one, know what a greenlet is called now.
pub(crate) fn renamed(head: &Head) {
    thread::with(|thread| {
        if let Some(pulse) = thread.listed.get() {
            pulse.enlist(head.entry());
        }
    });
}

/// Whether the current greenlet may keep the hub to itself without a monitor telling of it.
pub(crate) fn excuse(excused: bool) -> bool {
    thread::with(|thread| {
        let id = thread::current_head(|head| head.id.get());
        thread.listed.get().is_some_and(|pulse| pulse.excuse(id, excused))
    })
}

//! Panics in a pool that reach nobody.
//!
//! They happen on a thread that nobody looks at, so the hub is told that gave the task away; and
//! where there is none, or none any more, standard error.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, Location};

use crate::hub::core::{self, Core};
use crate::hub::error_hook::{self, Unhandled};
use crate::hub::inbox::{HubNumber, Message};
use crate::hub::inboxes;
use crate::raw::{Exit, Expired, drop_quietly};

type Payload = Box<dyn Any + Send>;

/// Where a task was given to its pool.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    home: Option<Home>,
    made_at: &'static Location<'static>,
}

/// A hub, and its term: its number may be another's after it.
#[derive(Clone, Copy, PartialEq)]
struct Home {
    hub: HubNumber,
    term: u64,
}

impl Home {
    fn of(core: &Core) -> Home {
        Home { hub: core.number(), term: core.term() }
    }
}

impl Origin {
    #[track_caller]
    pub(super) fn here() -> Origin {
        Origin { home: core::try_with(Home::of), made_at: Location::caller() }
    }

    /// Runs code of the program whose panics nobody would get, and tells of them.
    pub(super) fn guard(self, what: &'static str, code: impl FnOnce()) {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(code)) {
            self.report(what, payload);
        }
    }

    /// Tells of a panic that nobody else will hear of, once.
    pub(super) fn report(self, what: &'static str, payload: Payload) {
        if payload.is::<Exit>() || payload.is::<Expired>() {
            return;
        }
        let untold = Untold { what, origin: self, payload: Some(payload) };
        match self.home {
            Some(home) if core::try_with(Home::of) != self.home => {
                // If the hub has ended the message is dropped, and so told.
                inboxes::of(home.hub).put(Message::Call(Box::new(move || untold.tell())));
            }
            _ => untold.tell(),
        }
    }
}

/// A panic that nobody has heard of; to drop it is to write it to standard error.
struct Untold {
    what: &'static str,
    origin: Origin,
    payload: Option<Payload>,
}

impl Untold {
    /// Tells the hook of this thread's hub, if that is where it belongs.
    fn tell(mut self) {
        core::try_with(|core| {
            if self.origin.home.is_none_or(|home| home == Home::of(core)) {
                self.pass(|unhandled| error_hook::report(core, unhandled));
            }
        });
    }

    fn pass(&mut self, to: impl FnOnce(&Unhandled<'_>)) {
        if let Some(payload) = self.payload.take() {
            let made_at = Some(self.origin.made_at);
            to(&Unhandled { origin: self.what, made_at, payload: &*payload });
            drop_quietly(payload);
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.pass(error_hook::print);
    }
}

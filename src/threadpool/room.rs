//! How many tasks a pool takes before whoever gives it more has to wait.

use std::sync::Arc;

use super::count::Count;
use crate::clock::Moment;
use crate::hub::line::{Line, Rules};
use crate::hub::turn::{Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

static ROOM: Kinds = Kinds::new("for room in a pool of threads");
static TASKS: Kinds = Kinds::new("for the tasks of a pool");

/// The tasks that a pool has taken and not done.
pub(super) struct Room {
    places: Line<Places>,
    unfinished: Count,
}

struct Places {
    used: usize,
    limit: usize,
}

impl Places {
    /// Gives a place up; it is handed to whoever has waited longest, unless there are too many.
    fn release(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        let next = if self.used <= self.limit { waiters.pop() } else { None };
        if next.is_none() {
            self.used -= 1;
        }
        next.map(|(granted, ())| granted)
    }

    /// Lets in who has waited longest, if there is a place.
    fn admit(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        let (granted, ()) = if self.is_ready() { waiters.pop() } else { None }?;
        self.used += 1;
        Some(granted)
    }
}

impl Rules for Places {
    fn is_ready(&self) -> bool {
        self.used < self.limit
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.is_ready().then(|| {
            self.used += 1;
            All::nobody()
        })
    }

    fn give_back(&mut self, waiters: &mut Waiters) -> Option<Granted> {
        self.release(waiters)
    }
}

impl Room {
    pub(super) fn new(limit: usize) -> Arc<Room> {
        let places = Line::new(Places { used: 0, limit });
        Arc::new(Room { places, unfinished: Count::new() })
    }

    /// A place for one more task, waited for if there is none.
    pub(super) fn enter(self: &Arc<Room>) -> Ticket {
        match self.places.wait(&ROOM, Moment::NEVER) {
            Ok(_) => self.ticket(),
            // It cannot wait, and a task is not to be lost.
            Err(_) => self.squeeze_in(),
        }
    }

    /// A place for one more task, even if there is none.
    pub(super) fn squeeze_in(self: &Arc<Room>) -> Ticket {
        self.places.with(|places, _| places.used += 1);
        self.ticket()
    }

    fn ticket(self: &Arc<Room>) -> Ticket {
        self.unfinished.add();
        Ticket(Some(Arc::clone(self)))
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.places.with(|places, _| places.limit = limit);
        while let Some(next) = self.places.with(Places::admit) {
            next.wake();
        }
    }

    /// How many tasks are not done.
    pub(super) fn len(&self) -> usize {
        self.unfinished.get()
    }

    /// Waits until all are done.
    pub(super) fn wait_until_empty(&self, deadline: Moment) -> Result<(), WaitError> {
        self.unfinished.wait(&TASKS, deadline)
    }
}

/// One task's place, until it is done.
pub(super) struct Ticket(Option<Arc<Room>>);

impl Ticket {
    /// For what is done without a pool.
    pub(super) fn none() -> Ticket {
        Ticket(None)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(room) = self.0.take() {
            // First, so that there are never more than the limit.
            room.unfinished.remove();
            if let Some(next) = room.places.with(Places::release) {
                next.wake();
            }
        }
    }
}

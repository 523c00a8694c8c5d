//! Something has happened, or has not yet.

use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{self, Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};

static EVENT: Kinds = Kinds::new("for an event");

/// A flag that greenlets wait for. Mirrors `gevent.event.Event`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::Event;
///
/// static READY: Event = Event::new();
///
/// let waiter = greenhub::spawn(|| READY.wait());
/// std::thread::spawn(|| READY.set());
/// waiter.join()??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Event {
    line: Line<Flag>,
}

struct Flag {
    set: bool,
}

impl Rules for Flag {
    #[inline]
    fn is_ready(&self) -> bool {
        self.set
    }

    #[inline]
    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.set.then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }
}

impl Event {
    /// An event that has not happened.
    #[must_use]
    pub const fn new() -> Event {
        Event { line: Line::new(Flag { set: false }) }
    }

    /// Whether it is set. Mirrors `Event.is_set`.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.line.with(|flag, _| flag.set)
    }

    /// Sets it: everyone who waits goes on, in the order in which they came.
    ///
    /// Returns at once. Those who wait now go on even if it is cleared before they run.
    /// Mirrors `Event.set`.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = greenhub::sync::Event::new();
    /// event.set();
    /// event.wait()?;
    /// # Ok::<(), greenhub::sync::WaitError>(())
    /// ```
    pub fn set(&self) {
        let waiters = self.line.with(|flag, waiters| {
            flag.set = true;
            waiters.take()
        });
        waiters.wake();
    }

    /// Clears it: who waits from now on, waits for the next [`set`](Self::set). Mirrors `Event.clear`.
    pub fn clear(&self) {
        self.line.with(|flag, _| flag.set = false);
    }

    /// Waits until it is set; returns at once if it is.
    ///
    /// Mirrors `Event.wait`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if it is not set and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is set; and in main, with a report, if everything waits
    /// for ever.
    pub fn wait(&self) -> Result<(), WaitError> {
        self.line.wait(&EVENT, Moment::NEVER).map(drop)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it was not set in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless it is set or `limit` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::sync::{Event, WaitError};
    /// use std::time::Duration;
    ///
    /// let never = Event::new();
    /// assert_eq!(never.wait_for(Duration::from_millis(1)), Err(WaitError::TimedOut));
    /// ```
    pub fn wait_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.line.wait(&EVENT, turn::deadline(limit)).map(drop)
    }
}

waitable_by_its_line!([] Event);

impl Default for Event {
    fn default() -> Self {
        Event::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.is_set()).finish()
    }
}

//! Greenlets without their type, and the current one.

use std::fmt;
use std::time::Duration;

use super::joining::{self, sealed};
use super::packet::Ended;
use crate::clock::Moment;
use crate::hub::report;
use crate::raw::fiber::{FiberRef, Head};
use crate::raw::thread;

/// A greenlet of whatever type: spawned, raw, or main.
///
/// Clones name the same greenlet, and are equal.
#[derive(Clone)]
pub struct AnyGreenlet {
    fiber: FiberRef,
}

/// The running greenlet, which is main where no other runs.
///
/// Mirrors `gevent.getcurrent` and [`std::thread::current`].
///
/// # Examples
///
/// ```
/// assert!(greenhub::current().is_main());
/// let id = greenhub::spawn(|| greenhub::current().id());
/// assert_eq!(id.id(), id.join()?);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
#[must_use]
pub fn current() -> AnyGreenlet {
    AnyGreenlet { fiber: thread::current() }
}

impl AnyGreenlet {
    /// Its number: small, unique among the living of its thread, zero for main.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.fiber.head.id.get()
    }

    /// The name that its [`Builder`](super::Builder) gave it; `main` for main.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.fiber.head.name.borrow().as_deref().map(str::to_owned)
    }

    /// Whether it is the thread's own stack.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.fiber.head.is_main()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// If it is the current greenlet, or was not spawned: main and raw greenlets are not
    /// joined. In main, with a report, if everything waits for ever.
    pub fn wait(&self) {
        self.wait_until(Moment::NEVER);
    }

    /// As [`wait`](Self::wait), for at most `limit`; returns whether it has ended. A limit of zero
    /// only looks.
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_for(&self, limit: Duration) -> bool {
        self.wait_until(joining::deadline(limit))
    }

    pub(super) fn wait_until(&self, deadline: Moment) -> bool {
        let ended = self.ended().expect("main and raw greenlets cannot be joined");
        joining::wait_until(&self.fiber.head, ended, deadline).is_ok()
    }

    pub(crate) fn fiber(&self) -> &FiberRef {
        &self.fiber
    }

    /// Whether it is neither main nor raw.
    pub(crate) fn is_spawned(&self) -> bool {
        self.ended().is_some()
    }

    pub(super) fn ended(&self) -> Option<&Ended> {
        self.fiber.data.known().downcast_ref()
    }
}

impl sealed::Sealed for AnyGreenlet {
    fn ended_by(&self, deadline: Moment) -> bool {
        self.wait_until(deadline)
    }

    fn without_type(&self) -> AnyGreenlet {
        self.clone()
    }
}

impl From<FiberRef> for AnyGreenlet {
    fn from(fiber: FiberRef) -> Self {
        AnyGreenlet { fiber }
    }
}

impl PartialEq for AnyGreenlet {
    fn eq(&self, other: &Self) -> bool {
        self.fiber.is_same(&other.fiber)
    }
}

impl Eq for AnyGreenlet {}

impl fmt::Debug for AnyGreenlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.fiber.head, f)
    }
}

/// `<greenlet 7 'reader', spawned at src/main.rs:3:5>`
pub(super) fn describe(head: &Head, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "<{}", report::name(head))?;
    if !head.is_main() {
        write!(f, ", spawned at {}", head.made_at)?;
    }
    f.write_str(">")
}

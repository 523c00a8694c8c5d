//! What can be asked of a greenlet without waiting for it, or taking anything.

use std::any::Any;
use std::panic::Location;

use super::packet::{Ended, How};
use super::{AnyGreenlet, Greenlet};
use crate::hub::{core, watched};

impl AnyGreenlet {
    /// Whether it has been started, and has not ended: gevent's `bool(greenlet)`.
    ///
    /// One whose delayed start is still to come counts as started; one that was killed before it
    /// ran does not. Main is always started.
    #[must_use]
    pub fn is_started(&self) -> bool {
        let asked = match self.ended() {
            Some(ended) => ended.is_start_asked(),
            None => !self.fiber().head.is_unstarted(),
        };
        asked && !self.is_dead()
    }

    /// Whether it has ended, in whatever way. Mirrors gevent's `Greenlet.ready`.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ended().map_or_else(|| self.fiber().head.is_finished(), Ended::is_over)
    }

    /// Whether none of its code runs any more: it has ended, or was killed before it ran.
    ///
    /// Never true of the current greenlet. Mirrors gevent's `Greenlet.dead`.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        let head = &self.fiber().head;
        self.is_finished() || (head.killed.get() && head.is_unstarted())
    }

    /// Whether it has returned, or was killed: it did not panic. Mirrors
    /// gevent's `Greenlet.successful`.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        let how = self.ended().and_then(Ended::how);
        matches!(how, Some(How::Returned | How::Killed))
    }

    /// Calls `f` with what it panicked with, and leaves that to be taken.
    ///
    /// `None` if it did not panic, or has not ended, or a join has taken the payload. A panic that
    /// was seen here does not count as unjoined. Mirrors gevent's `Greenlet.exception`.
    pub fn with_error<R>(&self, f: impl FnOnce(&(dyn Any + Send)) -> R) -> Option<R> {
        let (mut f, mut answer) = (Some(f), None);
        self.fiber().data.with_error(&mut |payload| answer = f.take().map(|f| f(payload)));
        answer
    }

    /// Where it was spawned, or made.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.fiber().head.made_at
    }

    /// The number of the greenlet that spawned it, which may have ended since. Mirrors gevent's
    /// `Greenlet.spawning_greenlet`.
    #[must_use]
    pub fn spawner_id(&self) -> u32 {
        self.fiber().head.made_by.get()
    }

    /// Whether what it waits for keeps nothing up; see [`set_background`](Self::set_background).
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.fiber().head.background.get()
    }

    /// Has what it waits for, now and later, keep neither [`Hub::join`](crate::Hub::join) from
    /// returning nor the report when everything waits for ever; or has it count again.
    ///
    /// As [`Builder::background`](super::Builder::background), for one that is there. Main always
    /// counts. Mirrors gevent's `watcher.ref`.
    pub fn set_background(&self, background: bool) {
        if !self.is_main() {
            core::with(|core| core.set_background(self.fiber(), background));
        }
    }

    /// Names it, for reports and messages. Mirrors gevent's `Greenlet.name`.
    pub fn set_name(&self, name: impl Into<String>) {
        let name = Some(name.into().into_boxed_str());
        *self.fiber().head.name.borrow_mut() = name;
        watched::renamed(&self.fiber().head);
    }
}

impl<T: 'static> Greenlet<T> {
    /// Whether it has been started, and has not ended: gevent's `bool(greenlet)`.
    ///
    /// One whose delayed start is still to come counts as started; one that was killed before it
    /// ran does not.
    ///
    /// # Examples
    ///
    /// ```
    /// let greenlet = greenhub::spawn(|| 7);
    /// assert!(greenlet.is_started() && !greenlet.is_finished());
    /// greenlet.wait();
    /// assert!(greenlet.is_dead() && greenlet.is_successful());
    /// assert_eq!(greenlet.value(), Some(7));
    /// ```
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.any().is_started()
    }

    /// Whether the greenlet has ended, in whatever way. Mirrors gevent's `Greenlet.ready`.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.fiber.data.ended.is_over()
    }

    /// Whether none of its code runs any more: it has ended, or was killed before it ran.
    ///
    /// Never true of the current greenlet. Mirrors gevent's `Greenlet.dead`.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.any().is_dead()
    }

    /// Whether it has returned, or was killed: it did not panic. Mirrors
    /// gevent's `Greenlet.successful`.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        self.any().is_successful()
    }

    /// Calls `f` with the value that it returned, and leaves that to be taken.
    ///
    /// `None` if it returned none, or has not ended, or a join has taken the value. While
    /// `f` runs the value is away: a join gets [`JoinError::Taken`](super::JoinError::Taken).
    pub fn with_value<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.fiber.data.with_outcome(|outcome| outcome.as_ref().ok().map(f)).flatten()
    }

    /// A clone of the value that it returned; `None` as for [`with_value`](Self::with_value).
    ///
    /// Mirrors gevent's `Greenlet.value`.
    #[must_use]
    pub fn value(&self) -> Option<T>
    where
        T: Clone,
    {
        self.with_value(T::clone)
    }

    /// Calls `f` with what it panicked with, and leaves that to be taken.
    ///
    /// `None` if it did not panic, or has not ended, or a join has taken the payload. A panic that
    /// was seen here does not count as unjoined. Mirrors gevent's `Greenlet.exception`.
    pub fn with_error<R>(&self, f: impl FnOnce(&(dyn Any + Send)) -> R) -> Option<R> {
        self.any().with_error(f)
    }

    /// Where it was spawned, or made.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.fiber.head.made_at
    }

    /// The number of the greenlet that spawned it, which may have ended since. Mirrors gevent's
    /// `Greenlet.spawning_greenlet`.
    #[must_use]
    pub fn spawner_id(&self) -> u32 {
        self.fiber.head.made_by.get()
    }

    /// Names it, for reports and messages. Mirrors gevent's `Greenlet.name`.
    pub fn set_name(&self, name: impl Into<String>) {
        self.any().set_name(name);
    }
}

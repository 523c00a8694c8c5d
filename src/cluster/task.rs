//! One closure that was given to a cluster, from then until its result is taken.
//!
//! ```text
//!   waiting ──begin──▶ running ──▶ ended: returned or panicked ──▶ taken
//!     │                   └──────▶ ended: killed or lost
//!     └──────────────────────────▶ ended: killed or lost
//! ```
//!
//! Each step is one look under one lock, so the closure is run once or dropped unrun, and there is
//! one end: the first. What follows (wakes, destructors) comes after, without the lock.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::member;
use crate::clock::Moment;
use crate::hub::bell::Waitable;
use crate::hub::inbox::HubNumber;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};
use crate::hub::{core, error_hook, threads};
use crate::raw::{Exit, Expired, drop_quietly};

static RESULT: Kinds = Kinds::new("for a greenlet of a cluster");

type Payload = Box<dyn Any + Send>;

pub(super) struct Task<T> {
    line: Line<Stage<T>>,
    /// Unique in the process, and greater than those of earlier ones.
    pub(super) number: u64,
    /// In a forked child nobody runs it.
    forks: u32,
    made_at: &'static Location<'static>,
}

enum Stage<T> {
    Waiting(Box<dyn FnOnce() -> T + Send>),
    Running(HubNumber),
    Ended(End<T>),
}

/// How it has ended.
pub(super) enum End<T> {
    Returned(T),
    Panicked(Payload),
    Killed,
    /// Its hub ended before it.
    Lost,
    /// Someone has what it returned or panicked with.
    Taken,
}

impl<T> Rules for Stage<T> {
    fn is_ready(&self) -> bool {
        matches!(self, Stage::Ended(_))
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.is_ready().then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }
}

waitable_by_its_line!([T] Task<T>);

/// A task, as the hubs see it.
pub(super) trait Work: Send + Sync {
    fn number(&self) -> u64;

    /// Whether it has ended, as one does that is killed before it is started.
    fn is_over(&self) -> bool;

    /// Runs it in the current greenlet, unless it has ended; `leave` is called when the closure has
    /// ended, before anyone is told.
    fn run(&self, leave: &dyn Fn());

    /// Notes that it was killed, unless it has ended otherwise.
    fn note_killed(&self);

    /// Notes that its hub has gone, unless it has ended.
    fn note_lost(&self);

    /// Notes that it could not be started, for this reason.
    fn note_failed(&self, reason: String);
}

impl<T: Send + 'static> Work for Task<T> {
    fn number(&self) -> u64 {
        self.number
    }

    fn is_over(&self) -> bool {
        self.line.is_ready()
    }

    fn run(&self, leave: &dyn Fn()) {
        let hub = core::with(|core| core.number());
        let Some(body) = self.begin(hub) else { return };
        let outcome = panic::catch_unwind(AssertUnwindSafe(body));
        leave();
        self.finish(match outcome {
            Ok(value) => End::Returned(value),
            Err(payload) if payload.is::<Exit>() => End::Killed,
            Err(payload) => End::Panicked(payload),
        });
    }

    fn note_killed(&self) {
        self.finish(End::Killed);
    }

    fn note_lost(&self) {
        self.finish(End::Lost);
    }

    fn note_failed(&self, reason: String) {
        self.finish(End::Panicked(Box::new(reason)));
    }
}

impl<T> Task<T> {
    pub(super) fn new(
        body: impl FnOnce() -> T + Send + 'static,
        made_at: &'static Location<'static>,
    ) -> Arc<Task<T>> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let line = Line::new(Stage::Waiting(Box::new(body)));
        Arc::new(Task { line, number, forks: threads::forks(), made_at })
    }

    /// Notes in a forked child that it is lost there, unless it had ended. What it holds is the parent's.
    pub(super) fn lose_if_elsewhere(&self) {
        if self.forks != threads::forks() {
            let left = self.line.with(|stage, _| match stage {
                Stage::Ended(_) => None,
                _ => Some(mem::replace(stage, Stage::Ended(End::Lost))),
            });
            mem::forget(left);
        }
    }

    /// Takes the closure out, to be run by this hub.
    fn begin(&self, hub: HubNumber) -> Option<Box<dyn FnOnce() -> T + Send>> {
        self.line.with(|stage, _| match mem::replace(stage, Stage::Running(hub)) {
            Stage::Waiting(body) => Some(body),
            other => {
                *stage = other;
                None
            }
        })
    }

    /// Notes the end, if it is the first, and tells those who wait for it.
    fn finish(&self, end: End<T>) {
        let (unused, waiters) = self.line.with(|stage, waiters| {
            let end = Stage::Ended(end);
            match stage {
                Stage::Ended(_) => (end, All::nobody()),
                _ => (mem::replace(stage, end), waiters.take()),
            }
        });
        waiters.wake();
        self.let_go(unused);
    }

    /// Ends it: it never starts, or its hub is asked to kill its greenlet.
    pub(super) fn start_kill(&self) {
        let (unstarted, waiters, running) = self.line.with(|stage, waiters| match stage {
            Stage::Waiting(_) => {
                let unstarted = mem::replace(stage, Stage::Ended(End::Killed));
                (Some(unstarted), waiters.take(), None)
            }
            Stage::Running(hub) => (None, All::nobody(), Some(*hub)),
            Stage::Ended(_) => (None, All::nobody(), None),
        });
        waiters.wake();
        if let Some(unstarted) = unstarted {
            self.let_go(unstarted);
        }
        if let Some(hub) = running {
            member::kill(hub, self.number);
        }
    }

    /// Waits until it has ended.
    pub(super) fn wait(&self, deadline: Moment) -> Result<(), WaitError> {
        self.line.wait(&RESULT, deadline).map(drop)
    }

    /// How it has ended, with what it left, which is there once.
    pub(super) fn take(&self) -> Option<End<T>> {
        self.line.with(|stage, _| {
            let Stage::Ended(end) = stage else { return None };
            Some(match end {
                End::Killed => End::Killed,
                End::Lost => End::Lost,
                _ => mem::replace(end, End::Taken),
            })
        })
    }

    /// Drops what nobody will ask for. A panic is told, also that of a destructor, which must not keep
    /// others from being told of their ends. A kill or an expiry that meets the caller where a destructor waits is
    /// the caller's own.
    fn let_go(&self, stage: Stage<T>) {
        let panicked = match stage {
            Stage::Ended(End::Panicked(payload)) => Err(payload),
            other => panic::catch_unwind(AssertUnwindSafe(|| drop(other))),
        };
        match panicked {
            Ok(()) => {}
            Err(payload) if payload.is::<Exit>() || payload.is::<Expired>() => {
                panic::resume_unwind(payload);
            }
            Err(payload) => self.report(payload),
        }
    }

    fn report(&self, payload: Payload) {
        let unhandled = error_hook::Unhandled {
            origin: "a greenlet of a cluster",
            made_at: Some(self.made_at),
            payload: &*payload,
        };
        if core::try_with(|core| error_hook::report(core, &unhandled)).is_none() {
            error_hook::print(&unhandled);
        }
        drop_quietly(payload);
    }
}

impl<T> Drop for Task<T> {
    /// A panic that nobody took is told.
    fn drop(&mut self) {
        if let Some(End::Panicked(payload)) = self.take() {
            self.report(payload);
        }
    }
}

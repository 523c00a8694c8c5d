//! One task, from when it is given to a pool until its result is taken.
//!
//! ```text
//!   queued ──begin──▶ running ──end──▶ ended: returned or panicked ──▶ taken
//!     └─────────────cancel───────────▶ ended: cancelled
//! ```
//!
//! Each step is one look under one lock, so a task is either run or cancelled. What follows from
//! it (wakes, callbacks, destructors) comes after, without the lock.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use super::future::Future;
use super::room::Ticket;
use super::untold::Origin;
use crate::clock::Moment;
use crate::hub::line::{Line, Rules, waitable_by_its_line};
use crate::hub::turn::{Kinds, WaitError};
use crate::hub::waiters::{All, Granted, Waiters};
use crate::raw::{Exit, Expired};

static RESULT: Kinds = Kinds::new("for a task of a pool");

/// What a panic's origin is called.
const TASK: &str = "a task of a pool";

pub(super) struct Task<T> {
    line: Line<Progress<T>>,
    origin: Origin,
}

struct Progress<T> {
    /// While it is queued.
    work: Option<Work<T>>,
    end: Option<End>,
    /// Until it is taken.
    outcome: Option<thread::Result<T>>,
    callbacks: Vec<Callback<T>>,
}

/// What is to be done, and its place in the pool's count.
struct Work<T> {
    body: Box<dyn FnOnce() -> T + Send>,
    ticket: Ticket,
}

pub(super) type Callback<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// How a task has ended.
#[derive(Clone)]
pub(super) enum End {
    Returned,
    /// With this message.
    Panicked(Arc<str>),
    Cancelled,
}

impl<T> Rules for Progress<T> {
    fn is_ready(&self) -> bool {
        self.end.is_some()
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        self.is_ready().then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        None
    }
}

impl<T> Progress<T> {
    /// Notes the end; the answer are those who are to hear of it.
    fn finish(&mut self, end: End, waiters: &mut Waiters) -> Heirs<T> {
        self.end = Some(end);
        Heirs { waiters: waiters.take(), callbacks: mem::take(&mut self.callbacks) }
    }
}

/// Those who are to hear of a task's end.
struct Heirs<T> {
    waiters: All,
    callbacks: Vec<Callback<T>>,
}

waitable_by_its_line!([T] Task<T>);

impl<T> Task<T> {
    /// Waits until it has ended.
    pub(super) fn wait(&self, deadline: Moment) -> Result<(), WaitError> {
        self.line.wait(&RESULT, deadline).map(drop)
    }

    pub(super) fn end(&self) -> Option<End> {
        self.line.with(|progress, _| progress.end.clone())
    }

    pub(super) fn is_running(&self) -> bool {
        self.line.with(|progress, _| progress.work.is_none() && progress.end.is_none())
    }

    /// The result, if it is there.
    pub(super) fn take(&self) -> Option<thread::Result<T>> {
        self.line.with(|progress, _| progress.outcome.take())
    }
}

impl<T: Send + 'static> Task<T> {
    pub(super) fn new(
        body: impl FnOnce() -> T + Send + 'static,
        ticket: Ticket,
        origin: Origin,
    ) -> Arc<Task<T>> {
        let work = Work { body: Box::new(body), ticket };
        let progress =
            Progress { work: Some(work), end: None, outcome: None, callbacks: Vec::new() };
        Arc::new(Task { line: Line::new(progress), origin })
    }

    /// Runs it, unless it is cancelled. Does not unwind.
    fn run(self: Arc<Self>) {
        let Some(work) = self.line.with(|progress, _| progress.work.take()) else { return };
        let outcome = panic::catch_unwind(AssertUnwindSafe(work.body));
        let end = match &outcome {
            Ok(_) => End::Returned,
            Err(payload) => End::Panicked(message(&**payload)),
        };
        let heirs = self.line.with(|progress, waiters| {
            progress.outcome = Some(outcome);
            progress.finish(end, waiters)
        });
        self.tell(heirs);
        let origin = self.origin;
        // Without a handle elsewhere the result ends here.
        origin.guard("the result of a task of a pool", || drop(self));
        drop(work.ticket);
    }

    /// Cancels it, if it is still queued; returns whether it is cancelled.
    pub(super) fn cancel(self: &Arc<Self>) -> bool {
        let cancelled = self.line.with(|progress, waiters| {
            let work = progress.work.take()?;
            Some((work, progress.finish(End::Cancelled, waiters)))
        });
        let Some((work, heirs)) = cancelled else {
            return matches!(self.end(), Some(End::Cancelled));
        };
        self.tell(heirs);
        match panic::catch_unwind(AssertUnwindSafe(|| drop(work.body))) {
            Ok(()) => {}
            // The caller's own, which has met it where a destructor waits.
            Err(payload) if payload.is::<Exit>() || payload.is::<Expired>() => {
                panic::resume_unwind(payload);
            }
            Err(payload) => self.origin.report("a cancelled task of a pool", payload),
        }
        true
    }

    fn tell(self: &Arc<Self>, heirs: Heirs<T>) {
        heirs.waiters.wake();
        for callback in heirs.callbacks {
            self.call(callback);
        }
    }

    /// Has `callback` called when it has ended: now, if it has.
    pub(super) fn add_callback(self: &Arc<Self>, callback: Callback<T>) {
        let at_once = self.line.with(|progress, _| {
            if progress.end.is_some() {
                return Some(callback);
            }
            progress.callbacks.push(callback);
            None
        });
        if let Some(callback) = at_once {
            self.call(callback);
        }
    }

    fn call(self: &Arc<Self>, callback: Callback<T>) {
        let future = Future::of(Arc::clone(self));
        self.origin.guard("a callback of a task of a pool", || callback(&future));
    }
}

impl<T> Drop for Task<T> {
    /// A panic that nobody took is told.
    fn drop(&mut self) {
        if let Some(Err(payload)) = self.take() {
            self.origin.report(TASK, payload);
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> Arc<str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(not a text)").into()
}

/// A task in a pool's queue: it is run, or cancelled when it is dropped.
pub(super) struct Queued<T: Send + 'static>(Option<Arc<Task<T>>>);

impl<T: Send + 'static> Queued<T> {
    pub(super) fn new(task: Arc<Task<T>>) -> Queued<T> {
        Queued(Some(task))
    }

    pub(super) fn run(mut self) {
        if let Some(task) = self.0.take() {
            task.run();
        }
    }
}

impl<T: Send + 'static> Drop for Queued<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.cancel();
        }
    }
}

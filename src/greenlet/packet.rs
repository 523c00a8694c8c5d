//! What a greenlet keeps beside its stack: its result, and who waits for it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use crate::hub::core::TimerKey;
use crate::hub::error_hook::Unhandled;
use crate::hub::wait_queue::WaitQueue;
use crate::hub::{core, error_hook, report};
use crate::raw::fiber::{Data, Fiber, Head};
use crate::raw::{Exit, drop_quietly, raise_if_interrupted};

pub(super) struct Packet<T> {
    outcome: Cell<Option<std::thread::Result<T>>>,
    pub(super) ended: Ended,
}

/// Whether a greenlet has ended, and who waits for that.
#[derive(Default)]
pub(super) struct Ended {
    over: Cell<bool>,
    pub(super) joiners: RefCell<WaitQueue>,
    /// Starts the greenlet, if that is put off.
    pub(super) start: Cell<Option<TimerKey>>,
}

pub(super) enum TakenOutcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Nothing,
}

impl Ended {
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }
}

impl<T: 'static> Data for Packet<T> {
    fn known(&self) -> &dyn Any {
        &self.ended
    }

    fn forgotten(&self, head: &Head) {
        self.report_if_unread(head);
    }
}

impl<T> Packet<T> {
    pub(super) fn new() -> Self {
        Packet { outcome: Cell::new(None), ended: Ended::default() }
    }

    pub(super) fn take_outcome(&self) -> TakenOutcome<T> {
        match self.outcome.take() {
            Some(Ok(value)) => TakenOutcome::Returned(value),
            Some(Err(payload)) => TakenOutcome::Panicked(payload),
            None => TakenOutcome::Nothing,
        }
    }

    /// Tells the error hook of a panic that no one has asked for, and no one can any more.
    pub(super) fn report_if_unread(&self, head: &Head) {
        match self.outcome.take() {
            Some(Err(payload)) => report_unhandled(head, payload),
            other => self.outcome.set(other),
        }
    }
}

/// What runs on a spawned greenlet's stack. Nothing unwinds out of it.
#[inline]
pub(super) fn run_body<T: 'static>(own: Rc<Fiber<Packet<T>>>, body: impl FnOnce() -> T) {
    // The body is moved in, so that a greenlet that is killed before its first turn drops what
    // it captured here as well.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        raise_if_interrupted(&own.head);
        body()
    }));
    own.data.outcome.set(Some(outcome));
    own.data.ended.over.set(true);
    own.data.ended.joiners.borrow_mut().wake_all();
    // This one, and the loop's: nobody has a handle, so nobody will ask.
    if Rc::strong_count(&own) == 2 {
        own.drop_unasked();
    }
}

impl<T: 'static> Fiber<Packet<T>> {
    /// Drops a result that no one can join, on the greenlet's own stack.
    #[cold]
    fn drop_unasked(&self) {
        let dropped = panic::catch_unwind(AssertUnwindSafe(|| match self.data.take_outcome() {
            TakenOutcome::Returned(value) => drop(value),
            TakenOutcome::Panicked(payload) => report_unhandled(&self.head, payload),
            TakenOutcome::Nothing => (),
        }));
        if let Err(payload) = dropped {
            report_unhandled(&self.head, payload);
        }
    }
}

fn report_unhandled(head: &Head, payload: Box<dyn Any + Send>) {
    if payload.is::<Exit>() {
        return;
    }
    let origin = report::name(head);
    let unhandled = Unhandled { origin: &origin, made_at: Some(head.made_at), payload: &*payload };
    core::try_with(|core| error_hook::report(core, &unhandled));
    drop_quietly(payload);
}

//! What a greenlet keeps beside its stack: its result, and who waits for it.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use super::links::{self, Links};
use crate::hub::core::TimerKey;
use crate::hub::error_hook::Unhandled;
use crate::hub::wait_queue::WaitQueue;
use crate::hub::{core, error_hook, report};
use crate::raw::extra::Extra;
use crate::raw::fiber::{Data, Fiber, FiberRef, Head};
use crate::raw::{Exit, drop_quietly, raise_if_interrupted, thread};

pub(super) struct Packet<T> {
    outcome: Cell<Option<std::thread::Result<T>>>,
    pub(super) ended: Ended,
}

/// Whether and how a greenlet has ended, and who waits for that.
#[derive(Default)]
pub(super) struct Ended {
    end: Cell<End>,
    pub(super) joiners: RefCell<WaitQueue>,
    pub(super) start: Cell<Start>,
    /// Only where there has been a link.
    pub(super) links: OnceCell<Box<Links>>,
}

/// How far the start of a greenlet has come.
#[derive(Default)]
pub(super) enum Start {
    /// It is ready, or has run.
    #[default]
    Asked,
    /// This timer starts it.
    Later(TimerKey),
    /// It was only made.
    NotAsked,
}

/// How a greenlet has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Returned,
    Killed,
    Panicked,
}

/// The end of a greenlet in one word: zero until it has ended, then its place among all ends of
/// its thread, whether someone has seen its panic, and how it ended.
#[derive(Clone, Copy, Default)]
struct End(u64);

const HOW: u64 = 0b011;
const SEEN: u64 = 0b100;

thread_local! {
    /// How many greenlets of this thread have ended.
    static ENDS: Cell<u64> = const { Cell::new(0) };
}

impl End {
    #[inline]
    fn next(how: How) -> End {
        let how = match how {
            How::Returned => 1,
            How::Killed => 2,
            How::Panicked => 3,
        };
        let place = ENDS.get() + 1;
        ENDS.set(place);
        End(place << 3 | how)
    }
}

pub(super) enum TakenOutcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Nothing,
}

impl Ended {
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.end.get().0 != 0
    }

    /// Whether it has been started, or at least a timer set that starts it.
    pub(super) fn is_start_asked(&self) -> bool {
        let start = self.start.take();
        let asked = !matches!(start, Start::NotAsked);
        self.start.set(start);
        asked
    }

    /// How it has ended, if it has.
    pub(super) fn how(&self) -> Option<How> {
        match self.end.get().0 & HOW {
            1 => Some(How::Returned),
            2 => Some(How::Killed),
            3 => Some(How::Panicked),
            _ => None,
        }
    }

    /// Its place among the ends of its thread; zero until then.
    pub(super) fn place(&self) -> u64 {
        self.end.get().0 >> 3
    }

    /// Notes that someone has seen its panic, so that it is not reported as unseen.
    pub(super) fn see(&self) {
        self.end.set(End(self.end.get().0 | SEEN));
    }

    fn is_seen(&self) -> bool {
        self.end.get().0 & SEEN != 0
    }
}

impl<T: 'static> Data for Packet<T> {
    fn known(&self) -> &dyn Any {
        &self.ended
    }

    fn forgotten(&self, head: &Head) {
        self.report_if_unread(head);
    }

    fn with_error(&self, see: &mut dyn FnMut(&(dyn Any + Send))) {
        self.with_outcome(|outcome| {
            if let Err(payload) = outcome
                && !payload.is::<Exit>()
            {
                self.ended.see();
                see(&**payload);
            }
        });
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

    /// Shows the outcome, which is away meanwhile, if it is there.
    pub(super) fn with_outcome<R>(
        &self,
        see: impl FnOnce(&std::thread::Result<T>) -> R,
    ) -> Option<R> {
        struct PutBack<'a, T>(&'a Packet<T>, Option<std::thread::Result<T>>);
        impl<T> Drop for PutBack<'_, T> {
            fn drop(&mut self) {
                self.0.outcome.set(self.1.take());
            }
        }
        let away = PutBack(self, self.outcome.take());
        away.1.as_ref().map(see)
    }

    /// Whether there is a panic that no one has seen.
    pub(super) fn is_unread_panic(&self) -> bool {
        let is_panic = self
            .with_outcome(|outcome| outcome.as_ref().is_err_and(|payload| !payload.is::<Exit>()));
        is_panic == Some(true) && !self.ended.is_seen()
    }

    /// Tells the error hook of a panic that no one has asked for, and no one can any more.
    pub(super) fn report_if_unread(&self, head: &Head) {
        match self.outcome.take() {
            Some(Err(payload)) if !self.ended.is_seen() => report_unhandled(head, payload),
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
    if let Some(extra) = own.head.extra() {
        count_ignored(extra, outcome.is_ok());
        end_extra(&own.head, extra);
    }
    own.finish(outcome);
    // This one, and the loop's: nobody has a handle, so nobody will ask.
    if Rc::strong_count(&own) == 2 {
        own.drop_unasked();
    }
}

impl<T: 'static> Fiber<Packet<T>> {
    /// Notes how it has ended, and tells those who wait for that.
    #[inline(always)]
    pub(super) fn finish(self: &Rc<Self>, outcome: std::thread::Result<T>) {
        let how = match &outcome {
            Ok(_) => How::Returned,
            Err(payload) if payload.is::<Exit>() => How::Killed,
            Err(_) => How::Panicked,
        };
        let ended = &self.data.ended;
        self.data.outcome.set(Some(outcome));
        ended.end.set(End::next(how));
        ended.joiners.borrow_mut().wake_all();
        if ended.links.get().is_some() {
            self.notify_links();
        }
    }

    #[cold]
    #[inline(never)]
    fn notify_links(self: &Rc<Self>) {
        if let Some(links) = self.data.ended.links.get() {
            links::notify(&FiberRef::from(Rc::clone(self)), links);
        }
    }

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

/// Drops the values that belong to a greenlet, while it still counts as running.
#[cold]
#[inline(never)]
pub(super) fn end_extra(head: &Head, extra: &Extra) {
    // A payload that came too late to be raised.
    drop(extra.kill_payload.take());
    while let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| extra.clear_locals())) {
        report_unhandled(head, payload);
    }
}

/// Counts the kills that a greenlet has outlived. One that panics may do so by the last of them.
#[cold]
#[inline(never)]
fn count_ignored(extra: &Extra, has_returned: bool) {
    let raised = u64::from(extra.kills.get());
    let ignored = if has_returned { raised } else { raised.saturating_sub(1) };
    thread::with(|thread| thread.ignored_kills.set(thread.ignored_kills.get() + ignored));
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

//! Something that is done once, by the first who asks, while the others wait.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Moment;
use crate::guarded::{self, Guarded};
use crate::hub::blocking::{self, Look};
use crate::hub::turn::{self, Entered, Gate, Kinds};
use crate::hub::waiter::{self, Begin, Waker, Woken};
use crate::hub::waiters::{Waiters, Who};
use crate::raw::thread;

static ONCE: Kinds = Kinds::new("for what is done once");

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// Someone does it.
    Running(Runner),
    /// Who did it unwound.
    Poisoned,
    Done,
}

/// A greenlet, as long as it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Runner {
    thread: usize,
    greenlet: u32,
}

impl Runner {
    fn current() -> Runner {
        let greenlet = thread::try_current_head(|head| head.id.get()).unwrap_or_default();
        Runner { thread: guarded::this_thread(), greenlet }
    }
}

/// Who did it before unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poisoned;

/// What one finds who would do it.
enum Claim {
    Mine { was_poisoned: bool },
    Done,
    Poisoned,
    Running,
}

/// What one waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    NotRunning,
    DoneOrPoisoned,
    Done,
}

impl Until {
    fn is_reached(self, stage: Stage) -> bool {
        match stage {
            Stage::Done => true,
            Stage::Poisoned => self != Until::Done,
            Stage::New => self == Until::NotRunning,
            Stage::Running(_) => false,
        }
    }
}

pub(crate) struct Once {
    /// So that those who come later need no lock.
    is_done: AtomicBool,
    inner: Guarded<(Stage, Waiters)>,
}

// What unwinding leaves is told by the stage.
impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

impl Once {
    pub(crate) const fn new() -> Once {
        Once { is_done: AtomicBool::new(false), inner: Guarded::new((Stage::New, Waiters::new())) }
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    fn stage(&self) -> Stage {
        self.inner.with(|(stage, _)| *stage)
    }

    /// Calls `f`, with whether it is poisoned, unless someone has; waits while someone does.
    ///
    /// # Errors
    ///
    /// If it is poisoned and not to be done all the same, by `force`.
    ///
    /// # Panics
    ///
    /// If the caller is doing it already; if it has to wait in a callback of the hub; or if it unwinds
    /// and a greenlet of its thread is doing it.
    #[inline]
    pub(crate) fn call(&self, force: bool, f: impl FnOnce(bool)) -> Result<(), Poisoned> {
        if self.is_done() { Ok(()) } else { self.call_if_first(force, f) }
    }

    #[cold]
    fn call_if_first(&self, force: bool, f: impl FnOnce(bool)) -> Result<(), Poisoned> {
        loop {
            match self.claim(force) {
                Claim::Mine { was_poisoned } => {
                    let mut run = Run { once: self, end: Stage::Poisoned };
                    f(was_poisoned);
                    run.end = Stage::Done;
                    return Ok(());
                }
                Claim::Done => return Ok(()),
                Claim::Poisoned => return Err(Poisoned),
                Claim::Running => self.wait_until(Until::NotRunning),
            }
        }
    }

    fn claim(&self, force: bool) -> Claim {
        let me = Runner::current();
        let claim = self.inner.with(|(stage, _)| match *stage {
            Stage::Done => Some(Claim::Done),
            Stage::Poisoned if !force => Some(Claim::Poisoned),
            Stage::Running(runner) => (runner != me).then_some(Claim::Running),
            Stage::New | Stage::Poisoned => {
                let was_poisoned = *stage == Stage::Poisoned;
                *stage = Stage::Running(me);
                Some(Claim::Mine { was_poisoned })
            }
        });
        claim.expect("one-time initialization may not be performed recursively")
    }

    /// Waits until it is done.
    ///
    /// # Errors
    ///
    /// If it is poisoned, unless `force` says to wait for one who does it all the same.
    ///
    /// # Panics
    ///
    /// As [`call`](Self::call).
    pub(crate) fn wait(&self, force: bool) -> Result<(), Poisoned> {
        self.wait_until(if force { Until::Done } else { Until::DoneOrPoisoned });
        if self.is_done() { Ok(()) } else { Err(Poisoned) }
    }

    fn wait_until(&self, until: Until) {
        while !until.is_reached(self.stage()) {
            if !waiter::can_wait() {
                return blocking::wait("for what is done once", || self.look(until));
            }
            // Who is woken looks again; and an error means that it cannot wait.
            let _ = turn::wait_at(&Change { once: self, until }, &ONCE, Moment::NEVER, || ());
        }
    }

    fn look(&self, until: Until) -> Look {
        match self.stage() {
            stage if until.is_reached(stage) => Look::Had,
            Stage::Running(runner) if runner.thread == guarded::this_thread() => Look::Here,
            _ => Look::Elsewhere,
        }
    }
}

/// Is being done; ends also by unwinding.
struct Run<'a> {
    once: &'a Once,
    end: Stage,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let all = self.once.inner.with(|(stage, waiters)| {
            *stage = self.end;
            self.once.is_done.store(self.end == Stage::Done, Ordering::Release);
            waiters.take()
        });
        all.wake();
    }
}

/// Where one waits for the stage to change.
struct Change<'a> {
    once: &'a Once,
    until: Until,
}

impl Gate for Change<'_> {
    type Gain = ();

    fn enter(&self, begin: Begin) -> Entered {
        self.once.inner.with(|(stage, waiters)| {
            if self.until.is_reached(*stage) {
                return Entered::Had(());
            }
            let Some(waker) = begin.waker() else { return Entered::Refused };
            Entered::Waits { waker, among_many: waiters.join(waker, ()) }
        })
    }

    fn settle(&self, waker: Waker, woken: Woken) -> Option<()> {
        (woken == Woken::ByWaker || !self.leave(waker)).then_some(())
    }

    fn leave(&self, waker: Waker) -> bool {
        self.once.inner.with(|(_, waiters)| waiters.remove(&Who::Waits(waker)).is_some())
    }

    /// What has been done is for all.
    fn give_back(&self) {}
}

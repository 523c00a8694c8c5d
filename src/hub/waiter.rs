//! How one greenlet waits: it parks, and a wake that belongs to this wait ends it.
//!
//! ```text
//!   park: number this wait ─▶ announce the waker ─▶ suspend ─▶ …woken ─▶ the number is void
//!   wake: same number? ─▶ make it void, and the greenlet ready
//! ```
//!
//! Each wait has a number that no other wait of its hub ever had. A [`Waker`] carries the
//! number, so of all wakers that were given out for a wait, the first to wake ends it and
//! the others do nothing; and one that is kept for longer cannot disturb a later wait.
//!
//! A wait ends in one of four ways: it is woken, its deadline passes, its greenlet is killed or
//! a block around it expires (then it unwinds from here), or it is refused, because the
//! greenlet is unwinding already and must not let its neighbours see that.

use std::num::NonZeroU64;
use std::ptr;

use super::core::{self, Core};
use super::inbox::{HubNumber, Message};
use super::{inboxes, traceback};
use crate::clock::Moment;
use crate::raw::fiber::{Command, FiberRef, Head, WaitKind, WaitingFor};
use crate::raw::holder::Holder;
use crate::raw::{raise_if_interrupted, thread};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    ByWaker,
    ByDeadline,
}

/// The greenlet is unwinding, so it cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwinding;

/// Ends one wait of one greenlet, from any thread. Copies are the same waker.
///
/// It is two words, so that it goes from hand to hand in registers: one of three pieces would be written
/// piece by piece and read as a whole, which processors are slow at.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Waker {
    /// The number of its hub, and in the lower half the greenlet's id.
    whose: NonZeroU64,
    wait: u64,
}

impl Waker {
    #[inline(always)]
    fn new(hub: HubNumber, id: u32, wait: u64) -> Waker {
        let whose = u64::from(hub.get()) << 32 | u64::from(id);
        Waker { whose: NonZeroU64::new(whose).expect("no hub is number zero"), wait }
    }

    /// The hub of the greenlet that waits.
    #[inline(always)]
    pub(crate) fn hub(self) -> HubNumber {
        HubNumber::new((self.whose.get() >> 32) as u32).expect("no hub is number zero")
    }

    #[inline(always)]
    fn is_of(self, core: &Core) -> bool {
        core.number().get() == (self.whose.get() >> 32) as u32
    }

    #[inline(always)]
    fn id(self) -> u32 {
        self.whose.get() as u32
    }

    /// Whom it wakes.
    #[inline(always)]
    pub(crate) fn holder(self) -> Holder {
        Holder::numbered(self.whose.get())
    }

    /// Whether it is one of the hub of this thread, and so of one that lives.
    #[inline]
    pub(crate) fn is_of_this_hub(self) -> bool {
        core::try_with(|core| self.is_of(core) && self.wait >= core.term()) == Some(true)
    }

    /// Whether the hub has ended, so that nobody will ever hear of the wake.
    #[inline]
    pub(crate) fn is_orphaned(self) -> bool {
        let here = core::try_with(|core| (self.is_of(core)).then(|| self.wait < core.term()));
        here.flatten().unwrap_or_else(|| inboxes::of(self.hub()).is_past(self.wait))
    }

    /// Ends the wait; `false` if it is known to have ended already.
    #[inline]
    pub(crate) fn wake(self) -> bool {
        let local = core::try_with(|core| {
            (self.is_of(core)).then(|| core.wake(self.id(), self.wait, Woken::ByWaker))
        });
        match local.flatten() {
            Some(woken) => woken,
            None => inboxes::of(self.hub()).put(Message::Wake { id: self.id(), wait: self.wait }),
        }
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waker").field("id", &self.id()).field("wait", &self.wait).finish()
    }
}

/// Parks the current greenlet until it is woken or `deadline` has passed.
///
/// `announce` is called before it parks, with the waker that ends this wait.
///
/// # Errors
///
/// [`Unwinding`], before anything is announced.
#[inline(always)]
pub(crate) fn park(
    kind: &'static WaitKind,
    subject: u64,
    deadline: Moment,
    announce: impl FnOnce(Waker),
) -> Result<Woken, Unwinding> {
    if std::thread::panicking() {
        return Err(Unwinding);
    }
    Ok(core::with(|core| {
        thread::current_head(|head| {
            refuse_callback(head);
            raise_if_interrupted(head);
            let wait = core.begin_wait(head, WaitingFor::new(kind, subject));
            let ended = Ended { core, head, kind };
            announce(Waker::new(core.number(), head.id.get(), wait));
            suspend_until(core, head, deadline);
            drop(ended);
            let timed_out = head.timed_out.replace(false);
            raise_if_interrupted(head);
            if timed_out { Woken::ByDeadline } else { Woken::ByWaker }
        })
    }))
}

/// Begins the wait that [`park_unless`] is about to park for.
#[derive(Clone, Copy)]
pub(crate) struct Begin {
    kind: &'static WaitKind,
}

impl Begin {
    /// The waker that ends it; `None` if the greenlet cannot wait now. Nothing may panic between this
    /// and the end of `enter`.
    #[inline(always)]
    pub(crate) fn waker(self) -> Option<Waker> {
        if std::thread::panicking() {
            return None;
        }
        // Not made here, under a lock: that takes long, and may fail.
        core::try_with(|core| {
            thread::current_head(|head| {
                if head.interrupted.get() || thread::is_called_by_loop(head) {
                    return None;
                }
                let wait = core.begin_wait(head, WaitingFor::new(self.kind, 0));
                Some(Waker::new(core.number(), head.id.get(), wait))
            })
        })
        .flatten()
    }
}

/// What came of a look at what may have to be waited for.
pub(crate) enum Looked<H, P> {
    Had(H),
    /// The wait has begun.
    Waits(P),
    /// It has to be waited for, and no wait could begin.
    Refused,
}

/// As [`park`], for what may not have to be waited for: `enter` looks, and begins the wait if it has
/// to be, all under one lock of what is waited for. What it returns then is dropped if the greenlet
/// is unwound from here, and comes back with how the wait ended if not. `entered` is called before
/// the greenlet parks, and tells what the wait is called.
///
/// # Errors
///
/// [`Unwinding`], if it would have to wait.
#[inline(always)]
pub(crate) fn park_unless<H, P>(
    kind: &'static WaitKind,
    deadline: Moment,
    enter: impl Fn(Begin) -> Looked<H, P>,
    entered: impl FnOnce(&P) -> &'static WaitKind,
) -> Result<Result<H, (P, Woken)>, Unwinding> {
    let place = loop {
        match enter(Begin { kind }) {
            Looked::Had(had) => return Ok(Ok(had)),
            Looked::Waits(place) => break place,
            Looked::Refused => refuse()?,
        }
    };
    core::with(|core| {
        thread::current_head(|head| {
            let mut ended = Ended { core, head, kind };
            let renamed = entered(&place);
            if !ptr::eq(renamed, kind) {
                rename(core, head, kind, renamed);
                ended.kind = renamed;
            }
            suspend_until(core, head, deadline);
            drop(ended);
            let timed_out = head.timed_out.replace(false);
            raise_if_interrupted(head);
            Ok(Err((place, if timed_out { Woken::ByDeadline } else { Woken::ByWaker })))
        })
    })
}

/// Does with one who cannot wait what is to be done; if it returns well, that was no obstacle.
#[cold]
#[inline(never)]
fn refuse() -> Result<(), Unwinding> {
    if std::thread::panicking() {
        return Err(Unwinding);
    }
    core::with(|_| ());
    thread::current_head(|head| {
        refuse_callback(head);
        raise_if_interrupted(head);
    });
    Ok(())
}

/// As [`park`] without a deadline, but a kill or an expiry waits until the wait has ended, and is
/// then left to the greenlet's next one. For a greenlet whose frame someone else is using.
pub(crate) fn park_shielded(
    kind: &'static WaitKind,
    subject: u64,
    announce: impl FnOnce(Waker),
) -> Result<(), Unwinding> {
    if std::thread::panicking() {
        return Err(Unwinding);
    }
    core::with(|core| {
        thread::current_head(|head| {
            refuse_callback(head);
            let wait = core.begin_wait(head, WaitingFor::new(kind, subject));
            let _ended = Ended { core, head, kind };
            head.shielded.set(true);
            announce(Waker::new(core.number(), head.id.get(), wait));
            suspend(core, head);
        });
    });
    Ok(())
}

/// Calls a wait that has begun by another name.
#[cold]
fn rename(core: &Core, head: &Head, from: &'static WaitKind, to: &'static WaitKind) {
    core.end_wait(from);
    core.count_wait(to);
    head.waiting_for.set(head.waiting_for.get().called(to));
}

/// Whether the current greenlet could wait now: it does not unwind, and there is a hub.
///
/// # Panics
///
/// In a callback of the loop, as every wait does.
pub(crate) fn can_wait() -> bool {
    if std::thread::panicking() || !core::is_available() {
        return false;
    }
    thread::current_head(refuse_callback);
    true
}

/// Before anything is changed: a callback runs as main, which may itself be in a wait.
#[inline(always)]
fn refuse_callback(head: &Head) {
    assert!(
        !thread::is_called_by_loop(head),
        "a callback in the hub's loop cannot wait: spawn a greenlet for what does"
    );
}

#[inline(always)]
fn suspend_until(core: &Core, head: &Head, deadline: Moment) {
    let wait = head.wait.get();
    // It was woken already: a timer without a number would find it between its waits.
    if deadline == Moment::NEVER || wait == 0 {
        return suspend(core, head);
    }
    let timer = core.set_timer(deadline, head.id.get(), wait);
    suspend(core, head);
    core.cancel_timer(timer);
}

#[inline(always)]
fn suspend(core: &Core, head: &Head) {
    head.parked.set(true);
    head.suspend(Command::Park);
    head.parked.set(false);
    // One branch for the two: this is as often as anything is.
    if head.errand.get() {
        traceback::run_errand(core, head);
    }
}

/// Makes a wait void when it is over, also by a panic of `announce`.
struct Ended<'a> {
    core: &'a Core,
    head: &'a Head,
    kind: &'static WaitKind,
}

impl Drop for Ended<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.core.end_wait(self.kind);
        self.head.shielded.set(false);
        self.head.wait.set(0);
        self.head.waiting_for.set(WaitingFor::NOTHING);
    }
}

/// Has a fiber that was interrupted see that soon, where it waits; returns whether it waited
/// in the hub. One that is ready sees it when it runs, and one in a shielded wait after that.
pub(crate) fn cut_short(fiber: &FiberRef) -> bool {
    let head = &fiber.head;
    if !head.mailbox.get().is_null() && !head.is_unstarted() {
        // It is in a raw switch, whose partner may take long: it does not wait for that.
        head.mailbox.set(std::ptr::null());
        core::with(|core| core.make_ready(fiber.clone()));
        return false;
    }
    let waits = head.wait.get() != 0 && !head.shielded.get();
    if waits {
        // Not as its waker would: should the block's limit be lifted before it runs, it goes on, and
        // has not got what it waited for.
        core::with(|core| core.wake(head.id.get(), head.wait.get(), Woken::ByDeadline));
    }
    waits
}

/// Lets every other ready greenlet run before this one goes on.
#[inline(always)]
pub(crate) fn yield_now() {
    if std::thread::panicking() {
        return;
    }
    thread::current_head(|head| {
        if head.is_main() {
            // The hub may not exist yet, and main does not yield to itself.
            core::with(|_| ());
            refuse_callback(head);
        }
        head.operations.set(0);
        head.suspend(Command::Yield);
        raise_if_interrupted(head);
    });
}

//! What a fiber waits for, so that others can be told.
//!
//! | asked by | what is told |
//! | --- | --- |
//! | its own thread, for reports | the kind, the number of what is waited for, and who holds that |
//! | a monitor's thread | the kind and the number |
//!
//! # Why this file is unsafe
//!
//! The kind is a pointer that other threads read. And who holds what is waited for is asked through a
//! pointer to the frame of the one that waits.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::fiber::Head;
use super::holder::{Held, Holding};
use crate::pulse::WaitsFor;

/// What a parked fiber waits for, so that a report can name it.
#[derive(Debug)]
pub(crate) struct WaitKind {
    /// Completes "waits …", and is followed by the subject's number where `numbered`.
    pub(crate) text: &'static str,
    pub(crate) numbered: bool,
    pub(crate) reach: Reach,
}

/// From where the wake of a wait can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only from a greenlet or a timer of the same hub.
    Inside,
    /// From any thread of the program that uses what is waited for, if there is another.
    Shared,
    /// From the kernel, or from a thread that is known to exist.
    Outside,
}

/// The wait kind of a fiber that does not wait.
pub(crate) static NOTHING: WaitKind =
    WaitKind { text: "for its turn", numbered: false, reach: Reach::Inside };

/// A wait kind, and what is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingFor {
    pub(crate) kind: &'static WaitKind,
    /// A number, as a greenlet's id or a descriptor, or zero; or a place, with [`IS_PLACE`].
    subject: u64,
}

/// Beside the address of a [`Place`].
const IS_PLACE: u64 = 1 << 63;

/// Before what one stands that is held, maybe.
pub(crate) struct Place<'a>(pub(crate) &'a dyn Held);

impl WaitingFor {
    pub(crate) const NOTHING: WaitingFor = WaitingFor { kind: &NOTHING, subject: 0 };

    #[inline(always)]
    pub(crate) fn new(kind: &'static WaitKind, number: u64) -> WaitingFor {
        WaitingFor { kind, subject: number & !IS_PLACE }
    }

    pub(crate) fn called(self, kind: &'static WaitKind) -> WaitingFor {
        WaitingFor { kind, ..self }
    }

    /// The number of what is waited for, if that is told.
    pub(crate) fn number(self) -> Option<u64> {
        self.kind.numbered.then_some(self.subject)
    }

    /// The number of the greenlet that it is, if it is one.
    pub(crate) fn greenlet(self) -> Option<u32> {
        // What else has a number is a descriptor, for which the kernel is waited.
        let number = self.number().filter(|_| self.kind.reach == Reach::Inside);
        number.and_then(|number| u32::try_from(number).ok())
    }
}

/// What a fiber waits for, as its own thread notes it, as cheaply as if nobody else looked.
pub(crate) struct Reason {
    kind: AtomicPtr<WaitKind>,
    subject: AtomicU64,
    own_thread: PhantomData<Cell<()>>,
}

impl Reason {
    pub(crate) fn nothing() -> Reason {
        Reason {
            kind: AtomicPtr::new(ptr::from_ref(&NOTHING).cast_mut()),
            subject: AtomicU64::new(0),
            own_thread: PhantomData,
        }
    }

    /// Another thread may be told a kind and the number of another wait, if it asks in the moment in
    /// which a wait begins or ends.
    #[inline(always)]
    pub(crate) fn get(&self) -> WaitingFor {
        let kind = self.kind.load(Ordering::Relaxed).cast_const();
        // SAFETY: it is what `nothing` or `set` has written there: a reference that is good for ever.
        let kind = unsafe { &*kind };
        WaitingFor { kind, subject: self.subject.load(Ordering::Relaxed) }
    }

    /// Has the fiber stand before `place`, in the place of a number.
    ///
    /// # Safety
    ///
    /// It is the current fiber. Before the place is not borrowed any more it is told that the fiber waits
    /// for something else, also by a panic.
    #[inline(always)]
    pub(crate) unsafe fn stand_at(&self, place: &Place<'_>) {
        let address = ptr::from_ref(place).cast::<()>().expose_provenance();
        self.subject.store(address as u64 | IS_PLACE, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn set(&self, waiting_for: WaitingFor) {
        self.kind.store(ptr::from_ref(waiting_for.kind).cast_mut(), Ordering::Relaxed);
        self.subject.store(waiting_for.subject, Ordering::Relaxed);
    }
}

/// How that is held which a fiber of this thread waits for.
pub(crate) fn holding(head: &Head) -> Holding {
    let subject = head.waiting_for.get().subject;
    // One that was woken waits for it no more, though it has to leave yet.
    if subject & IS_PLACE == 0 || head.wait.get() == 0 {
        return Holding::Unknown;
    }
    let place = ptr::with_exposed_provenance::<Place<'_>>((subject & !IS_PLACE) as usize);
    // SAFETY: whoever called `stand_at` has promised that this is in a head only while the place is
    // borrowed, by a frame of its fiber; and that fiber runs on this thread, so not meanwhile. The
    // frames of a fiber that is never run again stay as they are.
    unsafe { &*place }.0.holding()
}

/// For a monitor: what the fiber with this head waits for, if it waits in the hub.
///
/// # Safety
///
/// It is a [`Head`], and stays one while this runs. Any thread may call this.
pub(crate) unsafe fn waits_for(head: NonNull<()>) -> Option<WaitsFor> {
    let head = head.cast::<Head>().as_ptr();
    // SAFETY: it is there, as the caller has promised. Only these two are looked at, and they are
    // atomic; its own thread changes them as that.
    let (wait, reason) = unsafe { (&(*head).wait, &(*head).waiting_for) };
    if wait.load() == 0 {
        return None;
    }
    let waiting = reason.get();
    let (number, listed) = (waiting.number(), waiting.greenlet());
    Some(WaitsFor { text: waiting.kind.text, number, listed })
}

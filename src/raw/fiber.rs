//! A fiber: one stack, and the cells that those who run it need.
//!
//! ```text
//!   Unstarted ──resume──▶ Running ──suspend──▶ Suspended ──resume──▶ Running
//!                            └──its body returns──▶ Finished (the stack goes back)
//! ```
//!
//! Fibers are resumed by the thread's own stack and suspend to it. A suspended fiber says
//! why by a [`Command`]. Its body never unwinds out: whoever makes the body catches panics.
//!
//! This file knows how to enter and leave a stack. Values, parents and waiting are told
//! in the files above it, which keep their state in the cells of [`Head`] and in `data`.
//!
//! # Why this file is unsafe
//!
//! A running fiber is reached through a thread-local pointer, and leaves its stack through
//! the pointer to its yielder; the compiler can follow neither.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::marker::PhantomPinned;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::{self, NonNull};
use std::rc::{Rc, Weak};

use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::extra::Extra;
use super::first::First;
use super::mailbox::Header;
use super::scopes::ScopeKey;
use super::thread::{self, Thread};
use super::unwinding;
use super::waiting::{self, Reason};
pub(crate) use super::waiting::{NOTHING, Reach, WaitKind, WaitingFor};
use crate::config;
use crate::pulse::{self, Asked, Counter};
use crate::stack::{Reserved, Stack};

/// Why a fiber suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Command {
    /// It is ready, and lets others run first.
    Yield,
    /// It waits for a wake.
    Park,
    /// It has set [`Thread::target`] and wants that one to run next.
    Switch,
}

/// What came of running a fiber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Suspended(Command),
    /// Its body has returned; [`Thread::target`] says who goes on, where it knows.
    Finished,
}

/// How far a fiber has come. Whether an active one runs or is suspended, the thread knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Unstarted,
    Active,
    Finished,
}

type Body = Coroutine<(), Command, (), Stack>;

/// What all fibers have, whatever runs on them.
///
/// What every wake and every resume touches comes first and close together: among a thousand
/// greenlets each cache line is a miss.
#[repr(C)]
pub(crate) struct Head {
    /// The number of the wait it is in, zero if none. A wake with another number is outdated.
    pub(crate) wait: Counter,
    pub(crate) waiting_for: Reason,
    /// Its wait was ended by its deadline.
    pub(crate) timed_out: Cell<bool>,
    /// It is to unwind at its waiting point: it was killed, or a block around it has expired.
    pub(crate) interrupted: Cell<bool>,
    /// It is unwound because its last handle was dropped, so it may not switch away again.
    pub(crate) abandoned: Cell<bool>,
    /// It is in a wait that a kill must not cut short.
    pub(crate) shielded: Cell<bool>,
    /// Operations since it last let others run.
    pub(crate) operations: Cell<u32>,
    /// The lowest address its code may use; below it lies the guard. Zero for main, and
    /// [`NO_STACK_YET`].
    stack_limit: Cell<usize>,
    /// About where its stack pointer stood when it was suspended last.
    resume_near: Cell<usize>,
    /// Null in the thread's own fiber (main), which has no stack of ours, and until the first
    /// resume in every other.
    yielder: Cell<*const Yielder<(), Command>>,
    /// None before the first resume, after the end, and in main.
    body: UnsafeCell<Option<Body>>,
    /// Its place in the registry: dense, and free for another once it has finished.
    pub(crate) id: Cell<u32>,
    /// Bytes its code may use of its stack; zero for main.
    pub(crate) stack_bytes: Cell<u32>,
    life: Cell<Life>,
    /// It is interrupted because it is to end.
    pub(crate) killed: Cell<bool>,
    /// It is suspended in a wait of the hub, and nowhere else.
    pub(crate) parked: Cell<bool>,
    /// It has something to do when it comes back from there, before it goes on. Main always has.
    pub(crate) errand: Cell<bool>,
    /// The innermost block around it that can expire.
    pub(crate) innermost: Cell<ScopeKey>,
    /// A panic has come in place of the value that it was to be switched to with.
    pub(crate) thrown: Cell<bool>,
    /// Others borrow from its frames, so it may have to wait while it unwinds.
    pub(crate) lends: Cell<bool>,
    /// Its waits keep neither the hub's end nor a report away.
    pub(crate) background: Cell<bool>,
    /// The end of its hub has been told to it.
    pub(crate) told_of_end: Cell<bool>,
    /// The number of the fiber that made it.
    pub(crate) made_by: Cell<u32>,
    /// Its place among all that its thread has made, which no other ever has. Main's is zero.
    pub(crate) serial: Cell<u64>,
    /// The place of the fiber that made it.
    pub(crate) made_by_serial: Cell<u64>,
    /// Where a value switched to it goes; null unless it is suspended in a raw switch.
    pub(crate) mailbox: Cell<*const Header>,
    pub(crate) name: RefCell<Option<Box<str>>>,
    pub(crate) made_at: &'static Location<'static>,
    extra: OnceCell<Box<Extra>>,
    /// A monitor's thread has a pointer to it, also while it is dropped: a `&mut` to it is not the only
    /// way there.
    pinned: PhantomPinned,
    /// What the first resume runs, on the stack that is kept free for it. It has none of its own
    /// until then: whoever ends without having waited leaves a hot one to the next.
    first: First,
    reserved: Cell<Option<Reserved>>,
}

impl Head {
    #[inline]
    pub(super) fn new(made_at: &'static Location<'static>) -> Self {
        Head {
            yielder: Cell::new(ptr::null()),
            body: UnsafeCell::new(None),
            life: Cell::new(Life::Unstarted),
            stack_limit: Cell::new(0),
            resume_near: Cell::new(0),
            id: Cell::new(0),
            stack_bytes: Cell::new(0),
            wait: Counter::default(),
            waiting_for: Reason::nothing(),
            mailbox: Cell::new(ptr::null()),
            timed_out: Cell::new(false),
            interrupted: Cell::new(false),
            killed: Cell::new(false),
            parked: Cell::new(false),
            errand: Cell::new(false),
            innermost: Cell::new(ScopeKey::NONE),
            abandoned: Cell::new(false),
            shielded: Cell::new(false),
            operations: Cell::new(0),
            name: RefCell::new(None),
            made_at,
            thrown: Cell::new(false),
            lends: Cell::new(false),
            background: Cell::new(false),
            told_of_end: Cell::new(false),
            made_by: Cell::new(0),
            serial: Cell::new(0),
            made_by_serial: Cell::new(0),
            extra: OnceCell::new(),
            pinned: PhantomPinned,
            first: First::empty(),
            reserved: Cell::new(None),
        }
    }

    /// What few fibers have, if this one does.
    #[inline]
    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.get().map(|extra| &**extra)
    }

    /// As [`extra`](Self::extra), made at the first use.
    pub(crate) fn extra_or_default(&self) -> &Extra {
        self.extra.get_or_init(Box::default)
    }

    /// Has the processor fetch the parts of its stack that it will touch soon: around where it
    /// was suspended, and at the base, where its first frames are.
    #[inline(always)]
    pub(crate) fn prefetch_stack(&self) {
        prefetch::<16>(self.resume_near.get().wrapping_sub(4 * CACHE_LINE));
        prefetch::<8>((self.yielder.get() as usize).wrapping_sub(7 * CACHE_LINE));
    }

    /// Has the processor fetch what [`prefetch_stack`](Self::prefetch_stack) and a resume read.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        prefetch::<2>(&raw const *self as usize);
    }

    /// Notes that it has begun to run. Main does when the thread is first used.
    pub(super) fn begin(&self) {
        self.life.set(Life::Active);
    }

    /// Has it unwind as soon as it runs. Whoever calls this sees to it that it does run.
    pub(crate) fn kill(&self) {
        self.killed.set(true);
        self.interrupted.set(true);
    }

    /// Leaves this fiber, which must be the current one; returns when it is run again.
    #[inline(always)]
    pub(crate) fn suspend(&self, command: Command) {
        let yielder = self.yielder.get();
        if yielder.is_null() {
            thread::suspend_main(command);
        } else {
            let here = 0u8;
            self.resume_near.set(&raw const here as usize);
            // SAFETY: the yielder lives at the base of this fiber's stack, on which the caller
            // runs: only the current fiber suspends itself, so the stack is live and entered.
            unsafe { (*yielder).suspend(command) };
        }
    }

    /// Whether it has begun to run, has not ended, and does not run now.
    pub(crate) fn is_suspended(&self) -> bool {
        self.life.get() == Life::Active && !thread::is_current(self)
    }

    /// Whether there is nothing left of it to run. Main is never finished.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.life.get() == Life::Finished
    }

    /// Whether its first resume is still to come.
    pub(crate) fn is_unstarted(&self) -> bool {
        self.life.get() == Life::Unstarted
    }

    #[inline]
    pub(crate) fn is_main(&self) -> bool {
        self.stack_limit.get() == 0
    }

    /// Where its stack lies, the lowest address that its code may use, if it has one; and how many
    /// bytes it has from there on, or will have.
    pub(crate) fn stack(&self) -> (Option<usize>, usize) {
        let limit = Some(self.stack_limit.get()).filter(|limit| *limit > NO_STACK_YET);
        (limit, self.stack_bytes.get() as usize)
    }

    /// About how many bytes of its stack were left when it was suspended last. For one that is.
    pub(crate) fn room_left(&self) -> usize {
        self.resume_near.get().saturating_sub(self.stack_limit.get())
    }

    /// What a monitor says of it.
    #[cold]
    pub(crate) fn entry(&self) -> pulse::Entry {
        // SAFETY: an entry is struck when its fiber is unregistered, which is before that is gone; and
        // the list ends before the thread's data does. Any thread may ask.
        let asked = unsafe { Asked::new(NonNull::from(self).cast(), waiting::waits_for) };
        pulse::Entry {
            id: self.id.get(),
            asked,
            name: self.name.borrow().clone(),
            spawned_at: self.made_at,
        }
    }

    /// Whether `address` lies in the guard of its stack, so that touching it is an overflow.
    pub(crate) fn overflows_at(&self, address: usize) -> bool {
        let limit = self.stack_limit.get();
        limit > NO_STACK_YET && (limit - config::GUARD_BYTES..limit).contains(&address)
    }
}

/// The stack limit of a fiber that has not begun to run.
const NO_STACK_YET: usize = 1;

const CACHE_LINE: usize = 64;

/// Fetches `LINES` cache lines from `address` on. Any address will do: it is advice.
#[inline(always)]
fn prefetch<const LINES: usize>(address: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..LINES {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see, and does not fault.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(address.wrapping_add(line * CACHE_LINE) as *const i8)
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// What those who made a fiber keep with it.
pub(crate) trait Data: 'static {
    /// The part of it that does not depend on types that only its maker knows.
    fn known(&self) -> &dyn Any;

    /// The last reference to the fiber, which has ended, is about to be dropped.
    fn forgotten(&self, _head: &Head) {}

    /// Shows the panic that it ended with, if it did and no one has taken that.
    fn with_error(&self, _see: &mut dyn FnMut(&(dyn Any + Send))) {}
}

impl Data for () {
    fn known(&self) -> &dyn Any {
        self
    }
}

/// A fiber, and what those who made it keep with it.
pub(crate) struct Fiber<D: ?Sized = dyn Data> {
    pub(crate) head: Head,
    pub(crate) data: D,
}

impl<D: Data> Fiber<D> {
    /// A fiber without a body, registered under a new id.
    #[inline]
    pub(crate) fn new(
        thread: &Thread,
        data: impl FnOnce() -> D,
        made_at: &'static Location<'static>,
    ) -> Rc<Self> {
        // Written where it is to stay: it is six cache lines long.
        let mut room = Rc::<Fiber<D>>::new_uninit();
        let place = Rc::get_mut(&mut room).expect("nobody else has it yet");
        place.write(Fiber { head: Head::new(made_at), data: data() });
        // SAFETY: it has been written in the line above.
        let fiber = unsafe { room.assume_init() };
        let weak: Weak<Fiber<D>> = Rc::downgrade(&fiber);
        fiber.head.id.set(thread.register(weak));
        fiber.head.serial.set(thread.count_made());
        thread::current_head(|maker| {
            fiber.head.made_by.set(maker.id.get());
            fiber.head.made_by_serial.set(maker.serial.get());
        });
        if let Some(pulse) = thread.listed.get() {
            pulse.enlist(fiber.head.entry());
        }
        fiber
    }

    /// Gives the fiber the body that its first resume will run, on the stack that is reserved.
    ///
    /// `body` must catch every panic: one that leaves it aborts the process.
    #[inline]
    pub(crate) fn start(&self, reserved: Reserved, body: impl FnOnce() + 'static) {
        let bytes = u32::try_from(reserved.usable_bytes()).expect("a stack is less than 4 GiB");
        self.head.stack_bytes.set(bytes);
        self.head.stack_limit.set(NO_STACK_YET);
        self.head.reserved.set(Some(reserved));
        self.head.first.put(body);
    }
}

impl Head {
    /// Puts the body of the first resume on a stack.
    fn begin_on_stack(&self) {
        let reserved = self.reserved.take().expect("a finished fiber is not run");
        let stack = thread::with(|thread| thread.stacks.take(reserved));
        self.stack_limit.set(stack.lowest_usable());
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<(), Command>, ()| {
            thread::current_head(|head| {
                head.yielder.set(yielder);
                head.begin();
                head.first.run();
            });
        });
        // SAFETY: the fiber does not run yet, so nothing borrows its body.
        unsafe { *self.body.get() = Some(coroutine) };
    }
}

impl<D: ?Sized> Fiber<D> {
    /// Runs this fiber until it suspends or ends.
    #[inline(always)]
    pub(crate) fn resume(&self) -> Step {
        thread::set_current(&self.head);
        loop {
            // SAFETY: a fiber is resumed only while it is not running (it is taken out of the
            // ready queue, or is switched to while suspended, or is known to be parked), so this is
            // the only reference to the body: what runs on it uses other cells of its head.
            let Some(coroutine) = (unsafe { &mut *self.head.body.get() }) else {
                self.head.begin_on_stack();
                continue;
            };
            return match coroutine.resume(()) {
                CoroutineResult::Yield(command) => Step::Suspended(command),
                CoroutineResult::Return(()) => Step::Finished,
            };
        }
    }

    /// Gives back the stack of a fiber that has finished, and its id.
    #[inline(always)]
    pub(crate) fn retire(&self, thread: &Thread) {
        self.head.life.set(Life::Finished);
        // SAFETY: the fiber has finished, so nothing borrows its body.
        let body = unsafe { (*self.head.body.get()).take() };
        if let Some(body) = body {
            thread.stacks.release(body.into_stack());
        }
        thread.unregister(self.head.id.get());
    }

    /// Ends a fiber that has not begun and that nothing will resume: drops what its body
    /// captured, here and now.
    pub(crate) fn discard(&self) {
        assert!(self.head.is_unstarted(), "it has begun, or has finished");
        self.head.life.set(Life::Finished);
        drop_unstarted(&self.head);
    }
}

/// Drops what a body captured that has never run, and gives up its stack and id.
#[cold]
#[inline(never)]
fn drop_unstarted(head: &Head) {
    let Some(reserved) = head.reserved.take() else { return strike(head) };
    let dropped = catch_unwind(AssertUnwindSafe(|| head.first.clear()));
    // Where the thread's own data is gone already, so is the pool.
    thread::try_with(|thread| {
        thread.unregister(head.id.get());
        thread.stacks.give_up(reserved);
    });
    if let Err(payload) = dropped {
        unwinding::report_lost(head, payload);
    }
}

/// Has a monitor not know one any more that was never given a body. It stays registered: nobody finds
/// it there.
fn strike(head: &Head) {
    let listed = thread::try_with(|thread| thread.listed.get()).flatten();
    // Main has the number that others have before they are registered.
    if let Some(pulse) = listed.filter(|_| head.id.get() != 0) {
        pulse.strike(head.id.get());
    }
}

impl<D: ?Sized> Drop for Fiber<D> {
    fn drop(&mut self) {
        if let Some(body) = self.head.body.get_mut().take() {
            // It is suspended for good: it refused to be unwound, or its thread is ending.
            // Its frames stay as they are, and its stack counts as in use.
            std::mem::forget(body);
            thread::try_with(|thread| thread.unregister(self.head.id.get()));
        } else if self.head.is_unstarted() {
            drop_unstarted(&self.head);
        }
    }
}

/// A counted reference to a fiber of any kind.
///
/// The last one to a suspended fiber unwinds it when it is dropped.
pub(crate) struct FiberRef(Rc<Fiber>);

impl FiberRef {
    pub(crate) fn is_same(&self, other: &FiberRef) -> bool {
        ptr::eq(&raw const self.0.head, &raw const other.0.head)
    }
}

impl<D: Data> From<Rc<Fiber<D>>> for FiberRef {
    #[inline]
    fn from(fiber: Rc<Fiber<D>>) -> Self {
        FiberRef(fiber)
    }
}

impl From<Rc<Fiber>> for FiberRef {
    #[inline]
    fn from(fiber: Rc<Fiber>) -> Self {
        FiberRef(fiber)
    }
}

impl Clone for FiberRef {
    #[inline]
    fn clone(&self) -> Self {
        FiberRef(Rc::clone(&self.0))
    }
}

impl Deref for FiberRef {
    type Target = Fiber;

    #[inline]
    fn deref(&self) -> &Fiber {
        &self.0
    }
}

impl Drop for FiberRef {
    #[inline]
    fn drop(&mut self) {
        if self.is_last() {
            self.abandon();
        }
    }
}

impl FiberRef {
    /// Whether this is the only reference, so that dropping it ends the fiber.
    #[inline]
    pub(crate) fn is_last(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    /// Unwinds a suspended fiber that no one else can reach any more.
    ///
    /// It runs on top of whoever dropped it. If it catches the [`Exit`](super::Exit) and
    /// suspends again, it is leaked.
    #[cold]
    fn abandon(&mut self) {
        if self.head.is_finished() {
            return self.data.forgotten(&self.head);
        }
        // In a thread that is ending, what the fiber's frames point to may be gone.
        if thread::try_with(|thread| thread.is_ending.get()) != Some(false) {
            return;
        }
        if thread::is_current(&self.head) {
            // While a fiber runs, the loop holds it. So it has just run, and the loop drops it.
            thread::with(|thread| thread::set_current(thread.main_head()));
        }
        if !self.head.is_suspended() || self.head.abandoned.replace(true) {
            return;
        }
        let cannot_wait = self.head.lends.get() && std::thread::panicking();
        if self.head.shielded.get() || cannot_wait {
            // Someone else uses its frame. It unwinds when this wait has ended.
            self.head.kill();
            return std::mem::forget(self.clone());
        }
        let keep = self.clone();
        self.head.kill();
        self.head.mailbox.set(ptr::null());
        let step = thread::nested(|| keep.resume());
        match step {
            Step::Finished => {
                thread::with(|thread| keep.retire(thread));
            }
            Step::Suspended(command) => {
                std::mem::forget(keep.clone());
                // Where it waits in the hub it may go on; nothing else can ever run it again.
                self.head.abandoned.set(command != Command::Park);
            }
        }
    }
}

//! Telling a hook of every switch, and watchers of every slice: what a fiber does from when it is
//! run until it lets others run.
//!
//! The hook runs in the target, when the switch is done:
//!
//! ```text
//!   loop:   hook set? ─▶ note origin and target, flag the target `interrupted` ─▶ resume it
//!   target: `interrupted`? ─▶ call the hook ─▶ …and whatever else the flag says
//! ```
//!
//! So a fiber that goes on pays nothing for this: it looks at that flag anyway, for kills and
//! expiries. The loop pays a branch for each fiber that it resumes.
//!
//! Watchers are called by the loop when the slice is over, on the thread's own stack; main's slices
//! are told as it suspends. The clock is read only while there are watchers.
//!
//! One may put something in place around each slice, of every thread of the process.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::OnceLock;

use super::fiber::{Command, Fiber, FiberRef, Head, Step};
use super::thread::{self, Thread};
use super::unwinding::drop_quietly;
use crate::clock::Moment;

/// One switch, as a [trace](crate::set_trace) hook is told of it.
pub struct Switch {
    pub(crate) origin: FiberRef,
    pub(crate) target: FiberRef,
    is_throw: bool,
}

impl Switch {
    /// Whether the target goes on with a panic: thrown or by a child, by a kill, or by a timeout.
    #[must_use]
    pub fn is_throw(&self) -> bool {
        self.is_throw
    }
}

/// What is called with every switch.
pub type Trace = Rc<dyn Fn(&Switch)>;

#[derive(Default)]
pub(crate) struct Tracing {
    /// Whether the loop is to look closer at who runs next.
    is_on: Cell<bool>,
    /// The hub wants to, for itself.
    is_hub_curious: Cell<bool>,
    hook: RefCell<Option<Trace>>,
    /// Who ran last.
    last: RefCell<Option<FiberRef>>,
    /// From whom and to whom, until the target tells it.
    untold: RefCell<Option<(FiberRef, FiberRef)>>,
    /// The hook runs, and what is switched meanwhile is not told.
    is_telling: Cell<bool>,
    /// None instead of an empty list, which would be an allocation for each thread.
    watchers: RefCell<Option<Watchers>>,
    /// How many watchers there have been.
    watched: Cell<u64>,
    /// When the present slice began, if that was seen.
    began: Cell<Option<Moment>>,
    /// Who puts something in place around each slice.
    around: Cell<Option<&'static dyn Around>>,
}

/// Who puts something in place for each fiber that runs, and away when it lets others run. Called by the
/// loop as main; it must neither wait nor panic.
pub(crate) trait Around: Sync {
    /// The fiber with this serial is about to run.
    fn runs(&self, serial: u64);

    /// It has let others run, or has ended.
    fn rests(&self, serial: u64, is_over: bool);
}

/// What every thread has around its slices, once there is one.
static AROUND: OnceLock<&'static dyn Around> = OnceLock::new();

/// Has each thread that uses greenlets from now on call `around`. The first one stays.
#[cfg(feature = "tracing")]
pub(crate) fn put_around(around: &'static dyn Around) {
    AROUND.get_or_init(|| around);
}

/// Has this thread call it from now on, if it did not.
#[cfg(feature = "tracing")]
pub(crate) fn attend_around() {
    thread::with(|thread| thread.tracing.attend_around());
}

/// What one fiber did from when it was run until it let others run.
pub(crate) struct Slice<'a> {
    pub(crate) head: &'a Head,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    /// What it did then.
    pub(crate) step: Step,
    /// It has named who runs next, so that the hub has no say.
    pub(crate) is_direct: bool,
}

/// What is called with every slice. It must neither wait nor panic.
pub(crate) type Watcher = Rc<dyn Fn(&Slice<'_>)>;

/// All that there are, with their numbers.
type Watchers = Rc<[(u64, Watcher)]>;

impl Tracing {
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// From now on the loop looks closer at each that it resumes, with a hook or without.
    pub(crate) fn attend(&self) {
        self.is_hub_curious.set(true);
        self.is_on.set(true);
    }

    /// Forgets all, without running destructors: for a thread that ends.
    pub(super) fn leak(&self) {
        std::mem::forget((self.hook.take(), self.last.take(), self.untold.take()));
        std::mem::forget(self.watchers.take());
    }
}

/// Replaces the hook of this thread; returns the one that was there.
pub(crate) fn set(hook: Option<Trace>) -> Option<Trace> {
    let last = hook.is_some().then(thread::current);
    thread::with(|thread| {
        let tracing = &thread.tracing;
        let forgotten = (tracing.last.replace(last), tracing.untold.take());
        let old = tracing.hook.replace(hook);
        tracing.refresh();
        drop_quietly(forgotten);
        old
    })
}

pub(crate) fn hook() -> Option<Trace> {
    thread::with(|thread| thread.tracing.hook.borrow().clone())
}

impl Tracing {
    fn refresh(&self) {
        let is_told = self.hook.borrow().is_some() || self.is_watched();
        let is_around = self.around.get().is_some();
        self.is_on.set(is_told || is_around || self.is_hub_curious.get());
    }

    /// Takes what every thread is to have around its slices, if there is such a thing.
    pub(super) fn attend_around(&self) {
        self.around.set(AROUND.get().copied());
        self.refresh();
    }

    fn begin_around(&self, head: &Head) {
        if let Some(around) = self.around.get() {
            around.runs(head.serial.get());
        }
    }

    fn end_around(&self, thread: &Thread, head: &Head, is_over: bool) {
        if let Some(around) = self.around.get() {
            // It is no part of the fiber.
            thread::set_current(thread.main_head());
            around.rests(head.serial.get(), is_over);
        }
    }

    fn is_watched(&self) -> bool {
        self.watchers.borrow().is_some()
    }

    fn watchers(&self) -> Vec<(u64, Watcher)> {
        self.watchers.borrow().as_deref().unwrap_or_default().to_vec()
    }

    fn end_slice(&self, thread: &Thread, head: &Head, began: Moment, step: Step) {
        self.began.set(None);
        let is_direct = thread.target.borrow().is_some();
        let slice = Slice { head, began, ended: Moment::now(), step, is_direct };
        // A copy: one may be removed meanwhile.
        let watchers = self.watchers.borrow().clone();
        watchers.iter().flat_map(|all| &**all).for_each(|(_, watcher)| watcher(&slice));
    }
}

/// Has `watcher` called with every slice of this thread that begins from now on, or is main's and
/// going on; returns the number to remove it by.
pub(crate) fn watch(watcher: Watcher) -> u64 {
    thread::with(|thread| {
        let tracing = &thread.tracing;
        let number = tracing.watched.get() + 1;
        tracing.watched.set(number);
        if !tracing.is_watched() {
            let is_main =
                thread::current_head(|head| head.is_main() && !thread::is_called_by_loop(head));
            tracing.began.set(is_main.then(Moment::now));
        }
        let mut watchers = tracing.watchers();
        watchers.push((number, watcher));
        tracing.watchers.replace(Some(watchers.into()));
        tracing.refresh();
        number
    })
}

/// Removes a watcher. Does nothing in a thread that ends.
pub(crate) fn unwatch(number: u64) {
    thread::try_with(|thread| {
        let tracing = &thread.tracing;
        let mut watchers = tracing.watchers();
        watchers.retain(|(own, _)| *own != number);
        let left = (!watchers.is_empty()).then(|| watchers.into());
        let old = tracing.watchers.replace(left);
        tracing.refresh();
        drop_quietly(old);
    });
}

/// Runs a fiber as [`Fiber::resume`] does, and tells of that.
#[cold]
#[inline(never)]
pub(crate) fn resume(thread: &Thread, fiber: &Fiber) -> Step {
    note(thread, &fiber.head);
    thread.tracing.begin_around(&fiber.head);
    let began = thread.tracing.is_watched().then(Moment::now);
    if began.is_some() {
        thread.tracing.began.set(began);
    }
    let step = fiber.resume();
    if let Some(began) = began {
        // Watchers are no part of the fiber, which cannot be suspended on this stack.
        thread::set_current(thread.main_head());
        thread.tracing.end_slice(thread, &fiber.head, began, step);
    }
    thread.tracing.end_around(thread, &fiber.head, step == Step::Finished);
    step
}

/// When the running fiber was last run, if that was seen.
pub(crate) fn slice_began() -> Option<Moment> {
    thread::with(|thread| thread.tracing.began.get())
}

/// Tells of the slice that main ends now.
#[cold]
#[inline(never)]
pub(super) fn leave_main(thread: &Thread, command: Command) {
    if let Some(began) = thread.tracing.began.get() {
        thread.tracing.end_slice(thread, thread.main_head(), began, Step::Suspended(command));
    }
    thread.tracing.end_around(thread, thread.main_head(), false);
}

/// Notes that main goes on.
#[cold]
#[inline(never)]
pub(super) fn enter_main(thread: &Thread) {
    note(thread, thread.main_head());
    thread.tracing.begin_around(thread.main_head());
    if thread.tracing.is_watched() {
        thread.tracing.began.set(Some(Moment::now()));
    }
}

/// Notes that the fiber with the head `target` is about to run, so that it tells the hook. It
/// takes no `FiberRef`, which the loop would have to keep in memory for that.
fn note(thread: &Thread, target: &Head) {
    let tracing = &thread.tracing;
    if tracing.is_telling.get() || tracing.hook.borrow().is_none() {
        return;
    }
    let Some(target) = thread.fiber(target.id.get()) else { return };
    let Some(origin) = tracing.last.replace(Some(target.clone())) else { return };
    if origin.is_same(&target) {
        return;
    }
    target.head.interrupted.set(true);
    drop_quietly(tracing.untold.replace(Some((origin, target))));
}

/// Tells the hook of the switch to the running fiber, if that is still to be told.
///
/// # Panics
///
/// If the hook does, which is removed then.
pub(super) fn tell(head: &Head) {
    let Some((switch, hook)) = thread::with(|thread| take_untold(thread, head)) else { return };
    let told = call(&hook, &switch);
    // It may hold the last reference to a greenlet that has ended, and so run destructors.
    drop_quietly(switch);
    if let Err(payload) = told {
        drop_quietly((set(None), hook));
        panic::resume_unwind(payload);
    }
}

fn take_untold(thread: &Thread, head: &Head) -> Option<(Switch, Trace)> {
    let tracing = &thread.tracing;
    let is_its_own = |(_, target): &mut (FiberRef, FiberRef)| std::ptr::eq(&target.head, head);
    let (origin, target) = tracing.untold.borrow_mut().take_if(is_its_own)?;
    let is_throw = head.killed.get() || head.thrown.get() || thread.scopes.has_expired(head);
    let hook = tracing.hook.borrow().clone()?;
    Some((Switch { origin, target, is_throw }, hook))
}

fn call(hook: &Trace, switch: &Switch) -> Result<(), Box<dyn Any + Send>> {
    thread::with(|thread| thread.tracing.is_telling.set(true));
    let told = panic::catch_unwind(AssertUnwindSafe(|| hook(switch)));
    thread::with(|thread| thread.tracing.is_telling.set(false));
    told
}

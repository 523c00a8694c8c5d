//! What one OS thread knows of its fibers: who runs, who exists, whose turn is next.
//!
//! The thread's own stack is a fiber too, *main*: it has no body of ours, and suspends by
//! running the others on top of itself until one of them, or the hub, switches to it.
//!
//! # Why this file is unsafe
//!
//! The current fiber is a plain thread-local pointer, so that a switch costs one store.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};

use slab::Slab;

use super::fiber::{Command, Data, Fiber, FiberRef, Head, Step};
use super::scopes::Scopes;
use super::trace::{self, Tracing};
use crate::pulse::{Current, Pulse};
use crate::stack::StackPool;

/// Goes on from what a fiber has just done, until main is to run again.
///
/// The hub installs it; it is called on the thread's own stack.
pub(crate) type Scheduler = fn(&Thread, FiberRef, Step);

pub(crate) struct Thread {
    registry: RefCell<Slab<Weak<Fiber>>>,
    /// How many have been made, without main.
    made: Cell<u64>,
    /// How many have finished.
    gone: Cell<u64>,
    /// Kills that those who have finished did not finish by.
    pub(crate) ignored_kills: Cell<u64>,
    main: Rc<Fiber>,
    pub(crate) stacks: StackPool,
    pub(crate) scopes: Scopes,
    pub(crate) tracing: Tracing,
    /// Who runs next, set by a fiber that switches or ends.
    pub(crate) target: RefCell<Option<FiberRef>>,
    pub(crate) scheduler: Cell<Option<Scheduler>>,
    /// Main is suspended, so what runs on the thread's own stack is a loop.
    main_is_away: AtomicBool,
    /// What a monitor reads, while there is one: it has a list of the fibers.
    pub(crate) listed: Cell<Option<&'static Pulse>>,
    /// The hub is gone, and no fiber is run any more.
    pub(crate) is_ending: Cell<bool>,
    /// The last to be dropped.
    #[cfg(unix)]
    _signal_stack: Option<crate::stack::overflow::SignalStack>,
}

/// How many fibers a thread has, and had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    /// With main.
    living: usize,
    gone: u64,
}

impl Census {
    pub(crate) fn is_only_main(self) -> bool {
        self.living == 1
    }
}

thread_local! {
    /// The head of the running fiber; null before the thread's first use.
    static CURRENT: Current = const { Current::nobody() };
    static THREAD: Thread = Thread::new();
    /// `THREAD`, one load away; null before it is made, and from when it is dropped.
    static HERE: Cell<*const Thread> = const { Cell::new(ptr::null()) };
}

impl Thread {
    fn new() -> Self {
        #[cfg(unix)]
        let signal_stack = crate::stack::overflow::install(super::describe_overflow);
        let mut registry = Slab::new();
        let main: Rc<Fiber> = Rc::new(Fiber { head: Head::new(Location::caller()), data: () });
        *main.head.name.borrow_mut() = Some("main".into());
        main.head.begin();
        main.head.errand.set(true);
        main.head.id.set(0);
        let main_id = registry.insert(Rc::downgrade(&main));
        debug_assert_eq!(main_id, 0, "main is the first in the registry");
        if running().is_null() {
            set_current(&main.head);
        }
        let tracing = Tracing::default();
        tracing.attend_around();
        Thread {
            registry: RefCell::new(registry),
            made: Cell::new(0),
            gone: Cell::new(0),
            ignored_kills: Cell::new(0),
            main,
            stacks: StackPool::new(),
            scopes: Scopes::default(),
            tracing,
            target: RefCell::new(None),
            scheduler: Cell::new(None),
            main_is_away: AtomicBool::new(false),
            listed: Cell::new(None),
            is_ending: Cell::new(false),
            #[cfg(unix)]
            _signal_stack: signal_stack,
        }
    }

    #[inline]
    pub(crate) fn register<D: Data>(&self, fiber: Weak<Fiber<D>>) -> u32 {
        let id = self.registry.borrow_mut().insert(fiber);
        u32::try_from(id).expect("fewer than four thousand million greenlets")
    }

    #[inline]
    pub(crate) fn unregister(&self, id: u32) {
        // Taken out first: dropping the last weak reference frees memory.
        let gone = self.registry.borrow_mut().try_remove(id as usize);
        self.gone.set(self.gone.get() + u64::from(gone.is_some()));
        if let Some(pulse) = self.listed.get() {
            pulse.strike(id);
        }
        drop(gone);
    }

    /// Counts one that is made; returns its place among all.
    #[inline]
    pub(super) fn count_made(&self) -> u64 {
        let made = self.made.get() + 1;
        self.made.set(made);
        made
    }

    /// How many have been made, without main.
    pub(crate) fn made(&self) -> u64 {
        self.made.get()
    }

    /// How many of them have finished.
    pub(crate) fn gone(&self) -> u64 {
        self.gone.get()
    }

    /// The fiber with this id, if there is one that has not finished.
    #[inline]
    pub(crate) fn fiber(&self, id: u32) -> Option<FiberRef> {
        let fiber = self.registry.borrow().get(id as usize)?.upgrade()?;
        Some(FiberRef::from(fiber))
    }

    /// All fibers that have not finished, main first.
    pub(crate) fn fibers(&self) -> Vec<FiberRef> {
        let registry = self.registry.borrow();
        registry.iter().filter_map(|(_, fiber)| Some(FiberRef::from(fiber.upgrade()?))).collect()
    }

    /// So many fibers that have not finished, with the lowest numbers from `first` on.
    pub(crate) fn fibers_from(&self, first: u32, at_most: usize) -> Vec<FiberRef> {
        let registry = self.registry.borrow();
        let rest = registry.iter().skip_while(|(id, _)| *id < first as usize);
        let living = rest.filter_map(|(_, fiber)| Some(FiberRef::from(fiber.upgrade()?)));
        living.take(at_most).collect()
    }

    /// How many there are: with two equal answers, nobody has come or gone in between.
    pub(crate) fn census(&self) -> Census {
        Census { living: self.registry.borrow().len(), gone: self.gone.get() }
    }

    /// Where it notes who runs, and whether main is suspended. This is here until it is dropped, and
    /// the other as long; before that, the pulse that it is listed by forgets them.
    pub(crate) fn places(&self) -> (NonNull<Current>, NonNull<AtomicBool>) {
        let current = CURRENT.with(|current| NonNull::from(current));
        (current, NonNull::from(&self.main_is_away))
    }

    #[inline]
    pub(crate) fn main_head(&self) -> &Head {
        &self.main.head
    }

    pub(crate) fn main(&self) -> FiberRef {
        FiberRef::from(Rc::clone(&self.main))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Main's values stay as they are: the thread-locals that their destructors need may be gone.
        if let Some(extra) = self.main.head.extra() {
            std::mem::forget(extra.locals.take());
        }
        self.tracing.leak();
        if let Some(pulse) = self.listed.take() {
            pulse.unlist();
        }
        CURRENT.with(|current| current.set(ptr::null::<Head>()));
        HERE.set(ptr::null());
    }
}

/// Calls `f` with this thread's data, made at the first use.
///
/// # Panics
///
/// If the thread is ending and its data is gone.
#[inline]
#[track_caller]
pub(crate) fn with<R>(f: impl FnOnce(&Thread) -> R) -> R {
    let mut thread = HERE.get();
    if thread.is_null() {
        thread = fetch();
    }
    // SAFETY: `HERE` is null or `THREAD`, which stays where it is until the thread ends. Its
    // destructor makes `HERE` null, and does not run before `f`, on the same thread, has returned.
    f(unsafe { &*thread })
}

#[cold]
#[track_caller]
fn fetch() -> *const Thread {
    let thread = THREAD.with(|thread| &raw const *thread);
    HERE.set(thread);
    thread
}

/// As [`with`], but `None` in a thread that is ending.
pub(crate) fn try_with<R>(f: impl FnOnce(&Thread) -> R) -> Option<R> {
    THREAD.try_with(f).ok()
}

/// Calls `f` with the head of the running fiber, which is main's where there is no other.
#[inline(always)]
pub(crate) fn current_head<R>(f: impl FnOnce(&Head) -> R) -> R {
    let mut head = running();
    if head.is_null() {
        head = first_use();
    }
    // SAFETY: `CURRENT` is null or the head of the fiber that runs. That fiber is kept alive by
    // whoever runs it (the loop on the thread's own stack, or `THREAD` for main), and `f` runs
    // on it: it can be suspended meanwhile, but not freed before it goes on.
    f(unsafe { &*head })
}

#[inline(always)]
fn running() -> *const Head {
    CURRENT.with(Current::get)
}

/// Where the head of the running fiber lies, to be compared; zero before the thread's first use.
#[inline(always)]
pub(crate) fn running_address() -> usize {
    running().addr()
}

#[cold]
fn first_use() -> *const Head {
    with(|thread| &raw const thread.main.head)
}

#[inline(always)]
pub(crate) fn set_current(head: &Head) {
    CURRENT.with(|current| current.set(ptr::from_ref(head)));
}

/// As [`current_head`], but `None` before the thread's first use. Allocates nothing.
#[inline(always)]
pub(crate) fn try_current_head<R>(f: impl FnOnce(&Head) -> R) -> Option<R> {
    // SAFETY: as in `current_head`.
    unsafe { running().as_ref() }.map(f)
}

/// Whether the running fiber is the one with this head.
pub(crate) fn is_current(head: &Head) -> bool {
    ptr::eq(running(), head)
}

/// Whether the caller is no fiber, but called by a loop, which runs while main is suspended.
#[inline]
pub(crate) fn is_called_by_loop(head: &Head) -> bool {
    head.is_main() && with(|thread| thread.main_is_away.load(Ordering::Relaxed))
}

/// The running fiber.
pub(crate) fn current() -> FiberRef {
    let id = current_head(|head| head.id.get());
    with(|thread| thread.fiber(id)).expect("the running fiber is registered")
}

/// Runs `f`, which runs another fiber, on top of the current one.
pub(crate) fn nested<R>(f: impl FnOnce() -> R) -> R {
    let outer = running();
    let answer = f();
    CURRENT.with(|current| current.set(outer));
    answer
}

/// Leaves main: runs other fibers on top of it until it is to run again.
#[inline(never)]
pub(crate) fn suspend_main(command: Command) {
    with(|thread| {
        let _back = Away::begin(thread);
        if thread.tracing.is_on() {
            trace::leave_main(thread, command);
        }
        match command {
            Command::Switch => super::dispatch::run(thread),
            Command::Yield | Command::Park => match thread.scheduler.get() {
                Some(scheduler) => scheduler(thread, thread.main(), Step::Suspended(command)),
                None => unreachable!("only the hub parks, and it has installed itself"),
            },
        }
        if thread.tracing.is_on() {
            trace::enter_main(thread);
        }
    });
}

/// Notes that main is suspended, until this is dropped, also by a panic of the loop.
struct Away<'a>(&'a Thread);

impl<'a> Away<'a> {
    fn begin(thread: &'a Thread) -> Self {
        debug_assert!(!thread.main_is_away.load(Ordering::Relaxed), "main is suspended once");
        thread.main_is_away.store(true, Ordering::Relaxed);
        Away(thread)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.main_is_away.store(false, Ordering::Relaxed);
        set_current(&self.0.main.head);
    }
}

//! Raw greenlets: explicit `switch()` between stacks, with values both ways.
//!
//! This is greenlet's floor, without a hub: nothing here waits, and a greenlet runs only
//! when it is switched to. Most programs want [`spawn`](crate::spawn) instead; coroutines,
//! generators and inverted control flow are built from this.
//!
//! ```text
//!   Unstarted ──first switch──▶ Running ──switch away──▶ Suspended ──switch to it──▶ Running
//!                                  └──return, panic──▶ Dead; the value goes to its parent
//! ```
//!
//! - [`Greenlet::switch`] hands over a value and returns what is switched back *to the caller*,
//!   whoever sends it. The first value is the body's argument.
//! - What the body returns goes to its [`parent`](AnyGreenlet::parent), at first the greenlet that
//!   made it, and so does a panic. A dead parent passes it on to its own.
//! - A suspended switch takes one value, of the type it expects. A value of another type is
//!   refused and handed back; it never arrives.
//! - A greenlet belongs to its thread, and its handle cannot leave it:
//!
//! ```compile_fail
//! let greenlet = greenhub::raw::Greenlet::new(|name: &str| name.len());
//! std::thread::spawn(move || greenlet.switch::<usize>("elsewhere"));
//! ```
//!
//! Dropping the last handle of a suspended greenlet raises [`Exit`] inside it, once, so that its
//! destructors run. A process may end with suspended greenlets: they are abandoned.
//!
//! # Examples
//!
//! ```
//! use greenhub::raw::{self, Greenlet};
//!
//! let main = raw::main().takes::<u32>();
//! let doubler = Greenlet::new(move |mut n: u32| {
//!     for _ in 0..2 {
//!         n = main.switch(n * 2).expect("main waits for a u32");
//!     }
//!     0u32 // the parent, which is main, gets this
//! });
//! assert_eq!(doubler.switch::<u32>(4)?, 8);
//! assert_eq!(doubler.switch::<u32>(10)?, 20);
//! assert_eq!(doubler.switch::<u32>(1)?, 0);
//! assert!(doubler.is_dead());
//! # Ok::<(), greenhub::raw::SwitchError<u32>>(())
//! ```

pub(crate) mod dispatch;
mod error;
pub(crate) mod extra;
pub(crate) mod fiber;
mod first;
mod generator;
pub(crate) mod holder;
mod mailbox;
pub(crate) mod scopes;
pub(crate) mod thread;
pub(crate) mod trace;
mod unwinding;
pub(crate) mod waiting;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe, Location};
use std::rc::Rc;

pub use self::error::{SetParentError, SwitchError, SwitchErrorKind};
use self::fiber::{Command, Fiber, FiberRef, Head};
pub use self::generator::{Generator, Yielder, generator};
use self::mailbox::{Instead, Mailbox};
pub use self::unwinding::{Exit, Lost, set_lost_hook};
pub(crate) use self::unwinding::{
    Expired, describe_overflow, drop_quietly, raise_if_interrupted, unwind,
};

/// A greenlet that takes values of type `I`; see the [module](self).
///
/// It is a handle: clones name the same greenlet. Mirrors greenlet's `greenlet`.
pub struct Greenlet<I> {
    fiber: FiberRef,
    takes: PhantomData<fn(I)>,
}

/// A greenlet, whatever it takes.
#[derive(Clone)]
pub struct AnyGreenlet {
    fiber: FiberRef,
}

/// What a raw greenlet keeps beside its stack.
struct Raw {
    parent: RefCell<FiberRef>,
}

impl fiber::Data for Raw {
    fn known(&self) -> &dyn Any {
        self
    }
}

impl<I: 'static> Greenlet<I> {
    /// Makes a greenlet that will run `body`; the current one becomes its parent.
    ///
    /// Nothing runs before the first [`switch`](Self::switch), whose value is the argument.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack; [`with_stack_size`](Self::with_stack_size) returns
    /// that as an error.
    #[track_caller]
    pub fn new<O: 'static>(body: impl FnOnce(I) -> O + 'static) -> Self {
        match Self::make(None, body, Location::caller()) {
            Ok(greenlet) => greenlet,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`new`](Self::new), on a stack of at least `stack_bytes` bytes.
    ///
    /// # Errors
    ///
    /// If there is no memory for the stack; the message names the limit.
    #[track_caller]
    pub fn with_stack_size<O: 'static>(
        stack_bytes: usize,
        body: impl FnOnce(I) -> O + 'static,
    ) -> io::Result<Self> {
        Self::make(Some(stack_bytes), body, Location::caller())
    }

    fn make<O: 'static>(
        stack_bytes: Option<usize>,
        body: impl FnOnce(I) -> O + 'static,
        made_at: &'static Location<'static>,
    ) -> io::Result<Self> {
        let parent = thread::current();
        let first = Rc::new(Mailbox::<I>::new());
        let fiber = thread::with(|thread| {
            let reserved = thread.stacks.reserve(stack_bytes)?;
            let fiber = Fiber::new(thread, || Raw { parent: RefCell::new(parent) }, made_at);
            mailbox::open_first(&first, &fiber.head);
            fiber.start(reserved, move || run_body(&first, body));
            Ok::<_, io::Error>(fiber)
        })?;
        Ok(Greenlet { fiber: FiberRef::from(fiber), takes: PhantomData })
    }

    /// Switches to the greenlet, handing it `value`; returns what is switched back to the caller.
    ///
    /// Returns when someone switches to the calling greenlet, or when a child of it ends. `R`
    /// is the type that the caller expects then.
    ///
    /// # Errors
    ///
    /// The value comes back in the error if it cannot be delivered: the greenlet is dead, is
    /// the caller, expects another type, or waits in the hub for something else. Without a value:
    /// the child that ended in the meantime exited, or returned something that is no `R`.
    ///
    /// # Panics
    ///
    /// With the panic of a child that ended by one, or with what was [thrown](Self::throw).
    pub fn switch<R: 'static>(&self, value: I) -> Result<R, SwitchError<I>> {
        switch_to(self.fiber.clone(), value)
    }

    /// Raises `payload` inside the greenlet, at the switch where it is suspended.
    ///
    /// It unwinds from there unless it catches the payload ([`std::panic::catch_unwind`]).
    /// Returns as [`switch`](Self::switch) does. One that never started dies without running,
    /// and the payload goes to its parent. Throwing into the current greenlet raises at once.
    /// [`Exit`] ends a greenlet quietly, and is ignored by a dead one; any other payload thrown
    /// into a dead one is raised in its parent.
    ///
    /// # Errors
    ///
    /// As for `switch`; [`SwitchErrorKind::Exited`] if the greenlet ended by `Exit`.
    ///
    /// # Panics
    ///
    /// As for `switch`.
    pub fn throw<R: 'static>(&self, payload: Box<dyn Any + Send>) -> Result<R, SwitchError<()>> {
        if thread::is_current(&self.fiber.head) {
            panic::resume_unwind(payload);
        }
        let target = if self.is_dead() {
            if payload.is::<Exit>() {
                return Err(SwitchError::from_kind(SwitchErrorKind::Exited));
            }
            self.fiber.heir()
        } else {
            self.fiber.clone()
        };
        if thread::is_current(&target.head) {
            panic::resume_unwind(payload);
        }
        if let Some(kind) = target.refusal() {
            return Err(SwitchError::from_kind(kind));
        }
        match mailbox::put_instead(&target.head, Instead::Panic(payload)) {
            Ok(()) => go(target).map_err(SwitchError::from_kind),
            Err(_) => Err(SwitchError::from_kind(SwitchErrorKind::Waiting)),
        }
    }

    /// This greenlet, without what it takes.
    #[must_use]
    pub fn any(&self) -> AnyGreenlet {
        AnyGreenlet { fiber: self.fiber.clone() }
    }

    /// The greenlet that gets its result; see [`AnyGreenlet::parent`].
    #[must_use]
    pub fn parent(&self) -> Option<AnyGreenlet> {
        self.any().parent()
    }

    /// Sets the greenlet that gets its result; see [`AnyGreenlet::set_parent`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_parent(&self, parent: &AnyGreenlet) -> Result<(), SetParentError> {
        self.any().set_parent(parent)
    }

    /// Whether its body has ended; never true of the current greenlet.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.fiber.head.is_finished()
    }
}

impl AnyGreenlet {
    /// A handle through which values of type `I` can be switched to this greenlet.
    ///
    /// Whether it expects an `I` shows at the switch, which hands a wrong value back.
    #[must_use]
    pub fn takes<I: 'static>(&self) -> Greenlet<I> {
        Greenlet { fiber: self.fiber.clone(), takes: PhantomData }
    }

    /// The greenlet that gets this one's result; `None` for main and for spawned greenlets.
    #[must_use]
    pub fn parent(&self) -> Option<AnyGreenlet> {
        let raw = self.fiber.data.known().downcast_ref::<Raw>()?;
        Some(AnyGreenlet { fiber: raw.parent.borrow().clone() })
    }

    /// Sets the greenlet that gets this one's result.
    ///
    /// A greenlet of another thread cannot be named here: its handle does not compile.
    ///
    /// # Errors
    ///
    /// [`SetParentError::Cycle`] if `parent` descends from this greenlet, and
    /// [`SetParentError::Fixed`] if this one is main or was spawned: those have no parent.
    pub fn set_parent(&self, parent: &AnyGreenlet) -> Result<(), SetParentError> {
        let Some(raw) = self.fiber.data.known().downcast_ref::<Raw>() else {
            return Err(SetParentError::Fixed);
        };
        let mut ancestor = Some(parent.clone());
        while let Some(greenlet) = ancestor {
            if greenlet == *self {
                return Err(SetParentError::Cycle);
            }
            ancestor = greenlet.parent();
        }
        // The old parent is dropped last: it may be the last handle, and run destructors.
        let old = raw.parent.replace(parent.fiber.clone());
        drop(old);
        Ok(())
    }

    /// Whether its body has ended; never true of the current greenlet, nor of main.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.fiber.head.is_finished()
    }

    /// Whether this is the thread's own stack.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.fiber.head.is_main()
    }

    /// Its number: small, unique among the living of its thread, zero for main.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.fiber.head.id.get()
    }
}

/// The running greenlet, which is main's where no other runs. Mirrors `greenlet.getcurrent`.
#[must_use]
pub fn current() -> AnyGreenlet {
    AnyGreenlet { fiber: thread::current() }
}

/// The thread's own greenlet, the target of last resort.
#[must_use]
pub fn main() -> AnyGreenlet {
    AnyGreenlet { fiber: thread::with(|thread| thread.main()) }
}

/// What runs on a raw greenlet's stack: takes the first value, and sees the result delivered.
fn run_body<I: 'static, O: 'static>(first: &Mailbox<I>, body: impl FnOnce(I) -> O) {
    // Inside the catch, so that the body's captures are dropped there in every case.
    let result = panic::catch_unwind(AssertUnwindSafe(move || {
        thread::current_head(|head| {
            // Not to end it: one that was told to end before it began does so when it waits.
            if head.interrupted.get() {
                trace::tell(head);
            }
        });
        match first.take() {
            Some(Ok(value)) => body(value),
            Some(Err(Instead::Panic(payload))) => raise_thrown(payload),
            _ => unwind(Box::new(Exit)),
        }
    }));
    let result = end_locals(result);
    thread::current().deliver(result);
}

/// Drops the values that belong to the current greenlet, which has ended with `result`. What
/// the first destructor panics with takes the place of a returned value.
fn end_locals<O>(result: std::thread::Result<O>) -> std::thread::Result<O> {
    thread::current_head(|head| match head.extra() {
        None => result,
        Some(extra) => {
            let dropped = panic::catch_unwind(AssertUnwindSafe(|| extra.clear_locals()));
            result.and_then(|value| dropped.map(|()| value))
        }
    })
}

/// Hands `value` to `target` and waits for an `R`; meanwhile the caller keeps no reference.
fn switch_to<I: 'static, R: 'static>(target: FiberRef, value: I) -> Result<R, SwitchError<I>> {
    if let Some(kind) = target.refusal() {
        return Err(SwitchError::with_value(kind, value));
    }
    match mailbox::put(&target.head, value) {
        Ok(()) => go(target).map_err(SwitchError::from_kind),
        Err(value) => {
            let kind = match mailbox::expected(&target.head) {
                Some(expected) => SwitchErrorKind::WrongType { expected },
                None => SwitchErrorKind::Waiting,
            };
            Err(SwitchError::with_value(kind, value))
        }
    }
}

/// Switches to `target`, whose mailbox has been filled, and waits for an `R`.
fn go<R: 'static>(target: FiberRef) -> Result<R, SwitchErrorKind> {
    let mailbox = Mailbox::<R>::new();
    thread::current_head(|head| {
        let _closed_again = mailbox::open_here(&mailbox, head);
        thread::with(|thread| *thread.target.borrow_mut() = Some(target));
        head.suspend(Command::Switch);
        raise_if_interrupted(head);
    });
    match mailbox.take().expect("a switch is ended by a value, or by what comes instead of it") {
        Ok(value) => Ok(value),
        Err(Instead::Panic(payload)) => raise_thrown(payload),
        Err(Instead::Exited) => Err(SwitchErrorKind::Exited),
        Err(Instead::WrongType { returned, expected }) => {
            Err(SwitchErrorKind::ReturnedWrongType { returned, expected })
        }
    }
}

/// Goes on with a panic that came in place of a value.
#[cold]
fn raise_thrown(payload: Box<dyn Any + Send>) -> ! {
    thread::current_head(|head| head.thrown.set(false));
    panic::resume_unwind(payload);
}

impl Fiber {
    /// Why the current greenlet cannot switch to this one, if that does not depend on the value.
    fn refusal(&self) -> Option<SwitchErrorKind> {
        if thread::is_current(&self.head) {
            Some(SwitchErrorKind::Current)
        } else if self.head.is_finished() {
            Some(SwitchErrorKind::Dead)
        } else if std::thread::panicking() || thread::current_head(|head| head.abandoned.get()) {
            Some(SwitchErrorKind::Unwinding)
        } else if thread::current_head(thread::is_called_by_loop) {
            Some(SwitchErrorKind::InCallback)
        } else {
            None
        }
    }

    /// The nearest ancestor that is not dead: main, if no other.
    fn heir(&self) -> FiberRef {
        let Some(raw) = self.data.known().downcast_ref::<Raw>() else {
            return thread::with(|thread| thread.main());
        };
        let parent = raw.parent.borrow().clone();
        if parent.head.is_finished() { parent.heir() } else { parent }
    }
}

impl FiberRef {
    /// Ends the switch in which this fiber is suspended by a panic with `report`.
    ///
    /// # Errors
    ///
    /// The report, if it is not suspended in a switch.
    pub(crate) fn interrupt(&self, report: String) -> Result<(), String> {
        if self.head.mailbox.get().is_null() {
            return Err(report);
        }
        // The panic goes on from the switch without passing the panic hook, so it is told here.
        eprintln!("{report}");
        // It was seen to be open.
        let _ = mailbox::put_instead(&self.head, Instead::Panic(Box::new(report)));
        Ok(())
    }

    /// Hands the result of this greenlet's body to its heir, who runs next.
    fn deliver<O: 'static>(&self, result: std::thread::Result<O>) {
        if self.head.abandoned.get() {
            // Its last handle is gone, and the heir did not ask.
            match result {
                Ok(value) => unwinding::drop_quietly(value),
                Err(payload) => unwinding::report_lost(&self.head, payload),
            }
            return;
        }
        let heir = self.heir();
        let delivered = match result {
            Ok(value) => mailbox::put(&heir.head, value).or_else(|value| {
                unwinding::drop_quietly(value);
                mailbox::put_instead(&heir.head, Instead::wrong_type::<O>(&heir.head))
            }),
            Err(payload) if payload.is::<Exit>() => {
                mailbox::put_instead(&heir.head, Instead::Exited)
            }
            Err(payload) => mailbox::put_instead(&heir.head, Instead::Panic(payload)),
        };
        match delivered {
            Ok(()) => thread::with(|thread| *thread.target.borrow_mut() = Some(heir)),
            // The heir waits in the hub, so the hub goes on.
            Err(Instead::Panic(payload)) => unwinding::report_lost(&self.head, payload),
            // It had no result: it was told to end.
            Err(Instead::Exited) => {}
            Err(_) => unwinding::report_lost_value(&self.head),
        }
    }
}

impl Instead {
    fn wrong_type<O>(heir: &Head) -> Instead {
        Instead::WrongType {
            returned: std::any::type_name::<O>(),
            expected: mailbox::expected(heir).unwrap_or("nothing"),
        }
    }
}

impl<I> Clone for Greenlet<I> {
    fn clone(&self) -> Self {
        Greenlet { fiber: self.fiber.clone(), takes: PhantomData }
    }
}

impl<I> fmt::Debug for Greenlet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.fiber, f)
    }
}

impl fmt::Debug for AnyGreenlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.fiber, f)
    }
}

fn describe(fiber: &FiberRef, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let head = &fiber.head;
    let state = if thread::is_current(head) {
        "current"
    } else if head.is_finished() {
        "dead"
    } else if head.is_main() || head.is_suspended() {
        "suspended"
    } else {
        "unstarted"
    };
    write!(f, "<raw greenlet {} {state}, made at {}>", head.id.get(), head.made_at)
}

impl PartialEq for AnyGreenlet {
    fn eq(&self, other: &Self) -> bool {
        self.fiber.is_same(&other.fiber)
    }
}

impl Eq for AnyGreenlet {}

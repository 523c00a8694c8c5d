//! The hub: one for each OS thread, it runs greenlets and wakes those who wait.
//!
//! Nothing has to be set up: the first `spawn`, `sleep` or socket makes the thread's hub. The
//! thread's own stack is a greenlet as well, *main*, and while main waits, the loop runs.
//! It (`core`) is five steps, again and again, until main is the next to run:
//!
//! 1. run who is ready, first come first served, for at most 64 switches;
//! 2. take wakes from other threads (`inbox`);
//! 3. wake whose deadline has passed (`timers`);
//! 4. ask the kernel which sockets are ready, and sleep there if nobody else is (`reactor`);
//! 5. nobody ready, and nothing that could change that: say so, instead of hanging (`report`).

pub(crate) mod bell;
pub(crate) mod blocking;
mod callbacks;
pub(crate) mod core;
mod driving;
pub(crate) mod error_hook;
mod here;
mod idle;
pub(crate) mod inbox;
pub(crate) mod inboxes;
pub(crate) mod line;
pub(crate) mod reactor;
mod ready;
pub(crate) mod report;
pub(crate) mod rest;
pub(crate) mod simulated;
mod standing;
pub(crate) mod threads;
mod timers;
pub(crate) mod traceback;
pub(crate) mod turn;
pub(crate) mod wait_queue;
pub(crate) mod waiter;
pub(crate) mod waiters;
pub(crate) mod watched;

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
#[cfg(all(target_os = "linux", not(greenhub_portable)))]
use std::sync::Arc;

pub use self::callbacks::Callback;
pub use self::error_hook::Unhandled;
pub use self::idle::idle;
use self::inbox::{Inbox, Message};
#[cfg(all(target_os = "linux", not(greenhub_portable)))]
use self::reactor::Notifier;
use crate::raw::thread;

/// This thread's hub.
///
/// There is nothing to keep: every `Hub` of one thread names the same hub. Mirrors
/// `gevent.get_hub`.
#[derive(Clone)]
pub struct Hub {
    /// Keeps the descriptor open for those who poll it.
    #[cfg(all(target_os = "linux", not(greenhub_portable)))]
    notifier: Arc<Notifier>,
    /// A hub stays on its thread.
    on_this_thread: PhantomData<Rc<()>>,
}

/// What a hub holds at one moment, and what it has done since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Greenlets that wait for their turn.
    pub ready: usize,
    /// Deadlines that have not passed.
    pub timers: usize,
    /// Descriptors that are registered with the kernel.
    pub sources: usize,
    /// Stacks on which a greenlet stands.
    pub stacks_in_use: usize,
    /// Stacks that wait to be used again.
    pub stacks_idle: usize,
    /// How often a greenlet or main was run: by its turn, or by a raw switch in the hub.
    pub switches: u64,
    /// Waits of greenlets that have begun. Each ends by one wake.
    pub waits: u64,
    /// How often the loop has gone round.
    pub turns: u64,
    /// How often the kernel was asked which descriptors are ready.
    pub polls: u64,
    /// Deadlines that were ever set.
    pub timers_set: u64,
    /// How often another thread has woken the hub while it slept.
    pub alarms: u64,
    /// Greenlets that this thread has made, raw ones and those of links as well.
    pub made: u64,
    /// How many of them have ended.
    pub ended: u64,
    /// How often a greenlet that has ended had caught what was to end it, and gone on.
    pub ignored_kills: u64,
}

impl Hub {
    /// This thread's hub, made at the first use.
    ///
    /// # Panics
    ///
    /// If the kernel gives no descriptor for it.
    ///
    /// # Examples
    ///
    /// ```
    /// let hub = greenhub::Hub::current();
    /// hub.set_stack_size(512 * 1024);
    /// let depth = greenhub::spawn(|| 7).join()?;
    /// assert_eq!(depth, 7);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[must_use]
    pub fn current() -> Hub {
        core::with(|_core| Hub {
            #[cfg(all(target_os = "linux", not(greenhub_portable)))]
            notifier: Arc::clone(_core.reactor().notifier()),
            on_this_thread: PhantomData,
        })
    }

    /// Sets the size of the stacks of greenlets that are spawned from now on, in bytes.
    ///
    /// It is rounded up to a power of two, and is at least 16 KiB. Until it is set, a
    /// stack has 256 KiB, of which only the pages that are touched take memory.
    pub fn set_stack_size(&self, bytes: usize) {
        thread::with(|thread| thread.stacks.set_default_bytes(bytes));
    }

    /// The size of the stacks of greenlets that are spawned without one, in bytes.
    #[must_use]
    pub fn stack_size(&self) -> usize {
        thread::with(|thread| thread.stacks.default_bytes())
    }

    /// Replaces what is told of panics that reach nobody.
    ///
    /// That is the panic of a greenlet whose last handle was dropped before anyone joined it, and
    /// of a callback. Each is told once. Without a hook it is a line on standard error.
    /// The hook must not wait. Mirrors gevent's `Hub.handle_error`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc, time::Duration};
    ///
    /// let seen = Rc::new(RefCell::new(Vec::new()));
    /// let sink = Rc::clone(&seen);
    /// greenhub::Hub::current().set_error_hook(move |unhandled| {
    ///     sink.borrow_mut().push(unhandled.message().unwrap_or("?").to_owned());
    /// });
    /// drop(greenhub::spawn(|| panic!("nobody listens")));
    /// greenhub::sleep(Duration::from_millis(1));
    /// assert_eq!(*seen.borrow(), ["nobody listens"]);
    /// ```
    pub fn set_error_hook(&self, hook: impl Fn(&Unhandled<'_>) + 'static) {
        let old = core::with(|core| core.error_hook.replace(Some(Rc::new(hook))));
        drop(old);
    }

    /// Has the hub call `callback` in its loop, and returns at once.
    ///
    /// It is called when the current greenlet waits or yields, before others run; one that is added
    /// in the loop, by another callback, when the loop has gone round. Callbacks are called in the
    /// order in which they were added. One must not wait: that panics, and the
    /// [error hook](Self::set_error_hook) is told. To run what waits, spawn from it. Those that a
    /// thread leaves behind when it ends are neither called nor dropped. Mirrors gevent's
    /// `loop.run_callback`; for other threads there is [`Remote::run_callback`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let (hub, called) = (greenhub::Hub::current(), Rc::new(Cell::new(0)));
    /// let own = Rc::clone(&called);
    /// let callback = hub.run_callback(move || own.set(own.get() + 1));
    /// let stopped = hub.run_callback(|| unreachable!());
    /// assert!(callback.is_pending() && stopped.stop());
    /// greenhub::yield_now();
    /// assert_eq!(called.get(), 1);
    /// assert!(!callback.is_pending());
    /// ```
    pub fn run_callback(&self, callback: impl FnOnce() + 'static) -> Callback {
        callbacks::add(Box::new(callback))
    }

    /// A handle through which other threads can have something done by this hub.
    ///
    /// While there is one, greenlets that wait are not reported as waiting for ever.
    #[must_use]
    pub fn remote(&self) -> Remote {
        core::with(|core| Remote::new(core.inbox()))
    }

    /// What the hub holds now, and has done. Asking costs some dozen loads; counting costs a switch
    /// nothing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        core::with(|core| {
            thread::with(|thread| Stats {
                ready: core.ready_len(),
                timers: core.timers_len(),
                sources: core.reactor().len(),
                stacks_in_use: thread.stacks.in_use(),
                stacks_idle: thread.stacks.idle(),
                switches: core.switched(),
                waits: core.waits_begun(),
                turns: core.turns(),
                polls: core.reactor().polls(),
                timers_set: core.timers_set(),
                alarms: core.alarms(),
                made: thread.made(),
                ended: thread.gone(),
                ignored_kills: thread.ignored_kills.get(),
            })
        })
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("stats", &self.stats()).finish()
    }
}

/// A hub, as other threads see it. Mirrors gevent's `run_callback_threadsafe`.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, time::Duration};
///
/// thread_local!(static GREETED: Cell<bool> = const { Cell::new(false) });
/// let remote = greenhub::Hub::current().remote();
/// let thread = std::thread::spawn(move || remote.run_callback(|| GREETED.set(true)));
/// while !GREETED.get() {
///     greenhub::sleep(Duration::from_millis(1));
/// }
/// assert!(thread.join().unwrap());
/// ```
pub struct Remote {
    inbox: &'static Inbox,
}

impl Remote {
    fn new(inbox: &'static Inbox) -> Remote {
        inbox.add_remote();
        Remote { inbox }
    }

    /// Has the hub call `callback` in its loop; `false` if the hub has ended.
    ///
    /// Returns at once. Callbacks run in the order in which they come. One must not wait:
    /// that panics, and the hub's error hook is told. To run what waits, spawn from it.
    pub fn run_callback(&self, callback: impl FnOnce() + Send + 'static) -> bool {
        self.inbox.put(Message::Call(Box::new(callback)))
    }
}

impl Clone for Remote {
    fn clone(&self) -> Self {
        Remote::new(self.inbox)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.inbox.remove_remote();
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

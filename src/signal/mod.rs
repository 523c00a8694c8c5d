//! Signals of the operating system, told to greenlets.
//!
//! [`on_signal`] has a function run in a new greenlet each time a signal comes; it may wait.
//! [`Signals`] and [`wait`] are for a greenlet that waits until one comes.
//!
//! The first use for a signal takes the place of what was set for it: a `SIGTERM` no longer ends
//! the process. A handler that was there before is still called, and when the last of ours is
//! gone, what was there before is restored, and meets the signals that are still on their way.
//! Signals that come quickly may be told as one,
//! as the kernel does itself; after the last of them there is at least one call.
//!
//! The handler that the kernel calls counts and writes one byte. It runs on the thread's stack for
//! signals, where it has one, as every thread of Rust's and of every hub has. Handlers of other
//! libraries that do not ask for that run on the stack of the greenlet that is interrupted, which
//! is [smaller](crate::Hub::set_stack_size) than a thread's.

mod handler;
mod waiting;
mod watch;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;

pub use libc::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1,
    SIGUSR2, SIGWINCH,
};

pub use self::waiting::{Signals, wait};
pub(crate) use self::watch::{Tell, freeze};
use crate::greenlet::Builder;
use crate::hub::inbox::Message;
use crate::hub::{Hub, Remote, core};

struct Handler {
    call: Rc<dyn Fn()>,
    /// Holds off the report that everything waits for ever.
    remote: Option<Remote>,
}

/// The handlers of one thread, by their subscriptions.
#[derive(Default)]
struct Handlers(RefCell<HashMap<u64, Handler>>);

thread_local! {
    static HANDLERS: Handlers = Handlers::default();
}

impl Drop for Handlers {
    /// For a thread that ends while some were [kept](SignalGuard::keep). They are not dropped:
    /// their destructors may need thread-locals that are gone.
    fn drop(&mut self) {
        for (subscription, handler) in self.0.take() {
            watch::unsubscribe(subscription);
            mem::forget(handler.call);
        }
    }
}

/// Has `handler` called each time `signal` comes, in a new greenlet of this thread's hub.
///
/// It may wait; should the signal come again meanwhile, another greenlet calls it. Several
/// handlers of one signal, of any threads, are all called. A panic of it is told to the
/// [hub's error hook](Hub::set_error_hook), and the handler stays. It runs when the hub runs: when
/// main waits. It is called until the guard is dropped. Mirrors `gevent.signal_handler`.
///
/// While the guard exists, greenlets that wait are not reported as waiting for ever, since
/// `handler` might wake them, and [`Hub::join`] does not return (see [`SignalGuard::unref`]).
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if the signal cannot be handled: `SIGKILL` and
/// `SIGSTOP`, the faults `SIGSEGV`, `SIGBUS`, `SIGFPE` and `SIGILL`, and what is no signal. And if
/// there is no thread or no descriptor to be had for the first one.
///
/// # Examples
///
/// ```
/// use greenhub::signal::{SIGTERM, on_signal};
/// use greenhub::sync::Event;
///
/// static STOP: Event = Event::new();
///
/// let _guard = on_signal(SIGTERM, || STOP.set())?;
/// # std::process::Command::new("kill").arg(std::process::id().to_string()).status()?;
/// STOP.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn on_signal(signal: i32, handler: impl Fn() + 'static) -> io::Result<SignalGuard> {
    let remote = Hub::current().remote();
    let inbox = core::with(|core| core.inbox());
    let subscription = watch::subscribe(signal, |id| {
        // An id is never used again, so another hub that has this inbox later knows no such handler.
        Arc::new(move |signal| {
            inbox.put(Message::Call(Box::new(move || call(id, signal))));
        })
    })?;
    let handler = Handler { call: Rc::new(handler), remote: Some(remote) };
    HANDLERS.with(|handlers| handlers.0.borrow_mut().insert(subscription, handler));
    Ok(SignalGuard { signal, subscription, on_this_thread: PhantomData })
}

/// In a forked child: what the parent's handlers are for, they do in the parent.
pub(crate) fn renew(frozen: watch::Frozen) {
    frozen.renew();
    let handlers = HANDLERS.with(|handlers| handlers.0.take());
    handlers.into_values().for_each(|handler| mem::forget(handler.call));
}

/// Has `tell` called by a thread of greenhub's own whenever `signal` has come, whatever the hubs are
/// doing. It must not keep that thread.
///
/// # Errors
///
/// As [`on_signal`].
pub(crate) fn tell_on(signal: i32, tell: Tell) -> io::Result<Told> {
    watch::subscribe(signal, |_| tell).map(Told)
}

/// Someone who is told of a signal, until this is dropped.
pub(crate) struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        watch::unsubscribe(self.0);
    }
}

/// Calls a handler, if it is still wanted.
fn call(id: u64, signal: i32) {
    let handler = HANDLERS.with(|handlers| Some(Rc::clone(&handlers.0.borrow().get(&id)?.call)));
    let Some(handler) = handler else { return };
    let greenlet = Builder::new().name(format!("signal {signal}")).spawn(move || handler());
    // A panic in a callback is told to the hub's error hook, as one of the handler is.
    drop(greenlet.unwrap_or_else(|error| panic!("a signal's handler cannot run: {error}")));
}

/// A handler of a signal, until this is dropped.
#[must_use = "the handler is removed when this is dropped"]
pub struct SignalGuard {
    signal: i32,
    subscription: u64,
    /// The handler belongs to this thread.
    on_this_thread: PhantomData<Rc<()>>,
}

impl SignalGuard {
    /// Which signal it is.
    #[must_use]
    pub fn signal(&self) -> i32 {
        self.signal
    }

    /// Removes the handler; greenlets that run it already go on. The same as a drop. Mirrors
    /// gevent's `signal.cancel`.
    pub fn cancel(self) {
        drop(self);
    }

    /// Leaves the handler in place for as long as the thread lives.
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Has the hub report that everything waits for ever although this handler could still be
    /// called. gevent has `ref=False`, and it is the default there.
    pub fn unref(&self) {
        let remote = HANDLERS.with(|handlers| {
            handlers.0.borrow_mut().get_mut(&self.subscription).and_then(|it| it.remote.take())
        });
        drop(remote);
    }
}

impl Drop for SignalGuard {
    fn drop(&mut self) {
        watch::unsubscribe(self.subscription);
        // None where the thread is ending, and the handlers are gone.
        let handler = HANDLERS
            .try_with(|handlers| handlers.0.borrow_mut().remove(&self.subscription))
            .ok()
            .flatten();
        drop(handler);
    }
}

impl fmt::Debug for SignalGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalGuard").field("signal", &self.signal).finish_non_exhaustive()
    }
}

//! Who a greenlet is, and parking.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;
use crate::greenlet;
use crate::greenlet_local;
use crate::hub::line::{Line, Rules};
use crate::hub::turn::{self, Kinds};
use crate::hub::waiters::{All, Granted, Waiters};

static PARK: Kinds = Kinds::new("to be unparked");

/// A handle to a greenlet, as a thread. Mirrors [`std::thread::Thread`].
///
/// It may be sent to other OS threads, to unpark the greenlet from there.
#[derive(Clone)]
pub struct Thread {
    inner: Arc<Inner>,
}

struct Inner {
    name: Option<String>,
    id: ThreadId,
    token: Line<Token>,
}

/// Whether the next park returns at once.
struct Token(bool);

impl Rules for Token {
    fn is_ready(&self) -> bool {
        self.0
    }

    fn try_now(&mut self, _: &mut Waiters) -> Option<All> {
        std::mem::take(&mut self.0).then(All::nobody)
    }

    fn give_back(&mut self, _: &mut Waiters) -> Option<Granted> {
        self.0 = true;
        None
    }
}

/// Names a greenlet, or a thread's main, for as long as the process lives. Mirrors
/// [`std::thread::ThreadId`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ThreadId(NonZeroU64);

impl ThreadId {
    fn next() -> ThreadId {
        static GIVEN: AtomicU64 = AtomicU64::new(0);
        let number = GIVEN.fetch_add(1, Ordering::Relaxed) + 1;
        ThreadId(NonZeroU64::new(number).expect("2^64 greenlets are not made"))
    }
}

greenlet_local! {
    static CURRENT: Thread = Thread::found();
}

impl Thread {
    pub(super) fn new(name: Option<String>) -> Thread {
        let inner = Inner { name, id: ThreadId::next(), token: Line::new(Token(false)) };
        Thread { inner: Arc::new(inner) }
    }

    /// The handle of a greenlet that was not spawned as a thread.
    fn found() -> Thread {
        let current = greenlet::current();
        let name = if current.is_main() {
            std::thread::current().name().map(str::to_owned)
        } else {
            current.name()
        };
        Thread::new(name)
    }

    /// Has the current greenlet be known by this handle.
    pub(super) fn adopt(self) {
        CURRENT.set(self);
    }

    /// Has the next park of the greenlet return, or the one that it is in. Mirrors
    /// [`std::thread::Thread::unpark`].
    pub fn unpark(&self) {
        let parked = self.inner.token.with(|token, waiters| {
            let parked = waiters.pop();
            token.0 |= parked.is_none();
            parked
        });
        if let Some((parked, ())) = parked {
            parked.wake();
        }
    }

    /// Its number, which no other ever has. Mirrors [`std::thread::Thread::id`].
    #[must_use]
    pub fn id(&self) -> ThreadId {
        self.inner.id
    }

    /// The name that it was given. Mirrors [`std::thread::Thread::name`].
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Thread");
        debug.field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The handle of the current greenlet. Mirrors [`std::thread::current`].
#[must_use]
pub fn current() -> Thread {
    let known = CURRENT.try_with(Clone::clone);
    known.unwrap_or_else(|_| Thread::new(std::thread::current().name().map(str::to_owned)))
}

/// Waits until the greenlet is unparked; returns at once if it has been since it last parked.
///
/// Mirrors [`std::thread::park`]. While it unwinds it returns at once, as std's may.
pub fn park() {
    park_until(Moment::NEVER);
}

/// As [`park`], for at most `dur`. Mirrors [`std::thread::park_timeout`].
pub fn park_timeout(dur: Duration) {
    park_until(turn::deadline(dur));
}

/// As [`park_timeout`]. Mirrors [`std::thread::park_timeout_ms`].
#[deprecated(note = "replaced by `park_timeout`")]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(u64::from(ms)));
}

fn park_until(deadline: Moment) {
    // Both errors are reasons to return.
    let _ = current().inner.token.wait(&PARK, deadline);
}

//! The one door into a hub for other threads.
//!
//! A message is put in under a lock. The hub looks at one flag to see that there are any, takes
//! them all at once, and a descriptor is written to only when the hub sleeps:
//!
//! ```text
//!   sender: put the message in ─▶ set `pending` ─▶ `sleeping` was set? then notify
//!   hub:    set `sleeping` ─▶ `pending`? then do not sleep ─▶ sleep ─▶ clear `sleeping`
//! ```
//!
//! Each sets its own flag before it reads the other's, so at least one of them sees the other:
//! a message is never left lying while the hub sleeps.
//!
//! The inbox of a hub that has ended is given to the next hub; messages for the old one name waits
//! and sources that the new one never had, and do nothing.

use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Thread};

use super::inboxes;
use super::reactor::Notifier;
use crate::atomics::{AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::pulse::Pulse;

/// What another thread can ask of a hub.
pub(crate) enum Message {
    /// End this wait of this greenlet.
    Wake { id: u32, wait: u64 },
    /// A source that was registered here has been dropped elsewhere.
    Forget { key: u64 },
    /// Call this in the loop.
    Call(Box<dyn FnOnce() + Send>),
}

pub(crate) struct Inbox {
    number: HubNumber,
    state: Mutex<State>,
    pending: AtomicBool,
    sleeping: AtomicBool,
    /// Also says whether the hub sleeps; when it is awake, it looks at its messages.
    pulse: Pulse,
    /// The first number that a wait of the present owner, or of the next one, can have.
    first_number: AtomicU64,
    /// Handles through which other threads may still ask for something.
    remotes: AtomicUsize,
    /// How often a message has woken a hub that slept.
    alarms: AtomicU64,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// None while no hub owns the inbox.
    notifier: Option<Arc<Notifier>>,
    /// The thread of that hub.
    thread: Option<Thread>,
    /// Where the numbers that name waits and sources go on for the next owner.
    next_number: u64,
}

/// Names an inbox, and so a hub: half the size of a reference, for there are many wakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HubNumber(pub(super) NonZeroU32);

impl HubNumber {
    #[inline(always)]
    pub(super) fn new(number: u32) -> Option<HubNumber> {
        NonZeroU32::new(number).map(HubNumber)
    }

    #[inline(always)]
    pub(crate) fn get(self) -> u32 {
        self.0.get()
    }
}

impl Inbox {
    pub(super) fn new(number: HubNumber) -> Inbox {
        Inbox {
            number,
            state: Mutex::new(State { next_number: 1, ..State::default() }),
            pending: AtomicBool::new(false),
            sleeping: AtomicBool::new(false),
            pulse: Pulse::new(),
            first_number: AtomicU64::new(1),
            remotes: AtomicUsize::new(0),
            alarms: AtomicU64::new(0),
        }
    }

    pub(crate) fn number(&self) -> HubNumber {
        self.number
    }

    /// The thread of the hub that owns it, if there is one.
    pub(super) fn thread(&self) -> Option<Thread> {
        lock(&self.state).thread.clone()
    }

    /// An inbox for a new hub, and the first number that no message in it can name.
    pub(super) fn claim(notifier: Arc<Notifier>) -> (&'static Inbox, u64) {
        let inbox = inboxes::unowned();
        let mut state = lock(&inbox.state);
        state.notifier = Some(notifier);
        state.thread = Some(thread::current());
        inbox.pulse.begin();
        (inbox, state.next_number)
    }

    /// Ends a hub's ownership: what is in the inbox, and what still comes, is dropped.
    pub(super) fn resign(&'static self, next_number: u64) {
        let mut state = lock(&self.state);
        state.notifier = None;
        state.thread = None;
        state.next_number = next_number;
        self.first_number.store(next_number, Ordering::Release);
        let unread = std::mem::take(&mut state.messages);
        drop(state);
        self.pending.store(false, Ordering::Relaxed);
        self.sleeping.store(false, Ordering::Relaxed);
        drop(unread);
        // A remote handle that outlives its hub must not speak to another.
        if !self.has_remotes() {
            inboxes::give_back(self);
        }
    }

    /// Puts a message in; returns whether there is a hub to read it.
    pub(crate) fn put(&self, message: Message) -> bool {
        let mut state = lock(&self.state);
        let Some(notifier) = state.notifier.clone() else { return false };
        state.messages.push(message);
        self.pending.store(true, Ordering::SeqCst);
        // Under the lock: after it the inbox may have another owner, who must not be taken for one
        // that has been notified.
        let asleep = self.sleeping.swap(false, Ordering::SeqCst);
        drop(state);
        if asleep {
            self.alarms.fetch_add(1, Ordering::Relaxed);
            notifier.notify();
        }
        true
    }

    /// Names the sleep that the hub is in. Who has put a message in and finds the same name before and
    /// after knows that the hub reads it before it does anything else.
    pub(crate) fn nap(&self) -> Option<u64> {
        self.pulse.nap()
    }

    /// What the hub shows of itself.
    pub(super) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// How often a message has found its hub asleep, and so was followed by a write to a descriptor.
    pub(crate) fn alarms(&self) -> u64 {
        self.alarms.load(Ordering::Relaxed)
    }

    /// Takes a descriptor out of the interest of the hub that owns the inbox, if there is one.
    pub(crate) fn end_interest(&self, fd: BorrowedFd<'_>) {
        let notifier = lock(&self.state).notifier.clone();
        // An error means that there is no interest any more.
        let _ = notifier.map(|notifier| notifier.delete(fd));
    }

    /// Whether the wait with this number was one of a hub that has ended.
    pub(super) fn is_past(&self, wait: u64) -> bool {
        wait < self.first_number.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::SeqCst)
    }

    /// All messages, in the order in which they came.
    pub(super) fn take(&self) -> Vec<Message> {
        let mut state = lock(&self.state);
        self.pending.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.messages)
    }

    /// Says that the hub is about to sleep; returns whether it may.
    pub(super) fn begin_sleep(&self) -> bool {
        self.pulse.begin_nap();
        self.sleeping.store(true, Ordering::SeqCst);
        !self.pending.load(Ordering::SeqCst)
    }

    /// Says that it is awake. What was put in before is seen from now on.
    pub(super) fn end_sleep(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
        self.pulse.end_nap();
    }

    pub(super) fn has_remotes(&self) -> bool {
        self.remotes.load(Ordering::Acquire) > 0
    }

    pub(crate) fn add_remote(&self) {
        self.remotes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a remote handle out, and lets the hub see whether it now waits for ever.
    pub(crate) fn remove_remote(&self) {
        if self.remotes.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.put(Message::Call(Box::new(|| ())));
        }
    }
}

/// An inbox, locked for the time of a fork: in the child it is as it was, and free.
pub(super) struct Frozen {
    inbox: &'static Inbox,
    state: MutexGuard<'static, State>,
}

impl Frozen {
    pub(super) fn new(inbox: &'static Inbox) -> Frozen {
        Frozen { inbox, state: lock(&inbox.state) }
    }

    /// In the child: empties the inbox of its hub, whose waits are to have numbers from `next_wait`
    /// on, or takes that of another from its hub, which is not there.
    ///
    /// What it held is left as it is. Its destructors are the parent's, as are the descriptors.
    pub(super) fn renew(mut self, own: HubNumber, next_wait: u64) {
        std::mem::forget(std::mem::take(&mut self.state.messages));
        self.inbox.pending.store(false, Ordering::Relaxed);
        self.inbox.sleeping.store(false, Ordering::Relaxed);
        if self.inbox.number == own {
            self.inbox.first_number.store(next_wait, Ordering::Release);
        } else if let Some(notifier) = self.state.notifier.take() {
            std::mem::forget((notifier, self.state.thread.take()));
            self.inbox.first_number.store(u64::MAX, Ordering::Release);
        }
    }
}

/// Nothing panics while one of these locks is held, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

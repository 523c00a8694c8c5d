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
//! Inboxes live for ever and have numbers, so that a waker can name one without counting. The inbox of a
//! hub that has ended is given to the next hub; messages for the old one name waits
//! and sources that the new one never had, and do nothing.

use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use super::reactor::Notifier;

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
    /// Odd from when the hub is about to sleep until it is awake, and then looks at its messages.
    naps: AtomicU64,
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
pub(crate) struct HubNumber(NonZeroU32);

impl HubNumber {
    pub(crate) fn get(self) -> u32 {
        self.0.get()
    }
}

/// All inboxes by their numbers, to be read without a lock: number `n` stands in the shelf of
/// the highest bit of `n`, which has as many places as all shelves before it and one more.
static SHELVES: [OnceLock<Box<[OnceLock<Inbox>]>>; 32] = [const { OnceLock::new() }; 32];

/// Inboxes that no hub owns now, and how many there are in all.
static UNOWNED: Mutex<(Vec<&'static Inbox>, u32)> = Mutex::new((Vec::new(), 0));

/// The inbox with this number.
pub(crate) fn of(hub: HubNumber) -> &'static Inbox {
    place(hub).get_or_init(|| Inbox::new(hub))
}

fn place(hub: HubNumber) -> &'static OnceLock<Inbox> {
    let shelf = hub.0.ilog2();
    let places = SHELVES[shelf as usize]
        .get_or_init(|| (0..1u32 << shelf).map(|_| OnceLock::new()).collect());
    &places[(hub.0.get() - (1 << shelf)) as usize]
}

/// The inboxes of all hubs that there are, and their threads.
pub(crate) fn all() -> Vec<(&'static Inbox, Thread)> {
    let last = lock(&UNOWNED).1;
    let inboxes = (1..=last).filter_map(NonZeroU32::new).map(|number| of(HubNumber(number)));
    inboxes.filter_map(|inbox| Some((inbox, lock(&inbox.state).thread.clone()?))).collect()
}

/// An inbox that no hub owns.
fn unowned() -> &'static Inbox {
    let mut unowned = lock(&UNOWNED);
    if let Some(inbox) = unowned.0.pop() {
        return inbox;
    }
    unowned.1 += 1;
    of(HubNumber(NonZeroU32::new(unowned.1).expect("one more than before")))
}

impl Inbox {
    fn new(number: HubNumber) -> Inbox {
        Inbox {
            number,
            state: Mutex::new(State { next_number: 1, ..State::default() }),
            pending: AtomicBool::new(false),
            sleeping: AtomicBool::new(false),
            naps: AtomicU64::new(0),
            first_number: AtomicU64::new(1),
            remotes: AtomicUsize::new(0),
            alarms: AtomicU64::new(0),
        }
    }

    pub(crate) fn number(&self) -> HubNumber {
        self.number
    }

    /// An inbox for a new hub, and the first number that no message in it can name.
    pub(super) fn claim(notifier: Arc<Notifier>) -> (&'static Inbox, u64) {
        let inbox = unowned();
        let mut state = lock(&inbox.state);
        state.notifier = Some(notifier);
        state.thread = Some(thread::current());
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
            lock(&UNOWNED).0.push(self);
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
        let nap = self.naps.load(Ordering::SeqCst);
        (nap % 2 == 1).then_some(nap)
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
        self.naps.store(self.naps.load(Ordering::Relaxed) | 1, Ordering::SeqCst);
        self.sleeping.store(true, Ordering::SeqCst);
        !self.pending.load(Ordering::SeqCst)
    }

    /// Says that it is awake. What was put in before is seen from now on.
    pub(super) fn end_sleep(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
        self.naps.store((self.naps.load(Ordering::Relaxed) + 1) & !1, Ordering::SeqCst);
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

/// All inboxes, locked for the time of a fork: in the child they are as they were, and free.
pub(crate) struct Frozen {
    _unowned: MutexGuard<'static, (Vec<&'static Inbox>, u32)>,
    inboxes: Vec<(&'static Inbox, MutexGuard<'static, State>)>,
}

/// Locks all inboxes. No thread locks two of them, so this cannot wait for ever.
pub(crate) fn freeze() -> Frozen {
    let unowned = lock(&UNOWNED);
    let numbers = (1..=unowned.1).filter_map(NonZeroU32::new);
    let inboxes = numbers.map(|number| of(HubNumber(number)));
    Frozen {
        inboxes: inboxes.map(|inbox| (inbox, lock(&inbox.state))).collect(),
        _unowned: unowned,
    }
}

impl Frozen {
    /// In the child: empties the inbox of its hub, whose waits are to have numbers from `next_wait`
    /// on, and takes the others from hubs that are not there.
    ///
    /// What they held is left as it is. Its destructors are the parent's, as are the descriptors.
    pub(crate) fn renew(self, own: HubNumber, next_wait: u64) {
        for (inbox, mut state) in self.inboxes {
            std::mem::forget(std::mem::take(&mut state.messages));
            inbox.pending.store(false, Ordering::Relaxed);
            inbox.sleeping.store(false, Ordering::Relaxed);
            if inbox.number == own {
                inbox.first_number.store(next_wait, Ordering::Release);
            } else if let Some(notifier) = state.notifier.take() {
                std::mem::forget((notifier, state.thread.take()));
                inbox.first_number.store(u64::MAX, Ordering::Release);
            }
        }
    }
}

/// Nothing panics while one of these locks is held, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! All inboxes, by their numbers.
//!
//! Inboxes live for ever, so that a waker can name one by its number without counting. That of a hub
//! that has ended is given to the next hub.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use super::inbox::{self, HubNumber, Inbox};

/// To be read without a lock: number `n` stands in the shelf of the highest bit of `n`, which has as
/// many places as all shelves before it and one more.
static SHELVES: [OnceLock<Box<[OnceLock<Inbox>]>>; 32] = [const { OnceLock::new() }; 32];

/// Those that no hub owns now, and how many there are in all.
static UNOWNED: Mutex<Unowned> = Mutex::new((Vec::new(), 0));

type Unowned = (Vec<&'static Inbox>, u32);

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
    let last = lock().1;
    let inboxes = (1..=last).filter_map(NonZeroU32::new).map(|number| of(HubNumber(number)));
    inboxes.filter_map(|inbox| Some((inbox, inbox.thread()?))).collect()
}

/// An inbox that no hub owns.
pub(super) fn unowned() -> &'static Inbox {
    let mut unowned = lock();
    if let Some(inbox) = unowned.0.pop() {
        return inbox;
    }
    unowned.1 += 1;
    of(HubNumber(NonZeroU32::new(unowned.1).expect("one more than before")))
}

/// The hub that owned it has ended.
pub(super) fn give_back(inbox: &'static Inbox) {
    lock().0.push(inbox);
}

/// All inboxes, locked for the time of a fork.
pub(crate) struct Frozen {
    _unowned: MutexGuard<'static, Unowned>,
    inboxes: Vec<inbox::Frozen>,
}

/// Locks all inboxes. No thread locks two of them, so this cannot wait for ever.
pub(crate) fn freeze() -> Frozen {
    let unowned = lock();
    let numbers = (1..=unowned.1).filter_map(NonZeroU32::new);
    let inboxes = numbers.map(|number| inbox::Frozen::new(of(HubNumber(number))));
    Frozen { inboxes: inboxes.collect(), _unowned: unowned }
}

impl Frozen {
    /// In the child: empties the inbox of its hub, whose waits are to have numbers from `next_wait`
    /// on, and takes the others from hubs that are not there.
    pub(crate) fn renew(self, own: HubNumber, next_wait: u64) {
        self.inboxes.into_iter().for_each(|inbox| inbox.renew(own, next_wait));
    }
}

/// Nothing panics while it is locked, so poison means nothing.
fn lock() -> MutexGuard<'static, Unowned> {
    UNOWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

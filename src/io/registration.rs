//! Where a descriptor is a source: nowhere until someone waits, then in the hub that does.
//!
//! A socket may be used by several hubs, so it can be a source in each of them. Nearly
//! always it is one, the *home*, and that is found without a lock.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::hub::core::{self, Core};
use crate::hub::inbox::{HubNumber, Message};
use crate::hub::inboxes;
use crate::hub::reactor;

#[derive(Default)]
pub(super) struct Registration {
    home: OnceLock<Place>,
    /// The other hubs that have waited for it. Rarely any.
    others: Mutex<Vec<Place>>,
    /// The open file may outlive its use here, so that the kernel's interest has to be ended.
    is_shared: AtomicBool,
    is_closed: AtomicBool,
}

#[derive(Clone, Copy)]
struct Place {
    hub: HubNumber,
    /// The hub's term: its number may be another hub's by now, who knows no such source.
    term: u64,
    key: u64,
}

impl Place {
    #[inline]
    fn is_in(&self, core: &Core) -> bool {
        self.hub == core.number() && self.term == core.term()
    }
}

impl Registration {
    /// The descriptor's key in this hub, if it is a source here.
    #[inline]
    pub(super) fn known(&self, core: &Core) -> Option<u64> {
        let home = self.home.get()?;
        if home.is_in(core) { Some(home.key) } else { self.known_elsewhere(core) }
    }

    #[cold]
    fn known_elsewhere(&self, core: &Core) -> Option<u64> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.iter().find(|place| place.is_in(core)).map(|place| place.key)
    }

    /// The descriptor's key in this hub, where it becomes a source if it is none yet.
    pub(super) fn key(&self, core: &Core, fd: BorrowedFd<'_>) -> io::Result<u64> {
        match self.known(core) {
            Some(key) => Ok(key),
            None => self.enter(core, fd),
        }
    }

    #[cold]
    fn enter(&self, core: &Core, fd: BorrowedFd<'_>) -> io::Result<u64> {
        let key = core.reactor().add(fd)?;
        let place = Place { hub: core.number(), term: core.term(), key };
        if self.home.set(place).is_err() {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            // A hub that had the same inbox has ended.
            others.retain(|other| other.hub != place.hub);
            others.push(place);
        }
        // Pairs with the fence in `mark_closed`: either this sees the mark, or who closes sees the
        // new place.
        fence(Ordering::SeqCst);
        if self.is_closed() {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        Ok(key)
    }

    pub(super) fn set_shared(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(super) fn mark_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Ends the descriptor's life as a source, in every hub, waking who waits there.
    pub(super) fn release(&self, fd: BorrowedFd<'_>) {
        let Some(home) = self.home.get() else { return };
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        for place in std::iter::once(home).chain(others.iter()) {
            self.leave(place, fd);
        }
    }

    fn leave(&self, place: &Place, fd: BorrowedFd<'_>) {
        let interest_stays = self.is_shared.load(Ordering::Relaxed) || !reactor::CLOSE_DELETES;
        let left = core::try_with(|core| {
            let here = place.is_in(core);
            if here {
                if interest_stays {
                    // An error means that the kernel has no interest in it any more.
                    let _ = core.reactor().delete(fd);
                }
                core.reactor().forget(place.key);
            }
            here
        });
        if left != Some(true) {
            if interest_stays {
                inboxes::of(place.hub).end_interest(fd);
            }
            // Where that hub has ended there is nothing left to forget.
            inboxes::of(place.hub).put(Message::Forget { key: place.key });
        }
    }
}

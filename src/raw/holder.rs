//! Who holds what others wait for, in one word that costs a store to write.

use super::fiber::Head;
use super::thread;
use crate::guarded;

/// One who holds something, or nobody.
///
/// It is not followed: a holder may have ended without giving back what it held, and then it is found
/// nowhere, or is taken for one that lies where it lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder(u64);

/// Beside an address, which is even.
const IS_ADDRESS: u64 = 1;

/// Beside two numbers.
const IS_NUMBERED: u64 = 1 << 63;

/// What a holder is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Where its head lies; or, for main of a thread that had no fibers yet, the thread's own number.
    At(usize),
    /// The number of its hub, and its own there.
    Numbered(u32, u32),
}

impl Holder {
    pub(crate) const NOBODY: Holder = Holder(0);

    /// One who is not known.
    pub(crate) const SOMEBODY: Holder = Holder(IS_NUMBERED);

    /// The current fiber.
    #[inline(always)]
    pub(crate) fn here() -> Holder {
        let address = match thread::running_address() {
            0 => guarded::this_thread(),
            head => head,
        };
        Holder(address as u64 | IS_ADDRESS)
    }

    /// A fiber that has been given it, and has not run since: the number of its hub, and its own in the
    /// lower half.
    #[inline(always)]
    pub(crate) fn numbered(whose: u64) -> Holder {
        Holder(IS_NUMBERED | whose)
    }

    #[inline(always)]
    pub(crate) fn is_somebody(self) -> bool {
        self != Holder::NOBODY
    }

    pub(crate) fn find(self) -> Option<Found> {
        if !self.is_somebody() {
            return None;
        }
        Some(if self.0 & IS_NUMBERED == 0 {
            Found::At((self.0 & !IS_ADDRESS) as usize)
        } else {
            Found::Numbered(((self.0 & !IS_NUMBERED) >> 32) as u32, self.0 as u32)
        })
    }
}

/// How something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// By nobody, or it is nothing that is held, or not known.
    Unknown,
    By(Holder),
    /// By so many, who are not known.
    Several(usize),
    /// Who was the last to take one of those that there are.
    LastTaken(Holder),
}

/// What one waits for, and somebody may hold.
pub(crate) trait Held {
    fn holding(&self) -> Holding;
}

/// Where a head lies, to be compared with a holder's.
pub(crate) fn address(head: &Head) -> usize {
    std::ptr::from_ref(head).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_found_by_what_it_was_made_of() {
        assert_eq!(Holder::NOBODY.find(), None);
        assert_eq!(Holder::numbered(7 << 32).find(), Some(Found::Numbered(7, 0)));
        let last = Holder::numbered(u64::MAX >> 1);
        assert_eq!(last.find(), Some(Found::Numbered(u32::MAX >> 1, u32::MAX)));
        let at_first = std::thread::spawn(|| (Holder::here().find(), guarded::this_thread()));
        let (found, thread) = at_first.join().unwrap();
        assert_eq!(found, Some(Found::At(thread)), "a thread that has no fibers yet");
        let main = thread::current_head(address);
        assert_eq!(Holder::here().find(), Some(Found::At(main)));
    }
}

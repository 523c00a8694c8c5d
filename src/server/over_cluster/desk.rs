//! Which hub gets which connection.
//!
//! ```text
//!   accepted ──deal──▶ dealt to a hub ──its acceptor takes it──▶ held by a handler ──▶ let go
//!                        │        ▲
//!                        └────────┘ the hub is deaf, or lost: dealt to another
//! ```
//!
//! Each step is one look under one lock, so a connection is in one place at a time. What is dealt is
//! not the hub's yet: it is there to be taken by a hub that has come round.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::greenlet::sleep;
use crate::hub::error_hook;
use crate::server::running::UNWINDING_LIMIT;
use crate::server::source::Listener;
use crate::sync::Event;

/// For how long a hub may leave what was dealt to it before it counts as deaf. A thread that merely has to
/// wait for a processor is back sooner.
const PATIENCE: Duration = Duration::from_millis(100);

/// A connection that has no handler yet.
pub(super) type Offer<L> = (<L as super::Accept>::Stream, <L as super::Accept>::Addr);

pub(super) struct Desk<L: Listener> {
    pub(super) address: L::Addr,
    /// How many connections a hub may have.
    most: usize,
    seats: Mutex<Vec<Seat<L>>>,
    /// For each hub: set when something was dealt to it.
    calls: Box<[Event]>,
    /// Set when a hub has room again, or is lost.
    room: Event,
    /// Set when something was dealt to anyone.
    dealt: Event,
    /// Set when nothing more will be dealt.
    pub(super) closed: Event,
}

/// What one hub has.
struct Seat<L: Listener> {
    offers: VecDeque<Offer<L>>,
    /// With what was dealt to it.
    live: usize,
    taken: u64,
    /// How often it has looked for offers.
    looks: u64,
    /// It has not looked for long although there was something.
    is_deaf: bool,
    is_gone: bool,
}

/// What a hub of a [`ClusterServer`](super::ClusterServer) has to do with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubConnections {
    /// How many connections it has been given since the start.
    pub taken: u64,
    /// How many of those it has now, with those whose handlers are about to begin.
    pub live: usize,
    /// Whether it gets none any more: the server has stopped there, or the hub has ended.
    pub is_gone: bool,
}

impl<L: Listener> Desk<L> {
    pub(super) fn new(hubs: usize, most: usize, address: L::Addr) -> Desk<L> {
        Desk {
            address,
            most,
            seats: Mutex::new((0..hubs).map(|_| Seat::new()).collect()),
            calls: (0..hubs).map(|_| Event::new()).collect(),
            room: Event::new(),
            dealt: Event::new(),
            closed: Event::new(),
        }
    }

    pub(super) fn stats(&self) -> Vec<HubConnections> {
        self.lock().iter().map(Seat::stats).collect()
    }

    pub(super) fn live(&self, hub: usize) -> usize {
        self.lock()[hub].live
    }

    // ---- where connections are accepted -----------------------------------------------------

    /// Waits until some hub may have one more.
    pub(super) fn wait_for_room(&self) -> io::Result<()> {
        loop {
            let seats = self.lock();
            if seats.iter().any(|seat| seat.has_room(self.most)) {
                return Ok(());
            }
            // Under the lock: whoever makes room sets it after that.
            self.room.clear();
            drop(seats);
            self.room.wait().map_err(io::Error::other)?;
        }
    }

    /// Gives it to the hub that has the fewest, or closes it if all hubs are gone.
    pub(super) fn deal(&self, offer: Offer<L>) {
        let mut seats = self.lock();
        let Some(hub) = self.choose(&seats) else {
            drop(seats);
            return self.turn_away(offer);
        };
        seats[hub].give(offer);
        drop(seats);
        self.calls[hub].set();
        self.dealt.set();
    }

    /// Those that have room, and hear, come first; among equals the one that was given the fewest, so that
    /// short connections are shared as well.
    fn choose(&self, seats: &[Seat<L>]) -> Option<usize> {
        let present = (0..seats.len()).filter(|hub| !seats[*hub].is_gone);
        present.min_by_key(|hub| {
            let seat = &seats[*hub];
            (seat.live >= self.most, seat.is_deaf, seat.live, seat.taken)
        })
    }

    fn turn_away(&self, (stream, peer): Offer<L>) {
        drop(stream);
        let origin = format!("the server on {:?}", self.address);
        let text = format!("{origin} has closed the connection of {peer:?}: its hubs have ended");
        error_hook::complain(&origin, text);
    }

    /// Takes from deaf hubs what was dealt to them, for as long as the server accepts.
    pub(super) fn watch(&self) {
        loop {
            let before = self.look();
            let waited = match before.iter().any(Option::is_some) {
                true => {
                    sleep(PATIENCE);
                    self.rescue(&before);
                    Ok(())
                }
                false => self.dealt.wait(),
            };
            if waited.is_err() {
                return;
            }
        }
    }

    /// How often each hub has looked that has something to take.
    fn look(&self) -> Vec<Option<u64>> {
        let seats = self.lock();
        let looks = |seat: &Seat<L>| (!seat.offers.is_empty()).then_some(seat.looks);
        let looks: Vec<_> = seats.iter().map(looks).collect();
        self.dealt.clear();
        looks
    }

    /// Moves what lies with hubs that have not looked since `before` to those that do.
    fn rescue(&self, before: &[Option<u64>]) {
        let mut seats = self.lock();
        let mut called = Vec::new();
        for (deaf, before) in before.iter().enumerate() {
            if seats[deaf].offers.is_empty() || Some(seats[deaf].looks) != *before {
                continue;
            }
            seats[deaf].is_deaf = true;
            while let Some(hub) = self.choose(&seats)
                && !seats[hub].is_deaf
                && seats[hub].has_room(self.most)
                && let Some(offer) = seats[deaf].take_back()
            {
                seats[hub].give(offer);
                called.push(hub);
            }
        }
        drop(seats);
        called.iter().for_each(|hub| self.calls[*hub].set());
    }

    // ---- where connections are served -------------------------------------------------------

    /// Waits until something was dealt to this hub, and takes it.
    pub(super) fn take(self: &Arc<Self>, hub: usize) -> io::Result<(L::Stream, Held<L>, L::Addr)> {
        loop {
            let mut seats = self.lock();
            let seat = &mut seats[hub];
            seat.looks += 1;
            seat.is_deaf = false;
            if let Some((stream, peer)) = seat.offers.pop_front() {
                return Ok((stream, Held { desk: Arc::clone(self), hub }, peer));
            }
            self.calls[hub].clear();
            drop(seats);
            self.calls[hub].wait().map_err(io::Error::other)?;
        }
    }

    /// What was dealt to this hub, when nothing more will be. That is soon, or `limit` is over.
    pub(super) fn take_last(
        self: &Arc<Self>,
        hub: usize,
        limit: Duration,
    ) -> Vec<(L::Stream, Held<L>, L::Addr)> {
        // What comes later is dealt to others, or closed, when this hub leaves.
        let _ = self.closed.wait_for(limit.max(UNWINDING_LIMIT));
        let offers = std::mem::take(&mut self.lock()[hub].offers);
        let hold = |(stream, peer)| (stream, Held { desk: Arc::clone(self), hub }, peer);
        offers.into_iter().map(hold).collect()
    }

    /// Counts a connection that the hub itself has accepted.
    pub(super) fn enter(self: &Arc<Self>, hub: usize) -> Held<L> {
        let mut seats = self.lock();
        seats[hub].live += 1;
        seats[hub].taken += 1;
        drop(seats);
        Held { desk: Arc::clone(self), hub }
    }

    /// This hub serves nothing more; what was dealt to it goes to others. Returns whether it was the last.
    pub(super) fn leave(&self, hub: usize) -> bool {
        let mut seats = self.lock();
        seats[hub].is_gone = true;
        let mut left = Vec::new();
        while let Some(offer) = seats[hub].take_back() {
            left.push(offer);
        }
        let is_last = seats.iter().all(|seat| seat.is_gone);
        drop(seats);
        left.into_iter().for_each(|offer| self.deal(offer));
        self.room.set();
        is_last
    }

    /// Nothing of the program's runs while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Vec<Seat<L>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Listener> Seat<L> {
    fn new() -> Seat<L> {
        Seat {
            offers: VecDeque::new(),
            live: 0,
            taken: 0,
            looks: 0,
            is_deaf: false,
            is_gone: false,
        }
    }

    fn has_room(&self, most: usize) -> bool {
        !self.is_gone && self.live < most
    }

    fn give(&mut self, offer: Offer<L>) {
        self.offers.push_back(offer);
        self.live += 1;
        self.taken += 1;
    }

    /// What has waited longest, as if it had not been dealt.
    fn take_back(&mut self) -> Option<Offer<L>> {
        let offer = self.offers.pop_front()?;
        self.live -= 1;
        self.taken -= 1;
        Some(offer)
    }

    fn stats(&self) -> HubConnections {
        HubConnections { taken: self.taken, live: self.live, is_gone: self.is_gone }
    }
}

/// A connection that a hub has, until this is dropped.
pub(super) struct Held<L: Listener> {
    desk: Arc<Desk<L>>,
    hub: usize,
}

impl<L: Listener> Drop for Held<L> {
    fn drop(&mut self) {
        let mut seats = self.desk.lock();
        let was_full = seats[self.hub].live >= self.desk.most;
        seats[self.hub].live -= 1;
        drop(seats);
        if was_full {
            self.desk.room.set();
        }
    }
}

//! The loop of a server: one after the other is taken, and given to a handler.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::back_off::{BackOff, Trouble};
use super::running::Running;
use super::source::Source;
use crate::greenlet::{Builder, Exit, Unstarted, current, sleep};
use crate::hub::error_hook;
use crate::pool::PoolFull;

/// What an acceptor does. Where it is dropped and still is on shift, someone has killed it.
pub(super) struct Acceptor<S: Source> {
    server: Rc<Running<S>>,
    shift: u64,
}

impl<S: Source> Acceptor<S> {
    pub(super) fn new(server: &Rc<Running<S>>, shift: u64) -> Acceptor<S> {
        Acceptor { server: Rc::clone(server), shift }
    }

    pub(super) fn run(self) {
        self.server.accept_all(self.shift);
    }
}

impl<S: Source> Drop for Acceptor<S> {
    fn drop(&mut self) {
        if self.server.is_on_shift(self.shift) {
            self.server.fail(io::Error::other("the greenlet that accepts was ended"));
        }
    }
}

impl<S: Source> Running<S> {
    /// What the acceptor does, until it is killed or nothing can come any more.
    fn accept_all(self: &Rc<Self>, shift: u64) {
        let mut back_off = BackOff::new(self.settings.borrow().back_off);
        // Asked each time: an error hook may have stopped the server.
        while let Some(source) = self.source_for(shift) {
            let accepted = self.accept_one(&*source);
            // An error hook may stop the server, and that closes it.
            drop(source);
            match accepted {
                Ok(()) => back_off.succeeded(),
                Err(Trouble::OfOne) => {}
                Err(Trouble::Starved(error)) => {
                    let (pause, is_news) = back_off.failed();
                    if is_news {
                        self.complain(&format!("cannot accept for now: {error}"));
                    }
                    if self.is_on_shift(shift) {
                        sleep(pause);
                    }
                }
                Err(Trouble::Fatal(error)) => {
                    self.complain(&format!("has stopped: {error}"));
                    if self.is_on_shift(shift) {
                        self.fail(error);
                    }
                    return;
                }
            }
        }
    }

    fn accept_one(self: &Rc<Self>, source: &S) -> Result<(), Trouble> {
        self.wait_for_room();
        // There is one already if it found no room before.
        let arrived = match self.arrived.take() {
            Some(arrived) => arrived,
            None => {
                let arrived = source.next().map_err(Trouble::of)?;
                self.limit(&arrived.0).map_err(|_| Trouble::OfOne)?;
                arrived
            }
        };
        self.arrived.set(Some(arrived));
        self.hand_over(Duration::ZERO).map_err(Trouble::Starved)
    }

    /// So nothing is accepted that would have to wait for a slot: it waits in the kernel.
    fn wait_for_room(&self) {
        let pool = self.settings.borrow().pool.clone();
        if let Some(pool) = pool {
            pool.wait_available();
        }
    }

    fn limit(&self, item: &S::Item) -> io::Result<()> {
        let limit = self.settings.borrow().idle_limit;
        limit.map_or(Ok(()), |limit| S::set_idle_limit(item, limit))
    }

    /// Gives what has arrived to a handler of its own. What finds no memory, or no slot within
    /// `limit`, stays where it is.
    pub(super) fn hand_over(self: &Rc<Self>, limit: Duration) -> io::Result<()> {
        let Some(arrived) = self.arrived.take() else { return Ok(()) };
        if !S::IN_GREENLETS {
            (self.handle)(self, arrived.0, arrived.1);
            return Ok(());
        }
        let seat = Rc::new(Cell::new(Some(arrived)));
        let mut put_back = PutBack { server: self, seat: Some(Rc::clone(&seat)) };
        let own = Rc::clone(self);
        let handler = Builder::new().background(self.is_in_background()).create(move || {
            if let Some((item, peer)) = seat.take() {
                own.handle_one(item, peer);
            }
        })?;
        if self.start_handler(handler, limit) {
            put_back.seat = None;
        }
        Ok(())
    }

    /// `false` if there was no slot for it.
    fn start_handler(&self, handler: Unstarted<()>, limit: Duration) -> bool {
        let pool = self.settings.borrow().pool.clone();
        let Some(pool) = pool else {
            self.handlers.start(handler);
            return true;
        };
        self.handlers.add(handler.greenlet());
        match pool.start_for(limit, handler) {
            Ok(_) => true,
            // Dropped, it has ended, and so is no handler any more.
            Err(PoolFull(_)) => false,
        }
    }

    /// What a handler's greenlet does. A panic ends it, and is reported as that of its peer.
    fn handle_one(self: &Rc<Self>, item: S::Item, peer: S::Peer) {
        let who = peer.clone();
        let handled = catch_unwind(AssertUnwindSafe(|| (self.handle)(self, item, peer)));
        if let Err(payload) = handled {
            if !payload.is::<Exit>() {
                // Only now: most never need a name.
                current().set_name(format!("handler of {who:?}"));
            }
            resume_unwind(payload);
        }
    }

    pub(super) fn complain(&self, text: &str) {
        self.complain_as(&self.name(), text);
    }

    pub(super) fn complain_as(&self, name: &str, text: &str) {
        error_hook::complain(name, format!("{name} {text}"));
    }

    /// What it is called in complaints, for as long as it has its source.
    pub(super) fn name(&self) -> String {
        match self.local_addr() {
            Ok(address) => format!("the server on {address:?}"),
            Err(_) => "a server".to_owned(),
        }
    }
}

/// Puts back what its handler has not taken over, however that came about.
struct PutBack<'a, S: Source> {
    server: &'a Running<S>,
    seat: Option<Seat<S>>,
}

type Seat<S> = Rc<Cell<Option<(<S as Source>::Item, <S as Source>::Peer)>>>;

impl<S: Source> Drop for PutBack<'_, S> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.server.arrived.set(seat.take());
        }
    }
}

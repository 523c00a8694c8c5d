//! The two ends of the desk, as the one loop sees them.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::desk::{Desk, Held};
use crate::hub::core;
use crate::server::source::{Listener, Source};

/// The listener, where what is accepted is dealt out.
pub(super) struct Dealing<L: Listener> {
    pub(super) listener: L,
    pub(super) desk: Arc<Desk<L>>,
}

impl<L: Listener> Source for Dealing<L> {
    type Item = L::Stream;
    type Peer = L::Addr;

    const ANSWERS: bool = false;
    // To deal is not to wait.
    const IN_GREENLETS: bool = false;

    fn next(&self) -> io::Result<(L::Stream, L::Addr)> {
        self.desk.wait_for_room()?;
        self.listener.next()
    }

    fn address(&self) -> io::Result<L::Addr> {
        Ok(self.desk.address.clone())
    }

    fn prepare(&self, _: Option<i32>) -> io::Result<()> {
        self.listener.make_wait()
    }

    fn set_idle_limit(_: &L::Stream, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// What is dealt to one hub.
pub(super) struct Dealt<L: Listener> {
    pub(super) desk: Arc<Desk<L>>,
    pub(super) hub: usize,
}

impl<L: Listener> Source for Dealt<L> {
    type Item = (L::Stream, Held<L>);
    type Peer = L::Addr;

    const ANSWERS: bool = false;

    fn next(&self) -> io::Result<(Self::Item, L::Addr)> {
        // As an accept would: while many come their handlers have turns.
        core::spend_operation();
        self.desk.take(self.hub).map(|(stream, held, peer)| ((stream, held), peer))
    }

    fn address(&self) -> io::Result<L::Addr> {
        Ok(self.desk.address.clone())
    }

    fn prepare(&self, _: Option<i32>) -> io::Result<()> {
        Ok(())
    }

    fn set_idle_limit((stream, _): &Self::Item, limit: Duration) -> io::Result<()> {
        L::set_limit(stream, limit)
    }

    fn end(self: Rc<Self>, limit: Duration) -> Vec<(Self::Item, L::Addr)> {
        let last = self.desk.take_last(self.hub, limit);
        last.into_iter().map(|(stream, held, peer)| ((stream, held), peer)).collect()
    }
}

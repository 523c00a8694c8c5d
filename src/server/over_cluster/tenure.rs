//! How long a part lasts, and what is to be done when it is over.

use std::io;
use std::sync::{Arc, PoisonError};

use super::life::Life;
use super::part::Orders;
use crate::clock::Moment;
use crate::server::source::Listener;

/// Whose part it is.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Front,
    Hub(usize),
}

/// A part, from before its thread has heard of it. To drop it is its end, wherever that comes.
pub(super) struct Tenure<L: Listener> {
    pub(super) life: Arc<Life<L>>,
    pub(super) orders: Arc<Orders>,
    pub(super) place: Place,
    pub(super) failure: Option<io::Error>,
}

impl<L: Listener> Tenure<L> {
    pub(super) fn end(mut self, failure: Option<io::Error>) {
        self.failure = failure;
    }
}

impl<L: Listener> Drop for Tenure<L> {
    fn drop(&mut self) {
        let life = &self.life;
        match self.place {
            Place::Front => {
                life.desk.closed.set();
                // Its own thread cannot wait for itself, which ends once this is done.
                let front = life.front.lock().unwrap_or_else(PoisonError::into_inner).take();
                drop(front);
            }
            Place::Hub(hub) => {
                if life.desk.leave(hub) {
                    life.accepting().iter().for_each(|orders| orders.stop(Moment::ZERO));
                }
            }
        }
        self.orders.end();
        life.note_end(self.failure.take());
    }
}

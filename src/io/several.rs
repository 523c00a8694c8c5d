//! Waiting for the first of several descriptors.
//!
//! One greenlet tries each of them, and each says that it would block. Then the greenlet's one
//! waker stands in the queue of each, and the first report wakes it; which one that was
//! it finds out by trying again.

use std::io;
use std::os::fd::BorrowedFd;

use super::cooperative::{Place, refused};
use super::registration::Registration;
use crate::clock::Moment;
use crate::hub::core;
use crate::hub::reactor::Direction;
use crate::hub::waiter::{self, Unwinding, Woken};
use crate::raw::fiber::{Reach, WaitKind};

static SEVERAL: WaitKind =
    WaitKind { text: "for one of several descriptors", numbered: false, reach: Reach::Outside };

/// A direction of a descriptor in which the last attempt would have blocked.
pub(crate) struct Wish<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    direction: Direction,
}

impl<'a> Wish<'a> {
    pub(super) fn new(
        registration: &'a Registration,
        fd: BorrowedFd<'a>,
        direction: Direction,
    ) -> Wish<'a> {
        Wish { registration, fd, direction }
    }
}

/// Waits until the kernel reports a change in one of them; `false` if `deadline` came first.
///
/// It may return early: the next attempt decides.
///
/// # Errors
///
/// If the kernel cannot wait for one of them, or the greenlet unwinds.
pub(crate) fn wait_for_any(wishes: &[Wish<'_>], deadline: Moment) -> io::Result<bool> {
    core::with(|core| {
        let reactor = core.reactor();
        let mut places = Vec::with_capacity(wishes.len());
        for Wish { registration, fd, direction } in wishes {
            let key = registration.key(core, *fd)?;
            places.push(Place { reactor, key, direction: *direction, waker: None });
        }
        let _counted = reactor.count_waiter();
        // All but one of the queues still hold the waker afterwards, so every place is given up.
        let woken = waiter::park(&SEVERAL, 0, deadline, |waker| {
            for place in &mut places {
                if reactor.enlist(place.key, place.direction, waker) {
                    place.waker = Some(waker);
                } else {
                    waker.wake();
                }
            }
        });
        match woken {
            Ok(woken) => Ok(woken == Woken::ByWaker),
            Err(Unwinding) => Err(refused()),
        }
    })
}

//! Trying again, where the kernel does not tell when to.
//!
//! It tells nobody when there is room in the queue of a Unix listener that one connects to, nor at a
//! receiver of Unix datagrams that one is not connected to.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use super::Cooperative;
use crate::clock::Moment;
use crate::hub::core;
use crate::hub::waiter::{self, Unwinding};
use crate::raw::fiber::{Reach, WaitKind};

const FIRST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(20);

static CONNECT: WaitKind =
    WaitKind { text: "for room at a listener", numbered: false, reach: Reach::Outside };
static SEND: WaitKind =
    WaitKind { text: "for room at a receiver", numbered: false, reach: Reach::Outside };

/// Calls `connect` until it no longer would block, for as long as it takes.
pub(crate) fn connect(connect: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    try_again(&CONNECT, Moment::NEVER, connect)
}

impl<T: AsFd> Cooperative<T> {
    /// As [`write_with`](Self::write_with), for what the kernel gives no readiness for: tries at
    /// growing distances, while others run.
    pub(crate) fn write_patiently<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        core::spend_operation();
        let deadline = match self.write_timeout() {
            _ if self.is_nonblocking() => Moment::ZERO,
            None => Moment::NEVER,
            Some(limit) => Moment::after(limit),
        };
        try_again(&SEND, deadline, || {
            // Each time: it may be closed meanwhile.
            self.refuse_closed()?;
            operation(self.get_ref())
        })
    }
}

/// Tries until it no longer would block, or the deadline has passed, which is `WouldBlock` as in
/// std.
fn try_again<R>(
    kind: &'static WaitKind,
    deadline: Moment,
    mut operation: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    let mut pause = FIRST;
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Moment::now() >= deadline {
                    return Err(error);
                }
            }
            answer => return answer,
        }
        let next = Moment::after(pause).min(deadline);
        if let Err(Unwinding) = waiter::park(kind, 0, next, |_| ()) {
            return Err(io::Error::other("a greenlet cannot wait while it unwinds"));
        }
        pause = (pause * 2).min(LONGEST);
    }
}

//! To wait before something that is held, so that reports can ask by whom.
//!
//! # Why this file is unsafe
//!
//! A report asks through a pointer to the frame of the one that waits.
#![allow(unsafe_code)]

use super::waiter::{self, Begin, Looked, Unwinding, Woken};
use crate::clock::Moment;
use crate::raw::holder::Held;
use crate::raw::thread;
use crate::raw::waiting::{Place, WaitKind};

/// As [`park_unless`](waiter::park_unless), for what `held` is.
///
/// # Errors
///
/// As `park_unless`.
#[inline(always)]
pub(super) fn park_before<H, P>(
    held: &dyn Held,
    kind: &'static WaitKind,
    deadline: Moment,
    enter: impl Fn(Begin) -> Looked<H, P>,
    entered: impl FnOnce(&P) -> &'static WaitKind,
) -> Result<Result<H, (P, Woken)>, Unwinding> {
    let place = Place(held);
    let stand = |entry: &P| {
        let kind = entered(entry);
        // SAFETY: the place is borrowed until `park_unless` is left. That has its caller's head say that
        // it waits for nothing before it returns or unwinds, once it has called this.
        thread::current_head(|head| unsafe { head.waiting_for.stand_at(&place) });
        kind
    };
    waiter::park_unless(kind, deadline, enter, stand)
}

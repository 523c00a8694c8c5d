//! Which spans the fibers of this thread are in.
//!
//! Those of the one that runs are what the subscriber has for this thread. Those of the others lie here, and the
//! subscriber does not know of them. When another fiber runs, the one list is left and the other is entered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::tracing::Subscriber;
use ::tracing::span::Id;

use crate::raw::thread;
use crate::raw::trace::{self, Around};

/// A span that was entered and not left.
struct Entered {
    subscriber: Arc<dyn Subscriber + Send + Sync>,
    id: Id,
}

/// Main's serial: what runs first in each thread.
const MAIN: u64 = 0;

#[derive(Default)]
struct Here {
    /// Of whoever runs: what the subscriber knows of.
    entered: Vec<Entered>,
    /// Of the others, by their serials.
    away: BTreeMap<u64, Vec<Entered>>,
}

thread_local! {
    static HERE: RefCell<Here> = RefCell::default();
    /// Who runs, by its serial; `None` while the loop does.
    static RUNS: Cell<Option<u64>> = const { Cell::new(Some(MAIN)) };
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

struct Switches;

impl Around for Switches {
    fn runs(&self, serial: u64) {
        go_to(Some(serial));
    }

    fn rests(&self, serial: u64, is_over: bool) {
        go_to(None);
        if is_over {
            // It has forgotten its guards.
            let _ = with(|here| here.away.remove(&serial));
        }
    }
}

/// Has every hub that is made from now on tell of its switches.
pub(super) fn prepare() {
    trace::put_around(&Switches);
}

/// Notes that whoever runs has entered a span.
pub(super) fn entered(subscriber: Arc<dyn Subscriber + Send + Sync>, id: Id) {
    if !IS_TOLD.get() {
        be_told();
    }
    with(|here| here.entered.push(Entered { subscriber, id }));
}

/// A hub that was there before the first [`prepare`] knows of nothing yet.
#[cold]
fn be_told() {
    let running = thread::try_current_head(|head| {
        let is_loop = thread::is_called_by_loop(head);
        (!is_loop).then(|| head.serial.get())
    });
    if let Some(running) = running {
        IS_TOLD.set(true);
        RUNS.set(running);
        trace::attend_around();
    }
}

/// Notes that a span was left; returns whether the subscriber has still to be told.
///
/// As a rule it is of whoever runs. One that is unwound on top of another, since its last handle was
/// dropped, leaves its own, which were left for the subscriber when it was suspended; and so were
/// those of one whose guard another drops.
pub(super) fn left(id: &Id) -> bool {
    let unwound = thread::try_current_head(|head| {
        let is_loop = thread::is_called_by_loop(head);
        (!is_loop).then(|| head.serial.get())
    });
    let unwound = unwound.flatten().filter(|serial| RUNS.get() != Some(*serial));
    let taken = with(|here| {
        let own = unwound.and_then(|serial| here.away.get_mut(&serial));
        if let Some(entered) = own.and_then(|list| take(list, id)) {
            return Some((entered, false));
        }
        if let Some(entered) = take(&mut here.entered, id) {
            return Some((entered, true));
        }
        here.away.values_mut().find_map(|list| Some((take(list, id)?, false)))
    });
    // Dropped when nothing is borrowed: it may be the last of its subscriber.
    taken.flatten().is_none_or(|(_entered, is_known)| is_known)
}

/// Takes the innermost with this id out of a list.
fn take(list: &mut Vec<Entered>, id: &Id) -> Option<Entered> {
    let place = list.iter().rposition(|entered| entered.id == *id)?;
    Some(list.remove(place))
}

/// Leaves the spans of whoever ran, and enters those of whoever runs now.
fn go_to(next: Option<u64>) {
    let before = RUNS.replace(next);
    if before == next {
        return;
    }
    let left = with(|here| mem::take(&mut here.entered)).unwrap_or_default();
    if !left.is_empty() {
        for entered in left.iter().rev() {
            tell(|| entered.subscriber.exit(&entered.id));
        }
        with(|here| before.map(|before| here.away.insert(before, left)));
    }
    let Some(next) = next else { return };
    let list = with(|here| here.away.remove(&next)).flatten().unwrap_or_default();
    if !list.is_empty() {
        for entered in &list {
            tell(|| entered.subscriber.enter(&entered.id));
        }
        with(|here| here.entered = list);
    }
}

/// The loop must not unwind: what panics here has called the panic hook.
fn tell(subscriber: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(subscriber));
}

/// `None` in a thread that ends. What is called must not call a subscriber, which may come back here.
fn with<R>(f: impl FnOnce(&mut Here) -> R) -> Option<R> {
    HERE.try_with(|here| f(&mut here.borrow_mut())).ok()
}

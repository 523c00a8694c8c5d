//! What a hub tells of itself, on its own thread.

use super::asking::Questions;
use super::data::{GreenletDump, Kind, Seen, StackUse, State};
use super::{timing, traces};
use crate::greenlet::AnyGreenlet;
use crate::hub::report::{self, Present};
use crate::hub::{Hub, core};
use crate::raw::fiber::{FiberRef, Head, NOTHING};
use crate::raw::thread::{self, Thread};
use crate::stack;

/// What this thread's hub runs; `None` if it has none, or is ending.
pub(super) fn this_hub(questions: Questions) -> Option<Seen> {
    core::try_with(|_| ())?;
    let mut fibers = thread::try_with(Thread::fibers)?;
    fibers.retain(|fiber| !core::is_left_behind(&fiber.head));
    let present = Present::new(&fibers);
    Some(seen(&fibers, Some(&present), questions))
}

/// As [`this_hub`], with only so many of its greenlets: those that have the lowest numbers from
/// `first` on; and without who holds what they wait for. Also the number from which there may be more.
pub(crate) fn part(first: u32, at_most: usize) -> Option<(Seen, Option<u32>)> {
    core::try_with(|_| ())?;
    let mut fibers = thread::try_with(|thread| thread.fibers_from(first, at_most))?;
    let next = fibers.get(at_most - 1).map(|last| last.head.id.get() + 1);
    fibers.retain(|fiber| !core::is_left_behind(&fiber.head));
    Some((seen(&fibers, None, Questions::default()), next))
}

fn seen(fibers: &[FiberRef], present: Option<&Present<'_>>, questions: Questions) -> Seen {
    let greenlets = fibers.iter().map(|fiber| greenlet(fiber, present, questions)).collect();
    Seen { stats: Hub::current().stats(), slices: timing::slices(), greenlets }
}

fn greenlet(fiber: &FiberRef, present: Option<&Present<'_>>, questions: Questions) -> GreenletDump {
    let head = &fiber.head;
    let any = AnyGreenlet::from(fiber.clone());
    let kind = match (head.is_main(), any.is_spawned()) {
        (true, _) => Kind::Main,
        (_, true) => Kind::Spawned,
        _ => Kind::Raw,
    };
    let state = state(&any);
    let is_away = matches!(state, State::Ready | State::Parked | State::Switched);
    let waits = (is_away && has_reason(head)).then(|| match present {
        Some(present) => report::what_held(head, present),
        None => report::what(head),
    });
    // Before a trace is taken, which touches more of it.
    let stack = stack(head, state, questions);
    GreenletDump {
        id: head.id.get(),
        serial: head.serial.get(),
        name: any.name(),
        kind,
        state,
        waits,
        idle: is_away.then(|| timing::idle(head)).flatten(),
        spawned_at: (kind != Kind::Main).then(|| head.made_at.to_string()),
        spawner: head.made_by.get(),
        spawner_serial: head.made_by_serial.get(),
        is_background: head.background.get(),
        ignored_kills: head.extra().map_or(0, |extra| extra.kills.get()),
        stack,
        locals: locals(head),
        trace: questions.traces.then(|| traces::trace_of(&any)),
    }
}

/// Whether it is in a wait, or in a raw switch: one that has yielded has nothing to wait for.
fn has_reason(head: &Head) -> bool {
    !head.mailbox.get().is_null() || !std::ptr::eq(head.waiting_for.get().kind, &raw const NOTHING)
}

fn state(greenlet: &AnyGreenlet) -> State {
    let head = &greenlet.fiber().head;
    if thread::is_current(head) && !thread::is_called_by_loop(head) {
        return State::Running;
    }
    let is_parked = head.wait.get() != 0;
    if head.is_unstarted() {
        return match (is_parked, greenlet.is_started()) {
            (true, _) => State::Parked,
            (false, true) => State::Ready,
            (false, false) => State::Unstarted,
        };
    }
    if !head.mailbox.get().is_null() {
        return State::Switched;
    }
    if is_parked { State::Parked } else { State::Ready }
}

fn stack(head: &Head, state: State, questions: Questions) -> Option<StackUse> {
    if head.is_main() {
        return None;
    }
    let (lowest, size) = head.stack();
    let used = match state {
        State::Running => None,
        _ if head.is_unstarted() => Some(0),
        _ => Some(size.saturating_sub(head.room_left())),
    };
    let lowest = lowest.filter(|_| questions.stacks);
    let touched = lowest.and_then(|lowest| stack::touched(lowest, size));
    Some(StackUse { size, used, touched })
}

fn locals(head: &Head) -> Vec<&'static str> {
    // Borrowed for long nowhere; but what is asked while a value is made finds it so.
    let locals = head.extra().and_then(|extra| extra.locals.try_borrow().ok());
    locals.map_or_else(Vec::new, |locals| locals.iter().map(|local| local.type_name).collect())
}

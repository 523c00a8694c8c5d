//! What a client wants to know of a hub, or wants it to do: on this thread's at once, on others in their
//! loops.

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::debug::{self, Dump, HubDump, NoTrace, Seen, StackTrace};
use crate::greenlet::{AnyGreenlet, yield_now};
use crate::hub::core;
use crate::hub::inbox::{Inbox, Message};
use crate::hub::{inboxes, report};
use crate::queue::Queue;
use crate::raw::thread;

/// A hub that has not come round by then is busy.
const LIMIT: Duration = Duration::from_secs(1);

/// A hub tells of so many greenlets before it goes on.
const AT_A_TIME: usize = 256;

/// Names a greenlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// The number of its hub, if it is not this thread's.
    pub(super) hub: Option<u32>,
    pub(super) number: u32,
}

/// Why one could not be asked.
#[derive(Debug)]
pub(super) enum Failure {
    NoHub,
    Busy,
    NoGreenlet,
    NoTrace(NoTrace),
    /// The number is another's by now, who has this serial.
    Another(u64),
    NotSpawned,
}

/// Calls `f` on the thread of a hub, or nowhere if that does not come round in time.
fn on<R: Send + 'static>(
    inbox: &'static Inbox,
    f: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    if core::try_with(|core| ptr::eq(core.inbox(), inbox)) == Some(true) {
        return Some(f());
    }
    let answers = Arc::new(Queue::new());
    // Who asks has it alone: a hub that comes round too late does nothing.
    let wanted = Arc::downgrade(&answers);
    let asked = inbox.put(Message::Call(Box::new(move || {
        if let Some(answers) = wanted.upgrade() {
            // There is room for it.
            let _ = answers.try_put(f());
        }
    })));
    if asked { answers.get_for(LIMIT).ok() } else { None }
}

/// Calls `f` with a greenlet, on its own thread.
fn with<R: Send + 'static>(
    id: Id,
    f: impl FnOnce(AnyGreenlet) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    let number = id.hub.or_else(|| core::try_with(|core| core.number().get()));
    let hub = inboxes::all().into_iter().find(|hub| Some(hub.0.number().get()) == number);
    let inbox = hub.ok_or(Failure::NoHub)?.0;
    let find = move || {
        let fiber = thread::with(|thread| thread.fiber(id.number))?;
        (!core::is_left_behind(&fiber.head)).then(|| AnyGreenlet::from(fiber))
    };
    let done = on(inbox, move || find().map_or(Err(Failure::NoGreenlet), f));
    done.unwrap_or(Err(Failure::Busy))
}

pub(super) fn trace(id: Id) -> Result<StackTrace, Failure> {
    with(id, |greenlet| debug::trace_of(&greenlet).map_err(Failure::NoTrace))
}

/// Has a greenlet end, if it has the serial where one is given; returns what it is called.
pub(super) fn kill(id: Id, serial: Option<u64>) -> Result<String, Failure> {
    with(id, move |greenlet| {
        let own = greenlet.fiber().head.serial.get();
        if serial.is_some_and(|serial| serial != own) {
            return Err(Failure::Another(own));
        }
        if !greenlet.is_spawned() {
            return Err(Failure::NotSpawned);
        }
        let name = report::name(&greenlet.fiber().head);
        greenlet.start_kill();
        Ok(name)
    })
}

/// All hubs: with all their greenlets, part by part, or with none.
pub(super) fn census(with_greenlets: bool) -> Dump {
    let mut hubs: Vec<HubDump> = inboxes::all()
        .into_iter()
        .map(|(inbox, thread)| {
            let number = inbox.number().get();
            let seen = if with_greenlets { parts(inbox) } else { part(inbox, 0).map(|it| it.0) };
            HubDump { number, thread: thread.name().map(str::to_owned), seen }
        })
        .collect();
    hubs.sort_by_key(|hub| hub.number);
    Dump { hubs, limit: LIMIT }
}

fn parts(inbox: &'static Inbox) -> Option<Seen> {
    let (mut seen, mut next) = part(inbox, 0)?;
    while let Some(first) = next {
        yield_now();
        let (mut rest, after) = part(inbox, first)?;
        seen.greenlets.append(&mut rest.greenlets);
        next = after;
    }
    Some(seen)
}

fn part(inbox: &'static Inbox, first: u32) -> Option<(Seen, Option<u32>)> {
    on(inbox, move || debug::part(first, AT_A_TIME))?
}

//! Who waits for what, and who holds that: the report when everything waits for ever, and what dumps
//! say of one.

use std::collections::HashMap;
use std::fmt::Write;

use super::core;
use crate::config;
use crate::guarded;
use crate::raw::fiber::{FiberRef, Head};
use crate::raw::holder::{self, Found, Holder, Holding};
use crate::raw::{thread, waiting};

/// The fibers of this thread, to be found.
pub(crate) struct Present<'a> {
    by_id: HashMap<u32, &'a Head>,
    by_address: HashMap<usize, &'a Head>,
}

impl<'a> Present<'a> {
    pub(crate) fn new(fibers: &'a [FiberRef]) -> Present<'a> {
        let heads = || fibers.iter().map(|fiber| &fiber.head);
        // What main took before the thread had any fibers, it took as the thread.
        let main = heads().find(|head| head.is_main());
        let main = main.map(|main| (guarded::this_thread(), main));
        Present {
            by_id: heads().map(|head| (head.id.get(), head)).collect(),
            by_address: heads().map(|head| (holder::address(head), head)).chain(main).collect(),
        }
    }

    /// `None` if it is one of another thread, or has ended.
    fn holder(&self, holder: Holder) -> Option<&'a Head> {
        match holder.find()? {
            Found::At(address) => self.by_address.get(&address).copied(),
            Found::Numbered(hub, id) => {
                let is_here = core::try_with(|core| core.number().get()) == Some(hub);
                self.by_id.get(&id).copied().filter(|_| is_here)
            }
        }
    }

    /// For whom `head` waits, if it can go on only after that one.
    fn awaited(&self, head: &Head) -> Option<Awaited<'a>> {
        if let Some(id) = joined(head) {
            return self.by_id.get(&id).map(|&other| Awaited { other, what: None });
        }
        let Holding::By(holder) = waiting::holding(head) else { return None };
        let what = Some(head.waiting_for.get().kind.text);
        self.holder(holder).map(|other| Awaited { other, what })
    }
}

/// One for whom another waits.
#[derive(Clone, Copy)]
struct Awaited<'a> {
    other: &'a Head,
    /// What it holds, in the words of the wait. It is its end that is waited for if there is nothing.
    what: Option<&'static str>,
}

/// The report's text; `fibers` are all that have not ended, main first.
pub(super) fn stuck(fibers: &[FiberRef]) -> String {
    let mut text = String::from(
        "everything waits for ever: no greenlet is ready, and no timer, socket, pool or other \
         thread can wake one. This would be a hang.",
    );
    if let Some(circle) = circle(fibers, &Present::new(fibers)) {
        text.push_str("\n  in a circle: ");
        text.push_str(&circle);
    }
    list(&mut text, fibers);
    text
}

/// Those who wait for each other, if there are any: the circle that is found first.
fn circle(fibers: &[FiberRef], present: &Present<'_>) -> Option<String> {
    // Whoever was passed on an earlier way leads into no circle that has not been found.
    let mut passed: HashMap<u32, usize> = HashMap::new();
    for (way, fiber) in fibers.iter().enumerate() {
        let mut at = &fiber.head;
        loop {
            match passed.insert(at.id.get(), way) {
                Some(before) if before == way => return Some(tell_circle(at, present)),
                Some(_) => break,
                None => {}
            }
            let Some(further) = present.awaited(at) else { break };
            at = further.other;
        }
    }
    None
}

fn tell_circle(first: &Head, present: &Present<'_>) -> String {
    let mut text = name(first);
    let mut at = present.awaited(first);
    for _ in 0..config::REPORTED {
        let Some(Awaited { other, what }) = at else { return text };
        // Writing to a string does not fail.
        let _ = match what {
            None => write!(text, " waits for the end of {}", name(other)),
            Some(what) => write!(text, " waits {what}, held by {}", name(other)),
        };
        if std::ptr::eq(other, first) {
            return text;
        }
        text.push_str(", which");
        at = present.awaited(other);
    }
    text + " waits, and so on"
}

/// For whose end it waits, if that is what it waits for.
fn joined(head: &Head) -> Option<u32> {
    let is_in_hub = head.mailbox.get().is_null();
    head.waiting_for.get().greenlet().filter(|_| is_in_hub)
}

/// Adds a line for each of `fibers`, what it waits for; and if they are many, how many more they are.
pub(crate) fn list(text: &mut String, fibers: &[FiberRef]) {
    let present = Present::new(fibers);
    for fiber in fibers.iter().take(config::REPORTED) {
        let head = &fiber.head;
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {} waits {}", name(head), what_held(head, &present));
        if !head.is_main() {
            let _ = write!(text, " (made at {})", head.made_at);
        }
    }
    if let more @ 1.. = fibers.len().saturating_sub(config::REPORTED) {
        let _ = write!(text, "\n  and {more} more");
    }
}

/// How a greenlet is called in messages.
pub(crate) fn name(head: &Head) -> String {
    match (&*head.name.borrow(), head.is_main()) {
        (_, true) => "main".into(),
        (Some(name), _) => format!("greenlet {} '{name}'", head.id.get()),
        (None, _) => format!("greenlet {}", head.id.get()),
    }
}

/// What a fiber of this thread waits for; completes "waits …".
pub(crate) fn what(head: &Head) -> String {
    if !head.mailbox.get().is_null() {
        return "in a raw switch, for a value".into();
    }
    let waiting = head.waiting_for.get();
    let text = waiting.kind.text;
    let joined = joined(head).and_then(|id| thread::with(|thread| thread.fiber(id)));
    match (joined, waiting.number()) {
        (Some(other), _) => format!("{text} {}", name(&other.head)),
        (None, Some(number)) => format!("{text} {number}"),
        (None, None) => text.into(),
    }
}

/// As [`what`], and who holds that.
pub(crate) fn what_held(head: &Head, present: &Present<'_>) -> String {
    let what = what(head);
    match waiting::holding(head) {
        Holding::Unknown => what,
        Holding::By(holder) => format!("{what}, held by {}", who(holder, present)),
        Holding::LastTaken(holder) if !holder.is_somebody() => what,
        Holding::LastTaken(holder) => format!("{what}, taken last by {}", who(holder, present)),
        Holding::Several(count) => format!("{what}, held by {count} who read"),
    }
}

fn who(holder: Holder, present: &Present<'_>) -> String {
    match (present.holder(holder), holder.find()) {
        (Some(head), _) => name(head),
        (None, None) => "nobody".into(),
        (None, Some(_)) => "one of another thread, or one that has ended".into(),
    }
}

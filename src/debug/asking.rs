//! Asking all hubs: this thread's directly, the others through their inboxes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::data::{Dump, HubDump, Seen};
use super::seeing;
use crate::clock::Moment;
use crate::config;
use crate::hub::core;
use crate::hub::inbox::{Inbox, Message};
use crate::hub::inboxes;
use crate::raw::thread;
use crate::sync::Event;

/// Tells who there is, in all hubs of the process, and what each waits for.
///
/// As [`Survey::take`], with a limit of 100 ms for hubs of other threads, and without traces. Mirrors
/// `gevent.util.format_run_info`.
///
/// # Examples
///
/// ```
/// let greenlet = greenhub::Builder::new()
///     .name("sleeper")
///     .spawn(|| greenhub::sleep(std::time::Duration::MAX))?;
/// greenhub::yield_now();
/// let text = greenhub::debug::dump().to_string();
/// assert!(text.contains("'sleeper' waits in a sleep"), "{text}");
/// greenlet.kill();
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn dump() -> Dump {
    Survey::new().take()
}

/// What is to be asked of the hubs.
///
/// # Examples
///
/// ```
/// use greenhub::debug::Survey;
///
/// eprintln!("{}", Survey::new().traces(true).stacks(true).take());
/// ```
#[derive(Clone, Debug)]
#[must_use = "it asks nothing until it is told to"]
pub struct Survey {
    limit: Duration,
    questions: Questions,
    only_here: bool,
}

/// What is asked of each greenlet, beside what is known without asking.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Questions {
    pub(super) traces: bool,
    pub(super) stacks: bool,
}

impl Default for Survey {
    fn default() -> Self {
        Survey::new()
    }
}

impl Survey {
    /// Asks as [`dump`] does.
    pub fn new() -> Survey {
        Survey { limit: config::SURVEY, questions: Questions::default(), only_here: false }
    }

    /// For how long to wait for hubs of other threads: 100 ms without this. One that has not answered
    /// by then is said to be busy.
    pub fn limit(mut self, limit: Duration) -> Survey {
        self.limit = limit;
        self
    }

    /// Asks where each greenlet stands; see [`trace_of`](super::trace_of). Their names are looked up
    /// only when the dump is displayed, which takes long.
    pub fn traces(mut self, traces: bool) -> Survey {
        self.questions.traces = traces;
        self
    }

    /// Asks how much of its stack each greenlet has touched: a system call for each.
    pub fn stacks(mut self, stacks: bool) -> Survey {
        self.questions.stacks = stacks;
        self
    }

    /// Asks this thread's hub alone, and so never waits.
    pub fn only_here(mut self, only_here: bool) -> Survey {
        self.only_here = only_here;
        self
    }

    /// Asks, and waits until all have answered, or the limit is over.
    ///
    /// This thread's hub is looked at first, as it is now. The hubs of other threads answer when they
    /// come round, or wake up for it; nothing that their greenlets could see changes by that. Meanwhile
    /// only the current greenlet waits, but in a callback, while it unwinds, and in a thread without a
    /// hub, the thread does.
    #[must_use]
    pub fn take(&self) -> Dump {
        let deadline = Moment::after(self.limit);
        let own = core::try_with(|core| core.inbox());
        let is_own = |inbox: &'static Inbox| own.is_some_and(|own| std::ptr::eq(own, inbox));
        let mut hubs: BTreeMap<u32, HubDump> = BTreeMap::new();
        let mut call = Call::new();
        for (inbox, thread) in inboxes::all() {
            let number = inbox.number().get();
            let seen = if is_own(inbox) {
                seeing::this_hub(self.questions)
            } else if self.only_here || !call.ask(inbox, self.questions) {
                continue;
            } else {
                None
            };
            let thread = thread.name().map(str::to_owned);
            hubs.insert(number, HubDump { number, thread, seen });
        }
        call.hear(deadline, |answer| {
            match answer.seen {
                Some(seen) => {
                    let hub = hubs.get_mut(&answer.hub);
                    hub.expect("it was asked").seen = Some(seen);
                }
                // It has ended before it came round.
                None => drop(hubs.remove(&answer.hub)),
            }
        });
        Dump { hubs: hubs.into_values().collect(), limit: self.limit }
    }
}

struct Answer {
    hub: u32,
    seen: Option<Seen>,
}

/// A question to many hubs, for as long as someone wants to know.
struct Call {
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
    /// How many are to come: each that is asked sends one, if only that it has none.
    left: usize,
    /// Set when an answer has come. Who asks holds it alone, so that a hub that comes round late sees
    /// that nobody wants to know any more.
    came: Arc<Event>,
}

/// The right of one hub to answer. Dropped unused it tells that there will be no answer.
struct Reply {
    hub: u32,
    seen: Option<Seen>,
    sender: Sender<Answer>,
    came: std::sync::Weak<Event>,
}

impl Reply {
    fn fill(&mut self, questions: Questions) {
        if self.came.strong_count() > 0 {
            self.seen = seeing::this_hub(questions);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(came) = self.came.upgrade() {
            // Who asks may have gone just now.
            let _ = self.sender.send(Answer { hub: self.hub, seen: self.seen.take() });
            came.set();
        }
    }
}

impl Call {
    fn new() -> Call {
        let (sender, answers) = mpsc::channel();
        Call { sender, answers, left: 0, came: Arc::new(Event::new()) }
    }

    /// Asks a hub; returns whether there is one.
    fn ask(&mut self, inbox: &'static Inbox, questions: Questions) -> bool {
        let mut reply = Reply {
            hub: inbox.number().get(),
            seen: None,
            sender: self.sender.clone(),
            came: Arc::downgrade(&self.came),
        };
        self.left += 1;
        inbox.put(Message::Call(Box::new(move || {
            reply.fill(questions);
        })))
    }

    /// Passes on what comes, until all have answered or `deadline` has passed.
    fn hear(mut self, deadline: Moment, mut take: impl FnMut(Answer)) {
        let may_wait = can_wait();
        while self.left > 0 {
            let limit = deadline.since(Moment::now());
            let answer = if may_wait {
                // Before the look: what comes after it sets the event again.
                self.came.clear();
                let answer = self.answers.try_recv().ok();
                if answer.is_none() && !limit.is_zero() {
                    // Whatever ends it, the answers are looked at once more.
                    let _ = self.came.wait_for(limit);
                    continue;
                }
                answer
            } else {
                self.answers.recv_timeout(limit).ok()
            };
            let Some(answer) = answer else { return };
            take(answer);
            self.left -= 1;
        }
    }
}

/// Whether others can run meanwhile.
fn can_wait() -> bool {
    let has_hub = core::try_with(|_| ()).is_some();
    has_hub && !std::thread::panicking() && !thread::current_head(thread::is_called_by_loop)
}

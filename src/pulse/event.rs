//! What a monitor tells.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// What a monitor tells its hook.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A hub is held up. Told once, while it is. Mirrors `gevent.events.EventLoopBlocked`.
    Blocked(Stall),
    /// It goes on. `blocked_for` is about how long it was held up in all.
    Ended(Stall),
}

/// One time that a hub is held up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// The name of the hub's OS thread, if it has one.
    pub thread: Option<String>,
    /// The number of that thread, as the kernel counts. `None` on systems other than Linux.
    pub thread_id: Option<u32>,
    /// Who does not let others run.
    pub runner: Runner,
    /// For how long at least. What it was held up before it was first seen is not counted.
    pub blocked_for: Duration,
    /// What the thread was doing when it was told of. `None` where that cannot be read.
    pub doing: Option<Doing>,
    /// Who waited on the same hub then, and for what: the first twenty of them. If the runner waits for
    /// a lock that blocks its thread, as std's do, one of these may hold it.
    pub parked: Vec<Parked>,
    /// How many waited there in all.
    pub parked_in_all: usize,
}

/// One who waits on a hub that is held up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parked {
    /// Who it is.
    pub who: Runner,
    /// What it waits for; completes "waits …".
    pub waits: String,
}

/// Who keeps a hub to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runner {
    /// The thread's own stack, where no greenlet is.
    Main,
    /// A greenlet.
    Greenlet {
        /// Its number.
        id: u32,
        /// Its name, if it has one.
        name: Option<String>,
        /// Where it was spawned.
        spawned_at: &'static Location<'static>,
    },
    /// A greenlet that has ended, of which destructors still run.
    Ended,
    /// What the hub itself calls: a callback, a hook, a destructor.
    Hub,
}

/// What an OS thread does, as the kernel sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Doing {
    /// The state: `R` runs or waits for a processor, `S` sleeps, `D` waits for a disk or its like.
    pub state: char,
    /// The system call that it is in, by its name if it is a usual one, else by its number.
    pub call: Option<String>,
    /// The function of the kernel that it waits in, where the kernel tells.
    pub waits_in: Option<String>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Blocked(stall) => {
                write!(f, "{} appears to be blocked: {}", Thread(stall), stall.runner)?;
                write!(f, " has not let others run for {:.0?} or more", stall.blocked_for)?;
                let Some(doing) = &stall.doing else { return Ok(()) };
                write!(f, "; the thread {doing}")?;
                if doing.may_wait_for_a_lock() { write_parked(f, stall) } else { Ok(()) }
            }
            Event::Ended(stall) => {
                write!(f, "{} goes on: {}", Thread(stall), stall.runner)?;
                write!(f, " had not let others run for about {:.0?}", stall.blocked_for)
            }
        }
    }
}

/// Only they can hold a lock that blocks the thread, if it is not one of another thread.
fn write_parked(f: &mut fmt::Formatter<'_>, stall: &Stall) -> fmt::Result {
    if stall.parked.is_empty() {
        return Ok(());
    }
    f.write_str("; if it wants a lock, one of these may hold it:")?;
    for Parked { who, waits } in &stall.parked {
        write!(f, "\n  {} waits {waits}", who.name())?;
        if let Runner::Greenlet { spawned_at, .. } = who {
            write!(f, " (made at {spawned_at})")?;
        }
    }
    match stall.parked_in_all.saturating_sub(stall.parked.len()) {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}

struct Thread<'a>(&'a Stall);

impl fmt::Display for Thread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hub of ")?;
        match &self.0.thread {
            Some(name) => write!(f, "thread '{name}'")?,
            None => f.write_str("a thread without a name")?,
        }
        match self.0.thread_id {
            Some(id) => write!(f, " ({id})"),
            None => Ok(()),
        }
    }
}

impl Runner {
    /// How it is called in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Runner::Main => "main".into(),
            Runner::Greenlet { id, name: Some(name), .. } => format!("greenlet {id} '{name}'"),
            Runner::Greenlet { id, name: None, .. } => format!("greenlet {id}"),
            Runner::Ended => "what is left of a greenlet that has ended".into(),
            Runner::Hub => "a callback, a hook or a destructor".into(),
        }
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        match self {
            Runner::Greenlet { spawned_at, .. } => write!(f, " (made at {spawned_at})"),
            _ => Ok(()),
        }
    }
}

impl Doing {
    /// Whether it sleeps as one does who waits for another thread or greenlet, as far as is known.
    fn may_wait_for_a_lock(&self) -> bool {
        self.state == 'S' && self.call.as_deref().is_none_or(|call| call == "futex")
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            'R' => f.write_str("runs, or waits for a processor")?,
            'S' => f.write_str("sleeps in the kernel")?,
            'D' => f.write_str("waits for a disk or its like")?,
            other => write!(f, "is in state {other}")?,
        }
        if let Some(call) = &self.call {
            write!(f, ", in {call}")?;
        }
        match &self.waits_in {
            Some(function) => write!(f, " ({function})"),
            None => Ok(()),
        }
    }
}

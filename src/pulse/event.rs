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
                match &stall.doing {
                    Some(doing) => write!(f, "; the thread {doing}"),
                    None => Ok(()),
                }
            }
            Event::Ended(stall) => {
                write!(f, "{} goes on: {}", Thread(stall), stall.runner)?;
                write!(f, " had not let others run for about {:.0?}", stall.blocked_for)
            }
        }
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

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Runner::Main => f.write_str("main"),
            Runner::Greenlet { id, name: Some(name), spawned_at } => {
                write!(f, "greenlet {id} '{name}' (made at {spawned_at})")
            }
            Runner::Greenlet { id, name: None, spawned_at } => {
                write!(f, "greenlet {id} (made at {spawned_at})")
            }
            Runner::Ended => f.write_str("what is left of a greenlet that has ended"),
            Runner::Hub => f.write_str("a callback, a hook or a destructor"),
        }
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

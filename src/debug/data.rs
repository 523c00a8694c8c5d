//! What a dump holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::timing::Slices;
use super::traces::{NoTrace, StackTrace};
use crate::hub::{Stats, core};

/// All hubs of the process, and what each runs, as they were when they were asked.
///
/// Each hub answers for itself, so two hubs are seen at moments that may lie a little apart. It is
/// displayed as a tree by who spawned whom; see [`to_json`](Self::to_json) for programs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dump {
    /// In the order of their numbers.
    pub hubs: Vec<HubDump>,
    /// How long the hubs of other threads had to answer.
    pub limit: Duration,
}

/// One hub.
#[derive(Debug)]
#[non_exhaustive]
pub struct HubDump {
    /// Its number: unique among the living. A later hub may have it again.
    pub number: u32,
    /// The name of its thread.
    pub thread: Option<String>,
    /// What it has told; `None` if it did not answer in time: its thread is busy, or blocked.
    pub seen: Option<Seen>,
}

/// What a hub tells of itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen {
    /// What it holds, and has done.
    pub stats: Stats,
    /// How long its greenlets ran, while [timing](super::set_timing) is on.
    pub slices: Option<Slices>,
    /// Main first, then all that have not ended, by their numbers.
    pub greenlets: Vec<GreenletDump>,
}

/// One greenlet.
#[derive(Debug)]
#[non_exhaustive]
pub struct GreenletDump {
    /// Its number; zero for main.
    pub id: u32,
    /// Its place among all that its thread ever made: unlike the number, never used again.
    pub serial: u64,
    /// What it is called.
    pub name: Option<String>,
    /// How it came to be.
    pub kind: Kind,
    /// What it does now.
    pub state: State,
    /// What it waits for, or has waited for if it is ready: completes "waits …".
    pub waits: Option<String>,
    /// How long it has not run, if [timing](super::set_timing) was on when it ran last.
    pub idle: Option<Duration>,
    /// Where it was spawned: file, line and column. `None` for main.
    pub spawned_at: Option<String>,
    /// The number of the greenlet that spawned it.
    pub spawner: u32,
    /// The serial of the greenlet that spawned it, which may have ended since.
    pub spawner_serial: u64,
    /// Whether what it waits for [keeps nothing up](crate::Builder::background).
    pub is_background: bool,
    /// How often it was killed, caught that, and went on.
    pub ignored_kills: u32,
    /// Its stack; `None` for main, whose stack is the thread's.
    pub stack: Option<StackUse>,
    /// The types of the [values of its own](crate::greenlet_local) that it has.
    pub locals: Vec<&'static str>,
    /// Where it stands, if that was asked for.
    pub trace: Option<Result<StackTrace, NoTrace>>,
}

/// How a greenlet came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// It is the thread itself.
    Main,
    /// It was spawned.
    Spawned,
    /// It is a [raw](crate::raw) one.
    Raw,
}

/// What a greenlet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It runs: it has asked for the dump.
    Running,
    /// It will run when its turn comes.
    Ready,
    /// It waits in the hub.
    Parked,
    /// It is suspended in a raw switch, and goes on when another switches to it.
    Switched,
    /// Nobody has started it.
    Unstarted,
}

/// How much of its stack a greenlet uses, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackUse {
    /// How much its code may use.
    pub size: usize,
    /// About how much it uses now; zero if it has not begun, `None` if it runs.
    pub used: Option<usize>,
    /// How much was ever touched, in whole pages, by this greenlet or one that had the stack before; if
    /// that was asked for and the kernel tells it. So it is an upper bound.
    pub touched: Option<usize>,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Main => "main",
            Kind::Spawned => "spawned",
            Kind::Raw => "raw",
        }
    }
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Ready => "ready",
            State::Parked => "parked",
            State::Switched => "switched",
            State::Unstarted => "unstarted",
        }
    }
}

impl Seen {
    /// The greenlets as a tree by who spawned whom, each with its depth: first a greenlet, then those
    /// that it has spawned, with theirs.
    ///
    /// Main has the depth zero, and so has one whose spawner has ended. Mirrors
    /// `gevent.util.GreenletTree`.
    ///
    /// # Examples
    ///
    /// ```
    /// let parent = greenhub::spawn(|| greenhub::spawn(|| ()).wait());
    /// greenhub::yield_now();
    /// let dump = greenhub::debug::dump();
    /// let seen = dump.here().expect("this thread has a hub");
    /// let depths: Vec<_> = seen.tree().iter().map(|(depth, it)| (*depth, it.id)).collect();
    /// assert_eq!(depths, [(0, 0), (1, parent.id()), (2, 2)]);
    /// ```
    #[must_use]
    pub fn tree(&self) -> Vec<(usize, &GreenletDump)> {
        let living: HashSet<u64> = self.greenlets.iter().map(|it| it.serial).collect();
        let mut children: HashMap<u64, Vec<&GreenletDump>> = HashMap::new();
        let mut rest = Vec::new();
        // Backwards, as the last that is put on the stack is the first to be taken.
        for greenlet in self.greenlets.iter().rev() {
            if greenlet.kind == Kind::Main || !living.contains(&greenlet.spawner_serial) {
                rest.push((0, greenlet));
            } else {
                children.entry(greenlet.spawner_serial).or_default().push(greenlet);
            }
        }
        let mut tree = Vec::new();
        while let Some((depth, greenlet)) = rest.pop() {
            tree.push((depth, greenlet));
            let own = children.remove(&greenlet.serial).unwrap_or_default();
            rest.extend(own.into_iter().map(|child| (depth + 1, child)));
        }
        tree
    }
}

impl Dump {
    /// What the hub of the thread that asked has told, if that has one.
    #[must_use]
    pub fn here(&self) -> Option<&Seen> {
        let number = core::try_with(|core| core.number().get())?;
        self.hubs.iter().find(|hub| hub.number == number)?.seen.as_ref()
    }
}

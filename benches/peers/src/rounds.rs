//! Rounds in which peers take turns, and the figures that come of them.
//!
//! A B C, A B C: on a shared machine what disturbs one then disturbs the others, and the ratio of
//! the medians holds. All do the same number of operations.

use std::time::Duration;

use crate::fresh;
use crate::programs::Program;
use crate::table::{Row, Section, Table};

/// Some work that several peers can do.
pub(crate) struct Workload {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What is done.
    pub(crate) what: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    /// How many make one measurement. A tenth of them must be an even number, and divide by the
    /// number of those who share the work.
    pub(crate) operations: u64,
    /// The file that has the functions of the peers.
    pub(crate) source: &'static str,
    pub(crate) kind: Kind,
    /// The first is greenhub, to which the others are compared.
    pub(crate) peers: Vec<Peer>,
}

/// How it is measured.
pub(crate) enum Kind {
    /// The nanoseconds of one operation, after a round to warm up.
    Timed,
    /// What the functions return, each call of which is in a process of its own, so that the
    /// memory and the time are its own; no more rounds than told, and none to warm up.
    Fresh { figures: &'static [&'static str], rounds: usize },
}

/// One way to do it.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The function that does it, above which its settings are told.
    pub(crate) function: &'static str,
    /// What must be on the machine for it.
    pub(crate) program: Option<Program>,
    /// Does so many operations, looks whether the result is right, and returns the figures.
    pub(crate) run: Box<dyn Fn(u64) -> Figures>,
}

/// What was measured in one round, or why nothing was.
pub(crate) type Figures = Result<Vec<f64>, String>;

/// What a function of a peer returns.
pub(crate) trait Measured {
    fn figures(self, operations: u64) -> Figures;
}

/// The time that all operations took.
impl Measured for Duration {
    #[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
    fn figures(self, operations: u64) -> Figures {
        Ok(vec![self.as_secs_f64() * 1e9 / operations as f64])
    }
}

impl<const N: usize> Measured for [f64; N] {
    fn figures(self, _: u64) -> Figures {
        Ok(self.to_vec())
    }
}

impl Measured for Figures {
    fn figures(self, _: u64) -> Figures {
        self
    }
}

/// Peers by the name that is printed, each with its function, what that takes besides the number
/// of operations, and the program that it needs.
macro_rules! peers {
    ($($name:literal: $function:ident $(($($argument:expr),*))? $(by $program:ident)?),* $(,)?) => {
        vec![$($crate::rounds::Peer {
            name: $name,
            function: stringify!($function),
            program: None $(.or(Some($crate::programs::Program::$program)))?,
            run: Box::new(move |operations| {
                let measured = $function(operations $($(, $argument)*)?);
                $crate::rounds::Measured::figures(measured, operations)
            }),
        }),*]
    };
}

pub(crate) use peers;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// No more rounds than this of what is measured in processes of their own.
    fresh: usize,
    /// Which part of the operations is done.
    divisor: u64,
}

impl Effort {
    pub(crate) const FULL: Effort = Effort { rounds: 31, fresh: usize::MAX, divisor: 1 };
    pub(crate) const QUICK: Effort = Effort { rounds: 3, fresh: 1, divisor: 10 };
}

/// A peer, and what it has been measured to take: for each figure, a number for each round.
struct Taking<'a> {
    peer: &'a Peer,
    figures: Vec<Vec<f64>>,
    /// Why there are no more.
    failed: Option<String>,
}

/// Measures a workload.
pub(crate) fn measure(workload: &Workload, effort: Effort) -> Table {
    let operations = workload.operations / effort.divisor;
    let (labels, warming, rounds) = match workload.kind {
        Kind::Timed => (vec![format!("ns for {}", workload.operation)], 1, effort.rounds),
        Kind::Fresh { figures, rounds } => {
            let labels = figures.iter().map(|&label| label.to_owned()).collect();
            (labels, 0, effort.rounds.min(rounds).min(effort.fresh))
        }
    };
    let mut takings: Vec<_> = workload.peers.iter().map(Taking::new).collect();
    takings.iter_mut().for_each(|taking| taking.figures.resize(labels.len(), Vec::new()));
    for round in 0..warming + rounds {
        for taking in takings.iter_mut().filter(|taking| taking.failed.is_none()) {
            let figures = match workload.kind {
                Kind::Timed => (taking.peer.run)(operations),
                Kind::Fresh { .. } => fresh::run(workload, taking.peer, operations),
            };
            taking.take(figures, round >= warming);
        }
    }
    tabulate(workload, &labels, rounds, &takings)
}

impl<'a> Taking<'a> {
    fn new(peer: &'a Peer) -> Taking<'a> {
        let failed = peer.program.and_then(|program| program.ready().err());
        Taking { peer, figures: Vec::new(), failed }
    }

    fn take(&mut self, figures: Figures, counts: bool) {
        match figures {
            Ok(figures) if figures.len() != self.figures.len() => {
                self.failed = Some(format!("{} figures were told", figures.len()));
            }
            Ok(figures) if counts => {
                self.figures.iter_mut().zip(figures).for_each(|(all, one)| all.push(one));
            }
            Ok(_) => {}
            Err(message) => self.failed = Some(message),
        }
    }
}

fn tabulate(workload: &Workload, labels: &[String], rounds: usize, takings: &[Taking]) -> Table {
    let sections = labels.iter().enumerate().map(|(index, label)| {
        let measured = takings.iter().filter(|taking| taking.failed.is_none());
        let rows = measured.map(|taking| Row::of(taking.peer.name, &taking.figures[index]));
        Section { label: label.clone(), rows: rows.collect() }
    });
    let notes = takings.iter().map(|taking| match &taking.failed {
        None => taking.peer.settings(workload.source),
        Some(why) => format!("{}: left out: {}", taking.peer.name, why.trim()),
    });
    Table {
        name: workload.name.to_owned(),
        what: format!("{}; {rounds} rounds", workload.what),
        sections: sections.collect(),
        notes: notes.collect(),
    }
}

impl Peer {
    /// The comment above its function.
    fn settings(&self, source: &str) -> String {
        let heads = [format!("fn {}(", self.function), format!("fn {}<", self.function)];
        let above = heads.iter().find_map(|head| Some(source.split_once(head.as_str())?.0));
        let above = above.expect("the function is in its file");
        let mut lines: Vec<_> =
            above.lines().rev().map_while(|line| line.strip_prefix("/// ")).collect();
        assert!(!lines.is_empty(), "{} does not tell its settings", self.function);
        lines.reverse();
        format!("{}: {}", self.name, lines.join(" "))
    }
}

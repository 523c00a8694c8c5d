//! Rounds in which peers take turns, and the table that comes of them.
//!
//! A B C, A B C: on a shared machine what disturbs one then disturbs the others, and the ratio of
//! the medians holds. All do the same number of operations.

use std::time::Duration;

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
    /// The first is greenhub, to which the others are compared.
    pub(crate) peers: Vec<Peer>,
}

/// One way to do it.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The function that does it, above which its settings are told.
    pub(crate) function: &'static str,
    /// Does so many operations, looks whether the result is right, and returns the time that
    /// they took.
    pub(crate) run: Box<dyn Fn(u64) -> Duration>,
}

/// Peers by the name that is printed, each with its function and what that takes besides the number
/// of operations.
macro_rules! peers {
    ($($name:literal: $function:ident $(($($argument:expr),*))?),* $(,)?) => {
        vec![$($crate::rounds::Peer {
            name: $name,
            function: stringify!($function),
            run: Box::new(|operations| $function(operations $($(, $argument)*)?)),
        }),*]
    };
}

pub(crate) use peers;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// Which part of the operations is done.
    divisor: u64,
}

impl Effort {
    pub(crate) const FULL: Effort = Effort { rounds: 31, divisor: 1 };
    pub(crate) const QUICK: Effort = Effort { rounds: 3, divisor: 10 };
}

/// Measures a workload, and prints its table.
pub(crate) fn measure(workload: &Workload, effort: Effort) {
    let operations = workload.operations / effort.divisor;
    assert!(operations.is_multiple_of(2), "an even number of operations");
    println!("\n{}: {}; ns for {}\n", workload.name, workload.what, workload.operation);
    let legend: Vec<_> = workload.peers.iter().map(|peer| peer.settings(workload.source)).collect();
    let mut times = vec![Vec::with_capacity(effort.rounds); workload.peers.len()];
    for round in 0..=effort.rounds {
        for (peer, times) in workload.peers.iter().zip(&mut times) {
            let spent = (peer.run)(operations);
            if round > 0 {
                times.push(nanoseconds(spent, operations));
            }
        }
    }
    print_table(workload, &mut times);
    legend.iter().for_each(|line| println!("  {line}"));
}

#[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
fn nanoseconds(spent: Duration, operations: u64) -> f64 {
    spent.as_secs_f64() * 1e9 / operations as f64
}

fn print_table(workload: &Workload, times: &mut [Vec<f64>]) {
    println!("  {:<24}{:>10}{:>10}{:>10}{:>8}", "", "median", "min", "max", "ratio");
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let ours = median(&times[0]);
    for (peer, times) in workload.peers.iter().zip(times) {
        let (least, most) = (times[0], times[times.len() - 1]);
        let median = median(times);
        let ratio = median / ours;
        println!("  {:<24}{median:>10.1}{least:>10.1}{most:>10.1}{ratio:>8.2}", peer.name);
    }
    println!();
}

fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

impl Peer {
    /// The comment above its function.
    fn settings(&self, source: &str) -> String {
        let head = format!("fn {}(", self.function);
        let (above, _) = source.split_once(&head).expect("the function is in its file");
        let mut lines: Vec<_> =
            above.lines().rev().map_while(|line| line.strip_prefix("/// ")).collect();
        assert!(!lines.is_empty(), "{} does not tell its settings", self.function);
        lines.reverse();
        format!("{}: {}", self.name, lines.join(" "))
    }
}

//! What greenhub is to reach in a workload, and whether it does.

use std::fmt::Write;

use crate::rounds::Results;
use crate::servers::Rank;
use crate::workloads::Better;

/// Something to reach, for the metric with this index.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) metric: usize,
    pub(crate) against: Against,
}

/// What the metric is compared with.
#[derive(Clone, Copy)]
pub(crate) enum Against {
    /// So many times what the floor has, at most.
    Floor(f64),
    /// A figure, at most.
    Figure(f64),
    /// As good as every peer that uses epoll.
    EpollPeers,
    /// As good as every peer.
    Peers,
}

/// A line for each aim.
pub(crate) fn told(results: &Results) -> String {
    let mut text = String::new();
    for aim in &results.workload.aims {
        let name = results.workload.metrics[aim.metric].name;
        let line = aim.told(results, name).unwrap_or_else(|| format!("{name}: nothing to compare"));
        let _ = writeln!(text, "  aim: {line}");
    }
    text
}

impl Aim {
    fn told(self, results: &Results, name: &str) -> Option<String> {
        let median = |wanted: &dyn Fn(Rank) -> bool| {
            let rows = results.rows.iter().filter(move |row| wanted(row.rank));
            let known = rows.filter_map(|row| Some((row.peer, row.median(self.metric)?)));
            known.collect::<Vec<_>>()
        };
        let (_, ours) = median(&|rank| rank == Rank::Ours).pop()?;
        let told = match self.against {
            Against::Floor(limit) => {
                let (_, floor) = median(&|rank| rank == Rank::Floor).pop()?;
                let times = ours / floor;
                let floor = format!("at most {limit:.2} times the floor's; it is {times:.3}");
                format!("{name} {floor}: {}", reached(times <= limit))
            }
            Against::Figure(limit) => {
                format!("{name} at most {limit:.0}; it is {ours:.0}: {}", reached(ours <= limit))
            }
            Against::EpollPeers => self
                .best(median(&|rank| rank == Rank::Epoll), ours, results)
                .map(|end| format!("{name} as good as every peer's that uses epoll; {end}"))?,
            Against::Peers => {
                let peers = median(&|rank| matches!(rank, Rank::Epoll | Rank::Other));
                self.best(peers, ours, results)
                    .map(|end| format!("{name} as good as every peer's; {end}"))?
            }
        };
        Some(told)
    }

    /// How greenhub compares with the best of those peers.
    fn best(self, peers: Vec<(&str, f64)>, ours: f64, results: &Results) -> Option<String> {
        let better = results.workload.metrics[self.metric].better;
        let ratio = |theirs: f64| match better {
            Better::More => ours / theirs,
            Better::Less => theirs / ours,
        };
        let ratios = peers.into_iter().map(|(peer, theirs)| (peer, ratio(theirs)));
        let (peer, ratio) = ratios.min_by(|one, other| one.1.total_cmp(&other.1))?;
        Some(format!("the best is {peer}, ratio {ratio:.3}: {}", reached(ratio >= 1.0)))
    }
}

fn reached(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "missed" }
}

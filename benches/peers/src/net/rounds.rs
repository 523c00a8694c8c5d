//! Rounds in which the peers take turns, and the table that comes of them.
//!
//! A B C, A B C: on a shared machine what disturbs one then disturbs the others, and the ratio of
//! the medians holds.

use std::time::Duration;

use crate::aims;
use crate::servers::{Peer, Rank};
use crate::workloads::{Better, Metric, Workload};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// How long one measurement of a rate takes.
    pub(crate) time: Duration,
    /// Which part of the connections that come and go is taken.
    pub(crate) divisor: usize,
}

impl Effort {
    pub(crate) const FULL: Effort = Effort { rounds: 5, time: Duration::from_secs(1), divisor: 1 };
    pub(crate) const QUICK: Effort =
        Effort { rounds: 1, time: Duration::from_millis(100), divisor: 10 };
}

/// What a workload came to.
pub(crate) struct Results<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) rows: Vec<Row>,
}

/// What a peer came to.
pub(crate) struct Row {
    pub(crate) peer: &'static str,
    pub(crate) rank: Rank,
    /// For each metric, what the rounds gave, sorted.
    values: Vec<Vec<f64>>,
    /// Why there is no more of them.
    failed: Option<String>,
}

/// Measures a workload with all the peers that can do it.
pub(crate) fn measure<'a>(workload: &'a Workload, peers: &[Peer], effort: Effort) -> Results<'a> {
    let able: Vec<&Peer> = peers.iter().filter(|peer| (workload.takes)(peer)).collect();
    let mut rows: Vec<Row> = able.iter().map(|peer| Row::new(peer, workload)).collect();
    for _ in 0..effort.rounds {
        for (peer, row) in able.iter().zip(&mut rows) {
            if row.failed.is_none() {
                match (workload.measure)(peer, effort) {
                    Ok(values) => row.add(&values),
                    Err(reason) => row.failed = Some(reason),
                }
            }
        }
    }
    rows.iter_mut().for_each(|row| row.values.iter_mut().for_each(|v| v.sort_by(f64::total_cmp)));
    Results { workload, rows }
}

impl Row {
    fn new(peer: &Peer, workload: &Workload) -> Row {
        let values = vec![Vec::new(); workload.metrics.len()];
        Row { peer: peer.name, rank: peer.rank, values, failed: None }
    }

    fn add(&mut self, values: &[f64]) {
        assert_eq!(self.values.len(), values.len(), "a value for each metric");
        self.values.iter_mut().zip(values).for_each(|(all, value)| all.push(*value));
    }

    /// The median of a metric. There is none if a round failed.
    pub(crate) fn median(&self, metric: usize) -> Option<f64> {
        let sorted = &self.values[metric];
        let half = sorted.len() / 2;
        match sorted.len() {
            _ if self.failed.is_some() => None,
            0 => None,
            count if count % 2 == 1 => Some(sorted[half]),
            _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
        }
    }

    fn ends(&self, metric: usize) -> Option<(f64, f64)> {
        let sorted = &self.values[metric];
        Some((*sorted.first()?, *sorted.last()?))
    }
}

impl Results<'_> {
    /// The table, and what became of the aims.
    pub(crate) fn table(&self) -> String {
        let workload = self.workload;
        let mut text = format!("\n{}: {}\n\n", workload.name, workload.what);
        text.push_str(&head(workload.metrics));
        let ours = self.rows.iter().find(|row| row.rank == Rank::Ours);
        for row in &self.rows {
            text.push_str(&line(row, ours, workload.metrics));
        }
        text.push_str(&aims::told(self));
        text
    }
}

fn head(metrics: &[Metric]) -> String {
    let (mut names, mut parts) = (format!("  {:<18}", ""), format!("  {:<18}", ""));
    for metric in metrics {
        if metric.wide {
            names.push_str(&format!("  {:<34}", metric.name));
            parts.push_str(&format!("{:>10}{:>10}{:>10}{:>6}", "median", "min", "max", "ratio"));
        } else {
            names.push_str(&format!("{:>10}", metric.name));
            parts.push_str(&format!("{:>10}", ""));
        }
    }
    format!("{}\n{}\n", names.trim_end(), parts.trim_end())
}

fn line(row: &Row, ours: Option<&Row>, metrics: &[Metric]) -> String {
    let mut text = format!("  {:<18}", row.peer);
    if let Some(reason) = &row.failed {
        return format!("{text}  failed: {reason}\n");
    }
    for (index, metric) in metrics.iter().enumerate() {
        let Some((median, (least, most))) = row.median(index).zip(row.ends(index)) else {
            continue;
        };
        text.push_str(&figure(median));
        if metric.wide {
            let ratio = ours.and_then(|ours| ours.median(index)).map(|ours| match metric.better {
                Better::More => ours / median,
                Better::Less => median / ours,
            });
            text.push_str(&figure(least));
            text.push_str(&figure(most));
            text.push_str(
                &ratio.map_or_else(|| format!("{:>6}", "-"), |ratio| format!("{ratio:>6.2}")),
            );
        }
    }
    text.push('\n');
    text
}

/// With as many digits as it deserves.
fn figure(value: f64) -> String {
    match value.abs() {
        // The ticks of a short measurement may have seen neither side.
        v if v.is_nan() => format!("{:>10}", "-"),
        v if v >= 1000.0 => format!("{value:>10.0}"),
        v if v >= 10.0 => format!("{value:>10.1}"),
        _ => format!("{value:>10.2}"),
    }
}

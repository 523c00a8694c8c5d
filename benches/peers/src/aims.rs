//! What is aimed at, and whether it is reached.

use std::fmt::Write;

use crate::table::{Row, Section, Table};

/// A figure of a workload, and what it is to be.
struct Aim {
    workload: &'static str,
    /// How its label begins.
    figure: &'static str,
    goal: Goal,
}

enum Goal {
    /// At least so many times as good as the best of these, or of all if none are named.
    Times(f64, &'static [&'static str]),
    /// At most so much.
    AtMost(f64),
}

/// No peer, but what greenhub itself stands on.
const FLOOR: &str = "corosensei";

const STACKFUL: &[&str] = &["may", "Go", "Boost.Fiber"];

const AIMS: &[Aim] = &[
    times("yield_2", 2.5, &[]),
    times("yield_1000", 1.7, &[]),
    times("spawn_one", 2.5, &[]),
    times("spawn_many", 1.5, &["smol"]),
    times("spawn_many", 3.0, STACKFUL),
    times("ping_pong", 1.7, &[]),
    times("stream", 1.0, &[]),
    times("lock", 2.0, &[]),
    times("limit_value", 2.0, &[]),
    times("limit_yield", 2.0, &[]),
    times("limit_answer", 2.0, &[]),
    Aim { workload: "parked_100000", figure: "resident", goal: Goal::AtMost(4600.0) },
    Aim { workload: "parked_1000000", figure: "resident", goal: Goal::AtMost(4600.0) },
    Aim { workload: "sleepers_1000000", figure: "wall", goal: Goal::AtMost(4000.0) },
];

const fn times(workload: &'static str, times: f64, of: &'static [&'static str]) -> Aim {
    Aim { workload, figure: "", goal: Goal::Times(times, of) }
}

/// All aims beside what was measured.
pub(crate) fn report(tables: &[Table]) -> String {
    let mut report = String::from("aims: greenhub beside the best of its peers\n\n");
    writeln!(
        report,
        "  {:<18}{:>12}  {:<34}{:>12}{:>8}  {:<30}",
        "", "greenhub", "best peer", "", "ratio", "aim"
    )
    .expect("a string takes it");
    for aim in AIMS {
        report.push_str(&line(aim, section(aim, tables)));
    }
    report
}

fn section<'a>(aim: &Aim, tables: &'a [Table]) -> Option<&'a Section> {
    let table = tables.iter().find(|table| table.name == aim.workload)?;
    table.sections.iter().find(|section| section.label.starts_with(aim.figure))
}

fn line(aim: &Aim, section: Option<&Section>) -> String {
    let (goal, among): (_, &[&str]) = match aim.goal {
        Goal::Times(times, []) => (format!("{times} x the best"), &[]),
        Goal::Times(times, among) => (format!("{times} x {}", among.join(", ")), among),
        Goal::AtMost(most) => (format!("at most {most}"), &[]),
    };
    let name = aim.workload;
    let Some((section, ours)) = section.and_then(|section| Some((section, section.ours()?))) else {
        return format!(
            "  {name:<18}{:>12}  {:<34}{:>12}{:>8}  {goal}\n",
            "", "", "", "not measured"
        );
    };
    let best = best(section, among);
    let ratio = best.map(|best| best.median / ours.median);
    let reached = match aim.goal {
        Goal::Times(times, _) => ratio.map(|ratio| ratio >= times),
        Goal::AtMost(most) => Some(ours.median <= most),
    };
    let verdict = match reached {
        Some(true) => "reached",
        Some(false) => "NOT REACHED",
        None => "nothing to compare",
    };
    let (best, median) =
        best.map_or(("none", String::new()), |best| (&best.peer, format!("{:.1}", best.median)));
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let ours = ours.median;
    format!("  {name:<18}{ours:>12.1}  {best:<34}{median:>12}{ratio:>8}  {goal}: {verdict}\n")
}

/// The best of the peers, or of those that are named.
fn best<'a>(section: &'a Section, among: &[&str]) -> Option<&'a Row> {
    let is_peer = |row: &&Row| !row.peer.starts_with("greenhub") && !row.peer.starts_with(FLOOR);
    let is_meant =
        |row: &&Row| among.is_empty() || among.iter().any(|one| row.peer.starts_with(one));
    let peers = section.rows.iter().filter(is_peer).filter(is_meant);
    peers.min_by(|one, other| one.median.total_cmp(&other.median))
}

#[cfg(test)]
mod tests {
    use super::report;
    use crate::table::{Row, Section, Table};

    fn table(name: &str, label: &str, medians: &[(&str, f64)]) -> Table {
        let rows = medians.iter().map(|(peer, median)| Row::of(peer, &[*median])).collect();
        let sections = vec![Section { label: label.to_owned(), rows }];
        Table { name: name.to_owned(), what: String::new(), sections, notes: Vec::new() }
    }

    fn verdict(tables: &[Table], aim: &str) -> String {
        let report = report(tables);
        let line = report.lines().find(|line| line.trim_start().starts_with(aim));
        line.expect("each aim has a line").to_owned()
    }

    #[test]
    fn the_best_peer_counts_and_neither_the_floor_nor_a_second_way_of_greenhub() {
        let medians = [
            ("greenhub", 4.0),
            ("greenhub, other", 1.0),
            ("corosensei, floor", 2.0),
            ("smol", 12.0),
        ];
        let line = verdict(&[table("yield_2", "ns", &medians)], "yield_2");
        assert!(
            line.contains("smol") && line.contains("3.00") && line.ends_with(": reached"),
            "{line}"
        );
    }

    #[test]
    fn a_miss_is_told() {
        let medians = [("greenhub", 4.0), ("tokio", 9.9), ("may", 100.0)];
        let line = verdict(&[table("yield_2", "ns", &medians)], "yield_2");
        assert!(line.ends_with("2.5 x the best: NOT REACHED"), "{line}");
    }

    #[test]
    fn a_bound_needs_no_peer() {
        let tables = [table("parked_100000", "resident, bytes each", &[("greenhub", 4599.0)])];
        assert!(verdict(&tables, "parked_100000").ends_with("at most 4600: reached"));
        assert!(verdict(&tables, "sleepers_1000000").contains("not measured"));
    }
}

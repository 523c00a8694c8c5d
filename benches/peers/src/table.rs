//! The table of one workload: printed, recorded, and read again from its record.

use std::fmt;

/// What was measured of one workload.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) sections: Vec<Section>,
    /// The settings of the peers, and why some are missing.
    pub(crate) notes: Vec<String>,
}

/// One figure, of all peers.
pub(crate) struct Section {
    /// What it is, with its unit.
    pub(crate) label: String,
    /// The first is greenhub.
    pub(crate) rows: Vec<Row>,
}

/// One figure of one peer. Less is better.
pub(crate) struct Row {
    pub(crate) peer: String,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Row {
    /// Of what was measured in all rounds, of which there is at least one.
    pub(crate) fn of(peer: &str, rounds: &[f64]) -> Row {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        Row { peer: peer.to_owned(), median: median(&sorted), min, max }
    }
}

fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

impl Section {
    pub(crate) fn ours(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == "greenhub")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.what)?;
        self.sections.iter().try_for_each(|section| write!(f, "\n{section}"))?;
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {:<44}{:>10}{:>12}{:>12}{:>8}",
            self.label, "median", "min", "max", "ratio"
        )?;
        let ours = self.ours().map(|row| row.median);
        for Row { peer, median, min, max } in &self.rows {
            write!(f, "  {peer:<44}{median:>10.1}{min:>12.1}{max:>12.1}")?;
            match ours {
                Some(ours) => writeln!(f, "{:>8.2}", median / ours)?,
                None => writeln!(f, "{:>8}", "?")?,
            }
        }
        Ok(())
    }
}

/// Reads what was printed, but for the notes.
pub(crate) fn parse(name: &str, printed: &str) -> Table {
    let mut sections: Vec<Section> = Vec::new();
    for line in printed.lines().filter(|line| line.starts_with("  ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((head, [median, min, max, ratio])) = words.split_last_chunk() else { continue };
        let head = head.join(" ");
        if [*median, *min, *max, *ratio] == ["median", "min", "max", "ratio"] {
            sections.push(Section { label: head, rows: Vec::new() });
        } else if let (Ok(median), Ok(min), Ok(max), Some(section)) =
            (median.parse(), min.parse(), max.parse(), sections.last_mut())
        {
            section.rows.push(Row { peer: head, median, min, max });
        }
    }
    Table { name: name.to_owned(), what: String::new(), sections, notes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::{Row, Section, Table, parse};

    #[test]
    fn a_table_is_read_as_it_was_printed() {
        let row = |peer, rounds: &[f64]| Row::of(peer, rounds);
        let rows = vec![row("greenhub", &[1.0, 3.0, 2.0]), row("tokio, 2 ways", &[4.0, 5.0])];
        let sections = vec![Section { label: "ns for a yield".to_owned(), rows }];
        let notes = vec!["greenhub: all of 1 2 3 4 is its own".to_owned()];
        let table = Table { name: "yield".to_owned(), what: "two".to_owned(), sections, notes };
        let read = parse("yield", &table.to_string());
        assert_eq!(read.sections.len(), 1);
        let section = &read.sections[0];
        assert_eq!(section.label, "ns for a yield");
        let told = section.rows.iter().map(|row| (row.peer.as_str(), row.median, row.min, row.max));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("greenhub", 2.0, 1.0, 3.0), ("tokio, 2 ways", 4.5, 4.0, 5.0)]);
    }
}

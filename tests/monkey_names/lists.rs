//! The lists beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The modules, in the order of the table.
const MODULES: &[&str] = &[
    "thread",
    "sync",
    "sync::mpsc",
    "net",
    "os::unix::net",
    "os::linux::net",
    "os::fd",
    "fs",
    "os::unix::fs",
    "io",
    "process",
    "os::unix::process",
    "time",
];

#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    Green,
    Same,
    Absent { reason: String },
}

pub(crate) struct Lists {
    pub(crate) names: Vec<String>,
    pub(crate) kinds: BTreeMap<String, Kind>,
    pub(crate) pending: BTreeSet<String>,
}

impl Lists {
    pub(crate) fn read() -> Lists {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
        let kinds: Vec<_> = include_str!("kinds.txt").lines().map(name_and_kind).collect();
        let number = kinds.len();
        let lists = Lists {
            names: lines(include_str!("std.txt")),
            kinds: kinds.into_iter().collect(),
            pending: lines(include_str!("pending.txt")).into_iter().collect(),
        };
        assert_eq!(lists.kinds.len(), number, "a name has two kinds");
        lists
    }

    pub(crate) fn of<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = &'a String> {
        self.kinds.iter().filter(move |(_, its)| *its == kind).map(|(name, _)| name)
    }

    pub(crate) fn is_pending(&self, name: &str) -> bool {
        self.pending.iter().any(|entry| covers(entry, name))
    }

    /// Whether it stands in its module, and is no method of what does.
    pub(crate) fn is_item(&self, name: &str) -> bool {
        name.rsplit_once("::").is_some_and(|(module, _)| module == module_of(name))
    }

    /// How many names of each module are what, as a table.
    pub(crate) fn table(&self) -> String {
        let (waiting, ruler) =
            if self.pending.is_empty() { ("", "") } else { (" not yet |", " --- |") };
        let mut table = format!("| module | green | std's own | absent |{waiting}\n");
        writeln!(table, "| --- | --- | --- | --- |{ruler}").unwrap();
        for module in MODULES {
            let [green, same, absent, pending] = self.numbers(module);
            write!(table, "| `{module}` | {green} | {same} | {absent} |").unwrap();
            if !self.pending.is_empty() {
                write!(table, " {pending} |").unwrap();
            }
            table.push('\n');
        }
        table
    }

    fn numbers(&self, module: &str) -> [usize; 4] {
        let mut numbers = [0; 4];
        for (name, kind) in self.kinds.iter().filter(|(name, _)| module_of(name) == module) {
            let place = match kind {
                Kind::Green if self.is_pending(name) => 3,
                Kind::Green => 0,
                Kind::Same => 1,
                Kind::Absent { .. } => 2,
            };
            numbers[place] += 1;
        }
        numbers
    }
}

/// Whether an entry of the pending list speaks of `name`.
pub(crate) fn covers(entry: &str, name: &str) -> bool {
    name.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The module that a name belongs to: `sync::mpsc` itself is of `sync`.
pub(crate) fn module_of(name: &str) -> &'static str {
    MODULES
        .iter()
        .copied()
        .filter(|module| name != *module && covers(module, name))
        .max_by_key(|module| module.len())
        .unwrap_or_else(|| panic!("{name} is of no module of the list"))
}

/// Whether it is a module that the list goes into.
pub(crate) fn is_module(name: &str) -> bool {
    MODULES.contains(&name)
}

fn name_and_kind(line: &str) -> (String, Kind) {
    let (name, kind) = line.split_once(' ').unwrap_or((line, ""));
    let kind = match (kind, kind.strip_prefix("absent: ")) {
        ("green", _) => Kind::Green,
        ("same", _) => Kind::Same,
        (_, Some(reason)) => Kind::Absent { reason: reason.to_owned() },
        _ => panic!("what kind is {line:?}?"),
    };
    (name.to_owned(), kind)
}

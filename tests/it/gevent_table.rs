//! The tables of `arch-notes/11-gevent.md`: what they name exists.
//!
//! A row names tests, or says why there are none. The tests must be in the files it tells,
//! and so must greenhub's names be in `src`.

use std::fs;
use std::path::Path;

const NOTE: &str = "arch-notes/11-gevent.md";

/// What the last cell of a row without a test begins with, before its reason.
const WITHOUT_TEST: [&str; 2] = ["later: ", "no: "];

/// A file whose tests are what its main calls, as it must be alone in its process.
const HARNESSLESS: &str = "alone.rs";

/// One row of a table: its line in the note, its cells, and how many its table's head has.
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) cells: Vec<String>,
    pub(crate) columns: usize,
}

impl Row {
    pub(crate) fn last(&self) -> &str {
        self.cells.last().expect("a row has cells")
    }

    pub(crate) fn tests(&self) -> Vec<String> {
        quoted(self.last()).into_iter().filter(|item| is_test(item)).collect()
    }

    /// greenhub's names: what else is in backticks after the first cell, and not std's or gevent's.
    fn names(&self) -> Vec<String> {
        let quoted = self.cells[1..].iter().flat_map(|cell| quoted(cell));
        let is_foreign = |item: &str| item.starts_with("std::") || item.starts_with("test_");
        quoted.filter(|item| !is_test(item) && !is_foreign(item)).collect()
    }

    fn has_reason(&self) -> bool {
        let told = |word: &&str| self.last().strip_prefix(word);
        let reason = WITHOUT_TEST.iter().find_map(told);
        reason.is_some_and(|reason| !reason.is_empty())
    }
}

pub(crate) fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The rows of all tables, without heads and rules.
pub(crate) fn rows(note: &str) -> Vec<Row> {
    let lines: Vec<&str> = note.lines().collect();
    let is_rule = |line: &str| line.starts_with("| --- |");
    let (mut rows, mut columns) = (Vec::new(), 0);
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if lines.get(index + 1).is_some_and(|next| is_rule(next)) {
            columns = cells.len();
        } else if !is_rule(line) {
            let cells = cells.into_iter().map(str::to_owned).collect();
            rows.push(Row { line: index + 1, cells, columns });
        }
    }
    rows
}

/// What is in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether `item` names a test: `it/raw.rs::name` below `tests`, `src/greenlet/tests.rs::name`, or
/// an example in the documentation, as `doc src/raw/mod.rs` or `doc src/hub/mod.rs::Hub`.
fn is_test(item: &str) -> bool {
    item.starts_with("doc ") || item.contains(".rs::")
}

/// Why there is no such test, if there is none.
pub(crate) fn lacks_test(item: &str) -> Option<String> {
    if let Some(place) = item.strip_prefix("doc ") {
        let (file, name) = place.split_once("::").unwrap_or((place, ""));
        let Some(text) = read(file) else { return Some(format!("there is no {file}")) };
        let found = if name.is_empty() { has_own_example(&text) } else { has_example(&text, name) };
        return (!found).then(|| format!("{file} has no example for {name:?}"));
    }
    let (file, name) = item.split_once("::").expect("it was seen to have one");
    let path = if file.starts_with("src/") { file.to_owned() } else { format!("tests/{file}") };
    let Some(text) = read(&path) else { return Some(format!("there is no {path}")) };
    let found = match file {
        HARNESSLESS => text.lines().any(|line| line.trim() == format!("{name}();")),
        _ => has_test(&text, name),
    };
    (!found).then(|| format!("{path} has no test {name}"))
}

fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}()");
    let mut before = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with(&head) && before == "#[test]" {
            return true;
        }
        // Other attributes may follow.
        if before != "#[test]" || !line.starts_with("#[") {
            before = line;
        }
    }
    false
}

/// Whether the file's own documentation has an example.
fn has_own_example(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("//! ```"))
}

/// Whether the documentation of a public item has an example.
fn has_example(text: &str, name: &str) -> bool {
    let mut in_docs = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("///") {
            in_docs |= line.starts_with("/// ```");
        } else if in_docs && defines(line, name) {
            return true;
        } else if !line.starts_with("#[") {
            in_docs = false;
        }
    }
    false
}

/// Whether a line defines a public item of this name, or a macro.
fn defines(line: &str, name: &str) -> bool {
    let is_name = |rest: &str| words(rest).next() == Some(name);
    let line = line.trim();
    let qualifiers = ["const ", "unsafe "];
    let unqualified =
        |rest| qualifiers.iter().fold(rest, |rest: &str, q| rest.trim_start_matches(q));
    let public = line.strip_prefix("pub ").map(unqualified);
    let kinds = ["fn ", "struct ", "enum ", "trait ", "mod ", "type "];
    let mut of_kind = kinds.iter().filter_map(|kind| public?.strip_prefix(kind));
    let is_macro = line.strip_prefix("macro_rules! ").is_some_and(is_name);
    of_kind.any(is_name) || is_macro
}

/// All Rust files of `src` whose modules are `modules`, or are in them.
fn files_of(modules: &[&str]) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("so can its entries").path();
            if path.is_dir() {
                walk(&path, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push(text);
            }
        }
    }
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(modules.join("/"));
    let mut found = Vec::new();
    if place.is_dir() {
        walk(&place, &mut found);
    }
    found.extend(fs::read_to_string(place.with_extension("rs")).ok());
    found
}

/// The lines of a type's definition, of a trait's, and of all `impl` blocks for it.
fn lines_of_type<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let is_impl = line.starts_with("impl") && words(line).any(|word| word == name);
        inside |= is_impl || defines(line, name);
        if inside {
            lines.push(line);
        }
        let is_at_margin = !line.starts_with(' ');
        if is_at_margin && (line.ends_with('}') || line.ends_with(';')) {
            inside = false;
        }
    }
    lines
}

/// Why greenhub has no such name, if it has none.
fn lacks_name(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.trim_end_matches('!').split("::").collect();
    let is_module = |segment: &&str| segment.starts_with(char::is_lowercase);
    let (last, owners) = segments.split_last().expect("a path is not empty");
    let modules: Vec<&str> = owners.iter().copied().take_while(is_module).collect();
    let root = segments[modules.len()];
    if !is_exported(&modules, root) {
        return Some(format!("{path} is not exported"));
    }
    let mut files = files_of(&modules);
    if !files.iter().any(|text| text.lines().any(|line| defines(line, root))) {
        // It comes from elsewhere.
        files = files_of(&[]);
    }
    let found = files.iter().any(|text| match owners.last() {
        Some(owner) if !is_module(owner) => lines_of_type(text, owner)
            .iter()
            .any(|line| defines(line, last) || is_member(line, last)),
        _ => text.lines().any(|line| defines(line, last)),
    });
    (!found).then(|| format!("src has no {path}"))
}

/// Whether the file of a module names what is in it, as it must, to define it or to export it.
/// Macros are the root's, wherever they are.
fn is_exported(modules: &[&str], name: &str) -> bool {
    let folder = Path::new("src").join(modules.join("/"));
    let places = match modules {
        [] => [folder.join("lib.rs"), folder.join("greenlet/local.rs")],
        _ => [folder.join("mod.rs"), folder.with_extension("rs")],
    };
    places.iter().filter_map(read).any(|text| words(&text).any(|word| word == name))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether a line of a type is its variant of this name, or its method as a trait.
fn is_member(line: &str, name: &str) -> bool {
    let member = line.strip_prefix("    ").map(|line| line.trim_start_matches("fn "));
    let rest = member.and_then(|member| member.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with([',', '(', ' ', '<']))
}

/// What is wrong with the rows of a note.
fn mistakes(note: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows(note) {
        let tests = row.tests();
        let mut found: Vec<String> = tests.iter().filter_map(|test| lacks_test(test)).collect();
        found.extend(row.names().iter().filter_map(|name| lacks_name(name)));
        if tests.is_empty() && !row.has_reason() {
            found.push("there is neither a test nor a reason".to_owned());
        }
        if row.cells.len() != row.columns || row.cells.iter().any(String::is_empty) {
            found.push("a cell is missing, or empty".to_owned());
        }
        wrong.extend(found.into_iter().map(|what| format!("{NOTE}:{}: {what}", row.line)));
    }
    wrong
}

#[test]
fn what_the_tables_name_exists() {
    let note = read(NOTE).expect("there is a note");
    assert!(rows(&note).len() > 250, "the tables are found");
    let wrong = mistakes(&note);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_is_there_twice() {
    let note = read(NOTE).expect("there is a note");
    // A table's name is part of its rows', as `sleep` is in two of gevent's modules.
    let mut table = 0;
    let mut seen = std::collections::HashSet::new();
    let mut last_line = 0;
    for row in rows(&note) {
        table += usize::from(row.line > last_line + 1);
        last_line = row.line;
        assert!(seen.insert((table, row.cells[0].clone())), "twice: {}", row.cells[0]);
    }
}

#[test]
fn a_row_that_is_not_true_is_found() {
    let row = |cells: &str| mistakes(&format!("| a | b | c |\n| --- | --- | --- |\n| {cells} |\n"));
    let good = "`it/raw.rs::nothing_runs_before_the_first_switch`";
    for names in [
        "`spawn`",
        "`Greenlet::join`",
        "`raw::Greenlet::switch`",
        "`JoinError::Killed`",
        "`greenlet_local!`",
        "`sync::Event::wait_for`",
        "`monkey::net::ToSocketAddrs`",
        "`hub::Remote`",
        "`sync::WaitError::Unwinding`",
        "`greenlet::Exit`",
        "`std::thread::Builder`",
    ] {
        assert_eq!(row(&format!("`x` | {names} | {good}")), [""; 0], "{names}");
    }
    for (cells, told) in [
        ("`x` | `spwan` | no: why", "spwan is not exported"),
        ("`x` | `Greenlet::joined` | no: why", "src has no Greenlet::joined"),
        ("`x` | `Greenlet::stack_size` | no: why", "src has no Greenlet::stack_size"),
        ("`x` | `sync::Evnt` | no: why", "sync::Evnt is not exported"),
        ("`x` | `hub::Core` | no: why", "hub::Core is not exported"),
        ("`x` | `hub::sockets` | no: why", "src has no hub::sockets"),
        ("x | `Evnt`, in any row | later: x", "Evnt is not exported"),
        ("`x` | – | no: `Evnt` is it", "Evnt is not exported"),
        ("`x` | `JoinError::Kiled` | no: why", "src has no JoinError::Kiled"),
        ("`x` | – | `it/raw.rs::nothing`", "tests/it/raw.rs has no test nothing"),
        ("`x` | – | `it/raw.rs::four_steps`", "tests/it/raw.rs has no test four_steps"),
        ("`x` | – | `it/rwa.rs::nothing`", "there is no tests/it/rwa.rs"),
        ("`x` | – | `doc src/clock.rs`", "src/clock.rs has no example"),
        ("`x` | – | `doc src/hub/mod.rs::Stats`", "src/hub/mod.rs has no example for \"Stats\""),
        ("RG-01 | order | it is so", "neither a test nor a reason"),
        ("RG-01 | order | no:", "neither a test nor a reason"),
        ("RG-01 | order | not yet", "neither a test nor a reason"),
        ("`x` | – | `alone.rs::report_of`", "tests/alone.rs has no test report_of"),
        ("`x` | – | ", "a cell is missing"),
        ("`x` | no: why", "a cell is missing"),
    ] {
        let wrong = row(cells);
        assert!(wrong.iter().any(|line| line.contains(told)), "{cells}: {wrong:?}");
    }
}

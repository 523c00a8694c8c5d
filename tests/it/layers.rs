//! The floors of `src/lib.rs`, and where unsafe code may be.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that may have `allow(unsafe_code)`; each tells why in its first comment.
const UNSAFE: &[&str] = &[
    "greenlet/scope.rs",
    "guarded.rs",
    "hub/here.rs",
    "hub/reactor/portable.rs",
    "hub/standing.rs",
    "hub/watched.rs",
    "masked.rs",
    "monkey/descriptor.rs",
    "monkey/process/unix.rs",
    "monkey/thread/scope.rs",
    "os/fork.rs",
    "prefork/inherit.rs",
    "pulse/spot.rs",
    "raw/fiber.rs",
    "raw/first.rs",
    "raw/mailbox.rs",
    "raw/thread.rs",
    "raw/waiting.rs",
    "sanitizer.rs",
    "signal/handler.rs",
    "spans/switching.rs",
    "stack/chunk.rs",
    "stack/overflow.rs",
    "sync/locked.rs",
    "threadpool/lend.rs",
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files below `src`, by their paths relative to it.
fn files() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("so can its entries").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&src(), &mut found);
    found.sort();
    let relative = |path: &Path| path.strip_prefix(src()).unwrap().to_string_lossy().into_owned();
    found.iter().map(|path| (relative(path), fs::read_to_string(path).unwrap())).collect()
}

/// The floor of every module that `lib.rs` declares, and of what it re-exports from there.
fn floors() -> HashMap<String, u32> {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let mut floors = HashMap::new();
    let mut floor = None;
    for line in lib.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("// Floor ") {
            let number = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            floor = Some(number.parse().expect("a floor has a number"));
        }
        let declared = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ");
        if let (Some(name), Some(floor)) = (declared, floor) {
            floors.insert(name.trim_end_matches([';', ' ', '{']).to_owned(), floor);
        }
    }
    let code: String = lib.lines().filter(|line| !line.trim().starts_with("//")).collect();
    for exports in code.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let (module, names) = exports.split_once("::").expect("a re-export has a path");
        let floor = floors[module.trim()];
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            floors.entry(name.to_owned()).or_insert(floor);
        }
    }
    floors
}

/// The module of every macro that is exported: its path is the crate's, wherever it stands.
fn exported_macros() -> HashMap<String, String> {
    let mut macros = HashMap::new();
    for (file, text) in files() {
        let module = file.split(['/', '.']).next().unwrap();
        for rest in text.split("#[macro_export]\nmacro_rules! ").skip(1) {
            let name = rest.split_whitespace().next().unwrap();
            macros.insert(name.to_owned(), module.to_owned());
        }
    }
    macros
}

/// The first names of the `crate::` paths in a line of code, also those in braces.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let names = match rest.strip_prefix('{') {
            None => vec![rest.to_owned()],
            Some(list) => outermost(list),
        };
        let ends = |c: char| !c.is_alphanumeric() && c != '_';
        found.extend(names.iter().map(|name| name.trim().split(ends).next().unwrap().to_owned()));
    }
    found
}

/// The first names of the paths in `a::{x, y}, b}…`.
fn outermost(list: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut depth, mut in_first) = (0, true);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(String::new());
                in_first = true;
            }
            ':' if depth == 0 => in_first = false,
            _ if depth == 0 && in_first => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names
}

/// The lines without their comments. Statements that `use` braces are put on their first line.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        if open {
            lines.last_mut().unwrap().1.push_str(code);
        } else {
            lines.push((index + 1, code.to_owned()));
        }
        let statement = &lines.last().unwrap().1;
        open = statement.contains("use crate::{") && !statement.contains(';');
    }
    lines
}

#[test]
fn a_module_uses_only_floors_below_its_own() {
    let (floors, macros) = (floors(), exported_macros());
    let mut wrong = Vec::new();
    for (file, text) in files().iter().filter(|(file, _)| file != "lib.rs") {
        let module = file.split(['/', '.']).next().unwrap();
        let Some(own) = floors.get(module) else {
            wrong.push(format!("src/{file}: module {module} stands on no floor of lib.rs"));
            continue;
        };
        for (line, code) in code_lines(text) {
            for used in uses(&code) {
                let used = macros.get(&used).cloned().unwrap_or(used);
                let is_macro = code.contains(&format!("crate::{used}!"));
                if used == module || used == "self" || used.is_empty() || is_macro {
                    continue;
                }
                match floors.get(&used) {
                    Some(floor) if floor < own => {}
                    Some(floor) => wrong.push(format!(
                        "src/{file}:{line}: {module} (floor {own}) uses {used} (floor {floor})"
                    )),
                    None => wrong.push(format!("src/{file}:{line}: {used} has no floor")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_only_in_the_listed_files_which_tell_why() {
    let marked: Vec<(String, String)> =
        files().into_iter().filter(|(_, text)| text.contains("allow(unsafe_code)")).collect();
    let names: Vec<&str> = marked.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(names, UNSAFE, "a new file with unsafe code is a decision: list it here");
    for (file, text) in &marked {
        let told = text.contains("//! # Why this file is unsafe");
        let whole_file = text.contains("#![allow(unsafe_code)]");
        assert!(told || !whole_file, "src/{file} does not tell why it is unsafe");
    }
}

#[test]
fn the_floors_are_found() {
    let floors = floors();
    assert_eq!((floors["config"], floors["raw"]), (0, 2));
    assert_eq!(floors["spawn"], floors["greenlet"], "a re-export is on the floor of its module");
    assert_eq!(uses("use crate::{hub::{core, x}, raw};"), ["hub", "raw"]);
    assert_eq!(uses("let x: crate::clock::Moment = crate::config::Y;"), ["clock", "config"]);
}

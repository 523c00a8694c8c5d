//! Every stable name of std in the modules that wait, and what `greenhub::monkey` has for it.
//!
//! - `std.txt` holds the names, one in a line: the items of the modules, and the methods of those types
//!   that are replaced. It was read off std's documentation, for Rust 1.95.
//! - `kinds.txt` says of each what it is: *green*, cooperative here; *same*, std's own, as nothing in it
//!   waits for another greenlet; or *absent*, with the reason.
//! - `pending.txt` holds the green names that are not written yet; one that stands for a module or a
//!   type stands for all in it. They are not looked for, but printed, and counted apart.
//! - `paths.rs` names every item, and is compiled twice.
//! - `green.rs` asks the compiler whose the green items are: a module that forgets to re-export its own
//!   has std's.
//!
//! When something lands, remove its line from `pending.txt`: a test fails until then. Another one then
//! prints the numbers that belong into README.md and the docs of `src/monkey/mod.rs`.

mod green;
mod lists;
mod source;

use std::collections::BTreeSet;
use std::fs;

use self::lists::{Kind, Lists, is_module, module_of};
use self::source::Source;

#[path = "."]
mod on_std {
    use std as world;

    #[path = "paths.rs"]
    mod paths;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;

    #[path = "paths.rs"]
    mod paths;
}

/// Fails with all that is wrong at once.
fn none_is(wrong: Vec<String>, what: &str) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

fn text(file: &str) -> String {
    fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_name_has_a_kind_and_every_kind_a_name() {
    let lists = Lists::read();
    let with_kind: BTreeSet<&String> = lists.kinds.keys().collect();
    let names: BTreeSet<&String> = lists.names.iter().collect();
    let without = names.difference(&with_kind).map(ToString::to_string).collect();
    none_is(without, "names without a kind");
    let unknown = with_kind.difference(&names).map(ToString::to_string).collect();
    none_is(unknown, "kinds of what is no name of std");
    assert!(lists.names.is_sorted(), "std.txt is sorted");
}

#[test]
fn a_name_that_is_absent_has_a_reason() {
    let lists = Lists::read();
    for (name, kind) in &lists.kinds {
        if let Kind::Absent { reason } = kind {
            assert!(reason.len() > 10, "{name} is absent, and why?");
        }
    }
}

#[test]
fn what_is_green_is_in_the_source() {
    let (lists, source) = (Lists::read(), Source::read());
    let mut missing = Vec::new();
    for name in lists.of(&Kind::Green) {
        if lists.is_pending(name) {
            println!("pending, not looked for: {name}");
        } else if !source.defines(name, &lists) {
            missing.push(name.clone());
        }
    }
    none_is(missing, "green, but not in src/monkey");
}

#[test]
fn what_is_green_is_greenhubs_also_for_the_compiler() {
    let lists = Lists::read();
    let told = green::told();
    let mut named: Vec<&String> = told.iter().map(|(name, _)| name).collect();
    named.sort();
    let expected: Vec<&String> =
        lists.of(&Kind::Green).filter(|name| lists.is_item(name) && !is_module(name)).collect();
    assert_eq!(named, expected, "green.rs names every green item");
    let ours = |by_compiler: &str| {
        by_compiler.trim_start_matches("dyn ").trim_start_matches('<').starts_with("greenhub::")
    };
    let stds = told
        .iter()
        .filter(|(name, by_compiler)| !lists.is_pending(name) && !ours(by_compiler))
        .map(|(name, by_compiler)| format!("{name} is {by_compiler}"))
        .collect();
    none_is(stds, "green, but std's where it is used");
}

#[test]
fn what_is_the_same_is_not_in_the_source() {
    let (lists, source) = (Lists::read(), Source::read());
    let defined =
        lists.of(&Kind::Same).filter(|name| source.defines(name, &lists)).cloned().collect();
    none_is(defined, "in src/monkey, so it is green");
}

#[test]
fn what_has_landed_is_not_pending() {
    let (lists, source) = (Lists::read(), Source::read());
    let (mut landed, mut idle) = (Vec::new(), Vec::new());
    for entry in &lists.pending {
        let mut names = lists.of(&Kind::Green).filter(|name| lists::covers(entry, name)).peekable();
        if names.peek().is_none() {
            idle.push(entry.clone());
        } else if names.all(|name| source.defines(name, &lists)) {
            landed.push(entry.clone());
        }
    }
    none_is(idle, "in pending.txt, but nothing green is there");
    none_is(landed, "written, so take it out of pending.txt");
}

#[test]
fn every_item_that_is_there_is_in_the_paths() {
    let lists = Lists::read();
    let expected: Vec<&String> = lists
        .names
        .iter()
        .filter(|name| lists.is_item(name) && !matches!(lists.kinds[*name], Kind::Absent { .. }))
        .collect();
    let paths = text("tests/monkey_names/paths.rs");
    let named: Vec<&str> = paths
        .lines()
        .filter_map(|line| line.strip_prefix("use super::world::")?.strip_suffix(" as _;"))
        .collect();
    assert_eq!(named, expected);
}

#[test]
fn the_numbers_in_the_documentation_are_true() {
    let table = Lists::read().table();
    let lines = |prefix: &str| -> String {
        table.lines().map(|line| format!("{prefix}{line}\n")).collect()
    };
    println!("{table}");
    assert!(text("README.md").contains(&lines("")), "README.md needs this:\n\n{}", lines(""));
    let docs = lines("//! ");
    assert!(text("src/monkey/mod.rs").contains(&docs), "src/monkey/mod.rs needs this:\n\n{docs}");
}

#[test]
fn modules_and_items_are_told_apart() {
    assert_eq!(module_of("sync::mpsc::channel"), "sync::mpsc");
    assert_eq!(module_of("sync::mpsc"), "sync");
    assert_eq!(module_of("os::unix::net::UnixStream::pair"), "os::unix::net");
    let lists = Lists::read();
    assert!(lists.is_item("net::TcpStream") && !lists.is_item("net::TcpStream::peek"));
}

#[test]
fn a_definition_is_found_and_nothing_else() {
    let (lists, source) = (Lists::read(), Source::read());
    for there in ["thread::spawn", "thread::AccessError", "net::TcpStream::peek", "net::Incoming"] {
        assert!(source.defines(there, &lists), "{there}");
    }
    let elsewhere = ["net::TcpListener::peek", "net::Ipv4Addr", "time::Instant", "thread::Result"];
    for not_there in elsewhere {
        assert!(!source.defines(not_there, &lists), "{not_there}");
    }
}

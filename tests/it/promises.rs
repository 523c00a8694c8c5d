//! The promises of `arch-notes/promises.md`: each names the tests that hold it, and those exist.

use std::collections::HashSet;

use crate::gevent_table::{lacks_test, read, rows};

/// What is wrong with the tables of a page.
fn mistakes(page: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = HashSet::new();
    for row in rows(page) {
        let tests = row.tests();
        let mut found: Vec<String> = tests.iter().filter_map(|test| lacks_test(test)).collect();
        if tests.is_empty() {
            found.push("no test holds it".to_owned());
        }
        if row.cells.len() != row.columns || row.cells.iter().any(String::is_empty) {
            found.push("a cell is missing, or empty".to_owned());
        }
        if !seen.insert(row.cells[0].clone()) {
            found.push("it is there twice".to_owned());
        }
        // What else stands in its last cell is no test's name, and so would not be looked for.
        let rest: String = row.last().split('`').step_by(2).collect();
        if rest.chars().any(char::is_alphanumeric) {
            found.push(format!("{rest:?} is no test"));
        }
        let line = row.line;
        wrong.extend(found.into_iter().map(|what| format!("promises.md:{line}: {what}")));
    }
    wrong
}

#[test]
fn each_promise_names_the_tests_that_hold_it() {
    let page = read("arch-notes/promises.md").expect("there is a page");
    assert!(rows(&page).len() > 80, "the tables are found");
    let wrong = mistakes(&page);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_promise_that_nothing_holds_is_found() {
    let row = |cells: &str| mistakes(&format!("| a | b |\n| --- | --- |\n| {cells} |\n"));
    let good = "`it/raw.rs::nothing_runs_before_the_first_switch`";
    assert_eq!(row(&format!("x | {good}, {good}")), [""; 0]);
    assert_eq!(row(&format!("x | {good} |\n| y | {good}")), [""; 0]);
    for (cells, told) in [
        ("x | ", "no test holds it"),
        ("x | so it is", "no test holds it"),
        ("x | `it/raw.rs::nothing`", "tests/it/raw.rs has no test nothing"),
        ("x | `it/rwa.rs::nothing`", "there is no tests/it/rwa.rs"),
        ("x", "a cell is missing"),
    ] {
        let wrong = row(cells);
        assert!(wrong.iter().any(|line| line.contains(told)), "{cells}: {wrong:?}");
    }
    let wrong = row(&format!("x | {good} and more"));
    assert!(wrong.iter().any(|line| line.contains("is no test")), "{wrong:?}");
    let wrong = row(&format!("x | {good} |\n| x | {good}"));
    assert!(wrong.iter().any(|line| line.contains("twice")), "{wrong:?}");
}

//! A monitor that the environment asks for.

use std::thread;

use greenhub::Builder;

use crate::support::{millis, with_variables};

/// What this test says in a process with these variables, where a greenlet blocks for a while; `None` in
/// that process.
fn said_with(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    with_variables(test, variables, || {
        let rude = Builder::new().name("rude").spawn(|| thread::sleep(millis(1500)));
        rude.unwrap().join().unwrap();
        greenhub::sleep(millis(300));
    })
}

#[test]
fn a_monitor_is_there_if_the_environment_asks_for_it() {
    let test = "environment::a_monitor_is_there_if_the_environment_asks_for_it";
    let variables = [("GREENHUB_MONITOR", "1"), ("GREENHUB_MONITOR_ENDS", "1")];
    let Some(said) = said_with(test, &variables) else { return };
    let lines = |text| said.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("appears to be blocked: greenlet"), 1, "{said}");
    assert_eq!(lines("goes on: greenlet"), 1, "{said}");
    assert!(said.contains("greenhub: the hub of thread '"), "{said}");
    assert!(said.contains("'rude' (made at tests/monitor/environment.rs:"), "{said}");
}

#[test]
fn without_it_there_is_one_in_debug_builds_and_none_in_others() {
    let test = "environment::without_it_there_is_one_in_debug_builds_and_none_in_others";
    for variables in [&[][..], &[("GREENHUB_MONITOR", "")]] {
        let Some(said) = said_with(test, variables) else { return };
        let is_told = said.contains("appears to be blocked: greenlet");
        assert_eq!(is_told, cfg!(debug_assertions), "{said}");
    }
    let Some(said) = said_with(test, &[("GREENHUB_MONITOR", "0")]) else { return };
    assert!(!said.contains("greenhub"), "{said}");
}

#[test]
fn its_limit_is_said_in_seconds() {
    let test = "environment::its_limit_is_said_in_seconds";
    let variables = [("GREENHUB_MONITOR", "1"), ("GREENHUB_MAX_BLOCKING", "3600")];
    let Some(said) = said_with(test, &variables) else { return };
    assert!(!said.contains("greenhub"), "{said}");
}

#[test]
fn what_cannot_be_read_is_told_of_and_there_is_no_monitor() {
    let test = "environment::what_cannot_be_read_is_told_of_and_there_is_no_monitor";
    for (variables, reason) in [
        (&[("GREENHUB_MONITOR", "yes")][..], "GREENHUB_MONITOR is \"yes\""),
        (
            &[("GREENHUB_MONITOR", "1"), ("GREENHUB_MAX_BLOCKING", "-1")],
            "GREENHUB_MAX_BLOCKING is \"-1\"",
        ),
    ] {
        let Some(said) = said_with(test, variables) else { return };
        assert!(said.contains(reason) && !said.contains("blocked"), "{said}");
    }
}

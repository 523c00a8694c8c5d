//! The examples that end by themselves.

use std::time::{Duration, Instant};

use crate::programs::run;

pub(crate) const NOTHING: [&str; 0] = [];

#[test]
fn switch_prints_what_was_switched() {
    assert_eq!(run("switch", NOTHING).printed(), "12\n56\n34\ntest1 returned 102\n");
}

#[test]
fn two_eaters_sleep_at_the_same_time() {
    let start = Instant::now();
    let printed = run("two_eaters", NOTHING).printed();
    let elapsed = start.elapsed();
    let lines: Vec<_> = printed.lines().collect();
    let [first, second, third, fourth, after] = lines[..] else { panic!("{printed}") };
    assert_eq!([first, second], ["1 eat: begins", "2 play: begins"]);
    assert_eq!([third, fourth], ["play: ends", "eat: ends"]);
    assert!(after.starts_with("after 2."), "{after}");
    assert!(elapsed >= Duration::from_secs(2), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(3), "one after the other, {elapsed:?}");
}

#[test]
fn million_prints_its_figures() {
    let printed = run("million", ["20000"]).printed();
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("20000 greenlets were parked at once"));
    let names = ["resident memory", "page tables", "spawn", "run and park", "wake", "run and end"];
    for name in names {
        let figure = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number =
            figure.and_then(|figure| figure.split_whitespace().next()?.parse::<u64>().ok());
        assert!(number.is_some(), "{name}: {printed}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn million_refuses_what_is_no_number_above_zero() {
    for arguments in
        [vec!["0"], vec!["-1"], vec!["many"], vec![""], vec!["9999999999"], vec!["1", "2"]]
    {
        let complaint = run("million", &arguments).complained(2);
        assert!(complaint.starts_with("usage: million [N]"), "{arguments:?}: {complaint}");
    }
}

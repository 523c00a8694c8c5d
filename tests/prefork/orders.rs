//! What the parent is told to do.

use std::fs;

use rustix::process::Signal;

use crate::driver::{Program, start};

fn events(program: &Program) -> Vec<String> {
    let lines = program.lines().into_iter();
    let words = |line: String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let is_event =
        |line: &String| ["started", "ready", "ending"].iter().any(|it| line.starts_with(it));
    lines.filter(is_event).map(words).collect()
}

pub(crate) fn a_reload_replaces_one_after_the_other_each_when_the_next_is_ready() {
    let program = start("serve", &["workers=3"]);
    program.all_ready(3, 0);
    let before = events(&program).len();
    program.signal(Signal::HUP);
    program.all_ready(3, 1);
    program.moments("ended", 3);
    let expected =
        (0..3).flat_map(|n| ["started", "ready", "ending"].map(|what| format!("{what} {n}")));
    assert_eq!(events(&program)[before..], expected.collect::<Vec<_>>());
    program.stop();
}

pub(crate) fn reloads_leave_no_descriptors() {
    let program = start("serve", &["workers=2"]);
    let count = || fs::read_dir(format!("/proc/{}/fd", program.pid())).unwrap().count();
    let reload = |generation: usize| {
        program.signal(Signal::HUP);
        program.all_ready(2, generation as u64);
        program.moments("ended", 2 * generation);
    };
    program.all_ready(2, 0);
    reload(1);
    let before = count();
    for generation in 2..8 {
        reload(generation);
    }
    assert_eq!(count(), before);
    program.stop();
}

pub(crate) fn signals_make_one_worker_more_and_one_less() {
    let program = start("serve", &["workers=1"]);
    program.ready(0, 1);
    program.signal(Signal::TTIN);
    let second = program.ready(1, 1);
    program.signal(Signal::TTOU);
    assert_eq!(program.line("ending 1"), format!("{second} 0"));
    program.line("ended 1");
    // The last one stays.
    program.signal(Signal::TTOU);
    program.signal(Signal::HUP);
    program.all_ready(1, 1);
    program.moments("ended 0", 1);
    program.stop();
}

pub(crate) fn calls_do_what_signals_do_beside_other_greenlets() {
    let mut program = start("commanded", &["workers=2", "silent=1"]);
    assert_eq!(program.end().code(), Some(0));
    assert_eq!(
        program.all_lines(),
        [
            "two [(0, 0), (1, 0)]",
            "three [(0, 0), (1, 0), (2, 0)]",
            "reloaded [(0, 1), (1, 1), (2, 1)]",
            "one [(0, 1)]",
        ]
    );
}

pub(crate) fn a_process_runs_one_prefork() {
    let mut program = start("twice", &[]);
    assert_eq!(program.end().code(), Some(0), "{:?}", program.lines());
    let said = program.all_lines();
    let said: Vec<_> = said.iter().filter(|line| !line.contains("stderr")).collect();
    assert_eq!(said, ["none InvalidInput", "again AlreadyExists"]);
}

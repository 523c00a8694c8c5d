//! How it all ends, and what is left then.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::driver::{Client, Program, command, start};

/// A request that takes so many milliseconds and is being served.
fn in_flight(program: &Program, request: &str) -> Client {
    let address = program.address();
    let mut client = Client::connect(address).unwrap();
    // Its worker has a handler for it from here on.
    client.ask("pid").unwrap();
    client.send(request).unwrap();
    thread::sleep(Duration::from_millis(50));
    client
}

pub(crate) fn requests_in_flight_are_answered_before_a_gentle_end() {
    let mut program = start("serve", &["workers=2"]);
    program.all_ready(2, 0);
    let mut clients: Vec<_> = (0..6).map(|_| in_flight(&program, "sleep 700")).collect();
    program.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.answer().unwrap(), ("slept".to_owned(), true));
    }
    assert_eq!(program.end().code(), Some(0));
    let lines = program.all_lines();
    let ended = lines.iter().filter(|it| it.ends_with("Ending exit status: 0"));
    assert_eq!(ended.count(), 2, "{lines:#?}");
    assert!(Client::connect(program.address()).is_err(), "nobody listens any more");
}

pub(crate) fn a_gentle_end_takes_no_longer_than_the_grace() {
    let mut program = start("serve", &["workers=2", "grace=200"]);
    program.all_ready(2, 0);
    let mut waits = in_flight(&program, "sleep 600000");
    let mut spins = in_flight(&program, "spin");
    let begin = Instant::now();
    program.signal(Signal::TERM);
    assert_eq!(program.end().code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(waits.answer().is_err() && spins.answer().is_err());
    // The one that waits is ended by its server; the one that computes by the parent.
    let lines = program.all_lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("overdue")).count(), 1, "{lines:#?}");
}

fn ends_at_once(signals: &[Signal]) {
    let mut program = start("serve", &["workers=2", "grace=600000"]);
    program.all_ready(2, 0);
    let _client = in_flight(&program, "sleep 600000");
    for signal in signals {
        program.signal(*signal);
        if *signal == Signal::TERM {
            program.line("ending 1");
        }
    }
    assert_eq!(program.end().code(), Some(0));
    program.leaves_nobody();
}

pub(crate) fn a_second_term_is_in_a_hurry() {
    ends_at_once(&[Signal::TERM, Signal::TERM]);
    ends_at_once(&[Signal::TERM, Signal::INT]);
}

pub(crate) fn an_interrupt_is_in_a_hurry() {
    ends_at_once(&[Signal::INT]);
}

pub(crate) fn a_terminals_interrupt_of_the_whole_group_ends_all() {
    let mut program = start("serve", &["workers=2"]);
    program.all_ready(2, 0);
    let group = Pid::from_raw(program.pid().cast_signed()).unwrap();
    kill_process_group(group, Signal::INT).unwrap();
    assert_eq!(program.end().code(), Some(0));
    let lines = program.all_lines();
    assert!(lines.iter().all(|line| !line.starts_with("started 2")), "{lines:#?}");
}

pub(crate) fn workers_of_a_killed_parent_finish_and_end() {
    let mut program = start("serve", &["workers=3"]);
    program.all_ready(3, 0);
    let mut client = in_flight(&program, "sleep 700");
    program.signal(Signal::KILL);
    assert_eq!(client.answer().unwrap(), ("slept".to_owned(), true));
    program.end();
    program.leaves_nobody();
}

pub(crate) fn a_worker_that_only_computes_does_not_outlive_its_parent() {
    let mut program = start("serve", &["workers=2", "grace=100"]);
    program.all_ready(2, 0);
    let _one = in_flight(&program, "spin");
    program.signal(Signal::KILL);
    program.end();
    program.leaves_nobody();
}

pub(crate) fn a_worker_that_starts_does_not_outlive_its_parent() {
    for delay in [0, 1, 2, 5, 10, 20] {
        let mut program = Program::start(command("serve", &["workers=3", "grace=100"]));
        program.line("started 0");
        thread::sleep(Duration::from_millis(delay));
        program.signal(Signal::KILL);
        program.end();
        program.leaves_nobody();
    }
}

pub(crate) fn a_worker_that_does_not_come_to_run_does_not_outlive_its_parent() {
    let mut program = start("serve", &["workers=2", "lost=1"]);
    program.line("started 1");
    thread::sleep(Duration::from_millis(100));
    program.signal(Signal::KILL);
    program.end();
    program.leaves_nobody();
}

pub(crate) fn workers_of_a_run_that_is_unwound_are_killed_and_reaped() {
    let mut program = start("unwound", &["workers=3", "limit=700"]);
    assert_eq!(program.end().code(), Some(0));
    program.leaves_nobody();
    assert_eq!(program.line("unwound"), "");
    assert_eq!(program.line("children"), "[]");
}

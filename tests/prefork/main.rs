//! Several processes over one listener.
//!
//! This is a program that starts itself, as the program with workers that a test is about. So it
//! has no test harness, whose threads and descriptors would be that program's too; arguments are
//! parts of the names of the tests that are wanted.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

#[path = "../support/bounded.rs"]
#[expect(dead_code, reason = "one limit is enough here")]
mod bounded;
mod driver;
mod ending;
mod failing;
mod inheriting;
mod orders;
mod program;
mod serving;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Duration;

/// Some of them serve a hundred thousand requests.
const LIMIT: Duration = Duration::from_secs(240);

macro_rules! tests {
    ($($module:ident: $($test:ident)*;)*) => {
        [$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test as fn()),)*)*]
    };
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    match arguments.peek().map(String::as_str) {
        Some("program") => program::main(arguments.skip(1)),
        Some("child") => program::child(),
        _ if cfg!(not(target_os = "linux")) => ExitCode::SUCCESS,
        _ => run(&arguments.filter(|argument| !argument.starts_with('-')).collect::<Vec<_>>()),
    }
}

fn run(wanted: &[String]) -> ExitCode {
    driver::keep_what_was_left_open();
    let tests = tests! {
        serving:
            a_reload_under_load_refuses_no_connection_and_fails_no_request
            a_worker_that_is_killed_is_replaced_within_a_second_and_others_see_nothing
            listeners_of_both_kinds_are_shared;
        orders:
            a_reload_replaces_one_after_the_other_each_when_the_next_is_ready
            reloads_leave_no_descriptors
            signals_make_one_worker_more_and_one_less
            calls_do_what_signals_do_beside_other_greenlets
            a_process_runs_one_prefork;
        ending:
            requests_in_flight_are_answered_before_a_gentle_end
            a_gentle_end_takes_no_longer_than_the_grace
            a_second_term_is_in_a_hurry
            an_interrupt_is_in_a_hurry
            a_terminals_interrupt_of_the_whole_group_ends_all
            workers_of_a_killed_parent_finish_and_end
            a_worker_that_only_computes_does_not_outlive_its_parent
            a_worker_that_starts_does_not_outlive_its_parent
            a_worker_that_does_not_come_to_run_does_not_outlive_its_parent
            workers_of_a_run_that_is_unwound_are_killed_and_reaped;
        failing:
            a_worker_that_dies_at_the_start_is_tried_again_at_growing_intervals
            if_no_worker_ever_gets_ready_the_parent_gives_up
            if_no_worker_can_be_started_the_parent_gives_up
            deaths_are_told_once_on_standard_error
            deaths_that_the_kernel_does_not_tell_of_are_seen_all_the_same
            a_worker_that_does_not_get_ready_is_killed_and_tried_again
            a_worker_that_gets_ready_while_the_parent_is_busy_is_not_killed
            a_reload_that_cannot_start_leaves_the_old_workers_to_serve
            a_reload_starts_what_is_in_the_programs_file_by_then;
        inheriting:
            a_worker_has_the_listeners_and_one_descriptor_more
            what_a_worker_starts_inherits_nothing_and_is_no_worker
            what_a_worker_with_several_threads_starts_is_no_worker_either
            a_closed_standard_input_does_no_harm
            standard_input_closed_by_the_program_itself_does_no_harm
            sockets_of_a_service_manager_are_taken_once
            sockets_of_a_service_manager_are_served_by_workers
            what_is_no_listener_is_refused
            variables_that_make_no_sense_are_refused
            an_assignment_that_makes_no_sense_is_refused;
    };
    let mut failed = Vec::new();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    for (name, test) in tests.into_iter().filter(|(name, _)| is_wanted(name)) {
        println!("{name}");
        if catch_unwind(move || bounded::bounded_by(LIMIT, test)).is_err() {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {failed:#?}");
    ExitCode::FAILURE
}

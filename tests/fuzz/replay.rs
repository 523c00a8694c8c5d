//! Programs that the fuzzer has found worth keeping, and some thousand that a seed decides.
//!
//! `GREENHUB_FUZZ_PROGRAMS` says how many for each target (2000 unless it is set), `GREENHUB_FUZZ_SEED`
//! with which to begin. One that fails tells its number, which is a seed to repeat it with.

use std::env;
use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;

use greenhub_fuzz::TARGETS;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The bytes of a program, as a number decides.
fn program(number: u64) -> Vec<u8> {
    let mut state = number;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let length = next() % 700;
    (0..length).map(|_| next() as u8).collect()
}

fn run(target: &str, what: &str, program: &[u8]) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    if let Err(payload) = catch_unwind(|| run(program)) {
        eprintln!("{target} fails: {what}");
        resume_unwind(payload);
    }
}

fn replay(target: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = fs::read_dir(&corpus).expect("a corpus");
    let mut count = 0;
    for file in files {
        let file = file.expect("an entry").path();
        run(target, &format!("{file:?}"), &fs::read(&file).expect("a program"));
        count += 1;
    }
    assert!(count > 0, "a corpus in {corpus:?}");
    let first = setting("GREENHUB_FUZZ_SEED", 0);
    for number in first..first + setting("GREENHUB_FUZZ_PROGRAMS", 2_000) {
        run(target, &format!("GREENHUB_FUZZ_SEED={number}"), &program(number));
    }
}

#[test]
fn primitives_are_as_their_model() {
    replay("primitives");
}

#[test]
fn queues_are_as_their_model() {
    replay("queues");
}

#[test]
fn timers_are_as_their_model() {
    replay("timers");
}

#[test]
fn sockets_are_as_their_model() {
    replay("sockets");
}

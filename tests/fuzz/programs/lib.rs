//! Random programs over greenhub's primitives, each beside a plain model of it.
//!
//! A program is a few greenlets and what each is to do. It runs in a simulation, so it does the same
//! each time, and no time passes. The model does each step as well, and is asked after each whether it
//! sees the same: see [`stage`] for how a wait is followed. What a target asks of its primitives is told
//! in its file.
//!
//! ```text
//! cargo test --release --manifest-path tests/fuzz/Cargo.toml
//! RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz -s none --features libfuzzer primitives
//! ```
//!
//! The first replays the corpus and some thousand programs that a seed decides; the second looks for new
//! ones, by what they reach.

pub mod gate;
pub mod play;
pub mod primitives;
pub mod program;
pub mod queues;
pub mod sockets;
pub mod stage;
pub mod timers;

/// A target's name, and what runs a program of it.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("primitives", primitives::run),
    ("queues", queues::run),
    ("timers", timers::run),
    ("sockets", sockets::run),
];

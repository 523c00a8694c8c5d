//! Green threads in the manner of gevent.

// Each floor uses only the floors listed before it; `tests/it/layers.rs` checks this.

// Floor 0. Ground: no greenlets yet.
mod clock;
mod config;

// Floor 1. A place to run on.
mod stack;

// Floor 2. One switch.
pub mod raw;

//! What a program asks of its hub: to be waited for, to be ended, to be run. One binary, so that it
//! links once.

mod support;

mod background;
mod callbacks;
#[cfg(all(target_os = "linux", not(greenhub_portable)))]
mod embedding;
mod ending;
mod idling;
mod joining;
mod stats;
mod tracing;

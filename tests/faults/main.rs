//! What the kernel answers when things go wrong: interruptions, short transfers, no descriptors left,
//! and a descriptor of the hub's that someone has closed. Each test has a process of its own.

#![cfg(all(target_os = "linux", not(greenhub_portable)))]

mod descriptors;
mod interrupted;
#[allow(dead_code, unused_imports, reason = "this binary needs a part of it")]
#[path = "../it/support.rs"]
mod support;

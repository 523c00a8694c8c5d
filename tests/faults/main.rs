//! What the kernel answers when things go wrong: interruptions, short transfers, no descriptors left,
//! a descriptor of the hub's that someone has closed, calls that are refused, and a clock that does not
//! go as it should. Each test has a process of its own.

#![cfg(all(target_os = "linux", not(greenhub_portable)))]

#[cfg(target_arch = "x86_64")]
mod clocks;
mod descriptors;
mod interrupted;
#[cfg(target_arch = "x86_64")]
mod kernel;
#[cfg(target_arch = "x86_64")]
mod refused;
#[allow(dead_code, unused_imports, reason = "this binary needs a part of it")]
#[path = "../it/support.rs"]
mod support;

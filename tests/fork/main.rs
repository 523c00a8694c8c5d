//! Forked children: what is there, what is not, and what the parent sees of it.
//!
//! Each test has a process of its own, which forks.

#![cfg(all(target_os = "linux", not(greenhub_portable)))]

mod alike;
mod apart;
mod refused;
mod support;

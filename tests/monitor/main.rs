//! Monitors: who holds up a hub is told of, and nobody else.
//!
//! Each test has a process of its own, since a monitor looks at all hubs of one. Where something
//! is to be held up, it is until that has been told, so that no test depends on how fast the
//! machine is.

mod environment;
#[cfg(all(target_os = "linux", not(greenhub_portable)))]
mod forked;
mod silent;
mod support;
mod telling;
mod threads;

//! Programs that do what they must not. Each runs in a process of its own, and ends as it is told
//! here: with a message, and with nothing of its neighbours' broken.

mod abort;
mod faults;
#[allow(dead_code, unused_imports, reason = "this binary needs a part of it")]
#[path = "../it/support.rs"]
mod support;
mod unwinding;
mod waits;

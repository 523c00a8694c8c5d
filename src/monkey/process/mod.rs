//! [`std::process`], cooperative: who waits for a process waits alone.
//!
//! `Command`, `Child` and its pipes are replaced. `Stdio`, `ExitStatus`, `ExitCode`, `Output`,
//! `exit`, `abort` and `id` are std's: nothing in them waits. A program is started on this thread and at
//! once, because what it inherits is the thread's: its signal mask, its place among the
//! processors, and the signal that a child may want when the thread that started it ends.
//!
//! A child's pipes belong to this process alone, so that they can be in non-blocking mode; one that
//! is handed to another child, by [`Stdio`], is set back before.
//!
//! What gevent has and std has not: [`Child::wait_for`], [`Child::communicate`],
//! [`Child::terminate`], [`Child::send_signal`], [`Command::output_for`]; and
//! [`greenhub::wait`](crate::wait()) and its kin take children.

pub use std::process::*;

mod child;
mod command;
mod communication;
mod ending;
mod pipes;
pub(super) mod unix;
mod watching;

pub use self::child::Child;
pub use self::command::Command;
pub use self::communication::{Communication, TimeoutExpired};
pub use self::pipes::{ChildStderr, ChildStdin, ChildStdout};

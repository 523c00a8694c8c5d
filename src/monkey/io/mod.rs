//! [`std::io`], cooperative: standard input, and pipes.
//!
//! [`stdin`] and [`pipe`] are replaced. All that works on a `Read` or a `Write` (`BufReader`, `copy`,
//! `read_to_string`, ...) is std's, and is as cooperative as what it works on.
//!
//! `stdout` and `stderr` are std's, so that they stay in order with `println!` and `eprintln!`, which
//! write to the same buffer. They hold up the whole hub while nobody reads what was written: when a
//! pipe is full, or a terminal is stopped. A program that writes much to someone who may be slow
//! writes there by [`offload`](crate::offload()), or through an
//! [`io::Cooperative`](crate::io::Cooperative).

pub use std::io::*;

mod pipe;
mod stdin;

use std::os::fd::AsFd;

pub use self::pipe::{PipeReader, PipeWriter, pipe};
pub use self::stdin::{Stdin, StdinLock, stdin};

/// Tells whether a descriptor is a terminal. Mirrors [`std::io::IsTerminal`], which nobody else may
/// implement.
pub trait IsTerminal {
    /// Whether it is a terminal. Mirrors [`std::io::IsTerminal::is_terminal`].
    fn is_terminal(&self) -> bool;
}

impl<T: AsFd> IsTerminal for T {
    fn is_terminal(&self) -> bool {
        std::io::IsTerminal::is_terminal(&self.as_fd())
    }
}

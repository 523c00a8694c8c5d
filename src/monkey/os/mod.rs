//! [`std::os`], with cooperative Unix sockets, and the traits for the mirrored `Command`.

pub use std::os::*;

#[cfg(unix)]
pub mod unix;

//! [`std::os`], with cooperative Unix sockets.

pub use std::os::*;

#[cfg(unix)]
pub mod unix;

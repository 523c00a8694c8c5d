//! [`std::os`], with cooperative Unix sockets, and the traits for the mirrored `Command`.
//! [`std::os`], with cooperative sockets.

pub use std::os::*;

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(unix)]
pub mod unix;

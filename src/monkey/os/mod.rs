//! [`std::os`], with cooperative sockets, and the traits for what is mirrored elsewhere.

pub use std::os::*;

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(unix)]
pub mod unix;

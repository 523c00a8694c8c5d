//! [`std::os::unix`], with cooperative sockets and files.

pub use std::os::unix::*;

pub mod fs;
pub mod net;

//! [`std::os::unix`], with cooperative sockets.

pub use std::os::unix::*;

pub mod net;

//! [`std::os::linux`], with the extensions of cooperative sockets.

pub use std::os::linux::*;

pub mod net;

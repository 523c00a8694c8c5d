//! [`std::os::unix::net`], cooperative.
//!
//! | | |
//! | --- | --- |
//! | green | `UnixStream`, `UnixListener`, `Incoming`, `UnixDatagram` |
//! | std's own | `SocketAddr` |
//!
//! Two things the kernel gives no readiness for: room in the queue of a listener that one connects to, and room at
//! a receiver that a datagram is sent to without being connected to it. There the call is tried again, at growing
//! distances of up to 20 ms, while others run.

pub use std::os::unix::net::*;

mod datagram;
mod listener;
mod stream;

pub use self::datagram::UnixDatagram;
pub use self::listener::{Incoming, UnixListener};
pub use self::stream::UnixStream;

//! What a process does that its hub has to know of.
//!
//! Mirrors a part of `gevent.os`; signals are in [`signal`](crate::signal).

mod fork;

pub use self::fork::{Fork, fork};

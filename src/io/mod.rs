//! Descriptors that greenlets wait for.
//!
//! [`Cooperative`] turns any descriptor that the kernel can wait for into one whose calls
//! look blocking: an operation is tried, and while it would block, only the greenlet waits. The
//! sockets of [`monkey::net`](crate::monkey::net) are made of it.
//!
//! For a descriptor that someone else owns, and whose mode is theirs, there are [`wait_readable`]
//! and its kin, [`read()`] and [`write()`]. For many at once: [`poll()`] and [`select()`].

mod any;
mod cooperative;
mod options;
pub(crate) mod patience;
pub(crate) mod pipe;
mod poll;
mod registration;
mod select;
pub(crate) mod several;
pub(crate) mod socket;

pub use self::any::{read, wait_readable, wait_readwrite, wait_writable, write};
pub use self::cooperative::Cooperative;
pub(crate) use self::cooperative::refused;
pub use self::poll::{Interest, PollFd, poll};
pub use self::select::{Selected, select};

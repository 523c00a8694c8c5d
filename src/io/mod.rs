//! Descriptors that greenlets wait for.
//!
//! [`Cooperative`] turns any descriptor that the kernel can wait for into one whose calls
//! look blocking: an operation is tried, and while it would block, only the greenlet waits. The
//! sockets of [`monkey::net`](crate::monkey::net) are made of it.

mod cooperative;
mod options;
mod registration;
pub(crate) mod socket;

pub use self::cooperative::Cooperative;

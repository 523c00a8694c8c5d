//! Queues: greenlets hand items to each other, across threads as well.
//!
//! | to give items | use | as gevent's |
//! | --- | --- | --- |
//! | in the order in which they came | [`Queue`], [`JoinableQueue`] | `queue.Queue` |
//! | the last first | [`LifoQueue`] | `queue.LifoQueue` |
//! | the least first | [`PriorityQueue`] | `queue.PriorityQueue` |
//! | only to who waits for one | [`Channel`] | `queue.Channel` |
//!
//! All of them are shared by reference (a `static`, an `Rc`, an `Arc`) and work between greenlets of
//! one hub, of several hubs, and plain OS threads. Both those who get and those who put are served
//! first come first.
//!
//! **No item is lost.** An item that comes while someone waits for it is handed to the first who
//! waits, but stays in the queue until that one runs. If it is killed, or a
//! [timeout](crate::with_timeout) ends it before, the item goes to the next who waits, or is there
//! again for anyone. One that is killed while it waits to put drops its item, as it drops everything
//! that it owns; one whose limit is over gets it back in the error.
//!
//! **Limits.** A limit of zero only looks.
//!
//! **Shutting down.** [`Queue::shutdown`] lets nothing in any more: who waits to put gets the item
//! back, who gets is served while there are items, and is then told [`GetError::ShutDown`]. If the one who
//! was handed the last item is killed before it runs, that item is in the queue again.
//! [`Queue::shutdown_now`] also takes the items out. Iteration ends then.
//!
//! **While unwinding,** that is in a destructor that runs because of a panic or a kill, a greenlet
//! cannot wait: what can be done at once is done, the rest is an error, and nothing panics.
//!
//! The comparison of a [`PriorityQueue`]'s items, and the clone that `peek` makes, must neither use the
//! same queue, which panics, nor wait, which makes the next one panic that uses it. A comparison that
//! panics does so in whoever puts or gets then; no other item is lost, and nobody waits for it in vain.

pub(crate) mod choosing;
mod gates;
mod kinds;
mod shared;
mod state;
mod store;

use std::error::Error;
use std::fmt;

pub use self::kinds::{AnyQueue, Channel, Iter, JoinableQueue, LifoQueue, PriorityQueue, Queue};

/// Why there is no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError {
    /// There is none, or none had come in time. Mirrors `queue.Empty`.
    Empty,
    /// There is none, and there never will be: the queue has been shut down.
    ShutDown,
    /// There is none, and the caller is unwinding, and so cannot wait.
    Unwinding,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the queue is empty",
            Self::ShutDown => "the queue has been shut down",
            Self::Unwinding => "the queue is empty, and a greenlet cannot wait while it unwinds",
        })
    }
}

impl Error for GetError {}

/// Why an item was not put, with the item.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutError<T> {
    /// There is no room, or none had come in time. Mirrors `queue.Full`.
    Full(T),
    /// The queue has been shut down. Mirrors `queue.ShutDown`.
    ShutDown(T),
    /// There is no room, and the caller is unwinding, and so cannot wait.
    Unwinding(T),
}

impl<T> PutError<T> {
    /// The item that was not put.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::ShutDown(item) | Self::Unwinding(item) => item,
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full",
            Self::ShutDown(_) => "the queue has been shut down",
            Self::Unwinding(_) => "the queue is full, and a greenlet cannot wait while it unwinds",
        })
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShutDown(_) => "ShutDown(..)",
            Self::Unwinding(_) => "Unwinding(..)",
        })
    }
}

impl<T> Error for PutError<T> {}

/// The queue has been shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutDown;

impl fmt::Display for ShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue has been shut down")
    }
}

impl Error for ShutDown {}

/// More items were declared done than had been put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDone;

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more items were declared done than had been put")
    }
}

impl Error for TooManyDone {}

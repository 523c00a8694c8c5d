//! The end at which items are received.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{RecvError, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use super::Shared;
use crate::queue::GetError;

/// Receives items. Mirrors [`std::sync::mpsc::Receiver`].
///
/// When it is dropped, so are the items that were not received, and who waits to send one has it back.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// One thread at a time has it.
    bound: PhantomData<Cell<()>>,
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Receiver { shared, bound: PhantomData }
    }

    /// Receives an item, if there is one. Mirrors [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// To call it again and again holds up nobody: now and then it lets others run.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is none; `Disconnected` if there never will be.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.queue.try_get().map_err(|error| match error {
            GetError::ShutDown => TryRecvError::Disconnected,
            GetError::Empty | GetError::Unwinding => TryRecvError::Empty,
        })
    }

    /// Receives an item; waits until there is one. Mirrors [`std::sync::mpsc::Receiver::recv`].
    ///
    /// # Errors
    ///
    /// If there is none, and all senders are gone, or go meanwhile; or if it would have to wait while
    /// it unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if there is none; and in main, with a report, if everything waits for
    /// ever.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.shared.queue.get().map_err(|_| RecvError)
    }

    /// As [`recv`](Self::recv), for at most `timeout`. Mirrors
    /// [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::Timeout`] if none had come in time; `Disconnected` as in `recv`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if there is none and `timeout` is not zero.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.shared.queue.get_for(timeout).map_err(|error| match error {
            GetError::Empty => RecvTimeoutError::Timeout,
            GetError::ShutDown | GetError::Unwinding => RecvTimeoutError::Disconnected,
        })
    }

    /// The items, until all senders are gone; waits for each. Mirrors
    /// [`std::sync::mpsc::Receiver::iter`].
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// The items that are there, without waiting for more. Mirrors
    /// [`std::sync::mpsc::Receiver::try_iter`].
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        drop(self.shared.queue.shutdown_now());
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// Waits for each item, and ends when all senders are gone. Mirrors [`std::sync::mpsc::Iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// Ends when there is no item. Mirrors [`std::sync::mpsc::TryIter`].
#[derive(Debug)]
pub struct TryIter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// As [`Iter`], and owns the receiver. Mirrors [`std::sync::mpsc::IntoIter`].
#[derive(Debug)]
pub struct IntoIter<T> {
    rx: Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { rx: self }
    }
}

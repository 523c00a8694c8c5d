//! The ends at which items are sent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SendError, TrySendError};

use super::Shared;
use crate::queue::PutError;

/// Sends items, and never waits for room. Mirrors [`std::sync::mpsc::Sender`].
pub struct Sender<T> {
    end: End<T>,
}

/// Sends items, and waits for room. Mirrors [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T> {
    end: End<T>,
}

/// One of several senders; the last shuts the channel down.
struct End<T> {
    shared: Arc<Shared<T>>,
}

impl<T> End<T> {
    fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.shared.queue.put(t).map_err(|error| SendError(error.into_item()))
    }
}

impl<T> Clone for End<T> {
    fn clone(&self) -> Self {
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        End { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.queue.shutdown();
        }
    }
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Sender { end: End { shared } }
    }

    /// Sends an item. It never waits, but now and then it lets others run. Mirrors
    /// [`std::sync::mpsc::Sender::send`].
    ///
    /// # Errors
    ///
    /// The item, if the receiver is gone.
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.end.send(t)
    }
}

impl<T> SyncSender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        SyncSender { end: End { shared } }
    }

    /// Sends an item; waits until there is room for it, or in a channel without room until it is
    /// received. Mirrors [`std::sync::mpsc::SyncSender::send`].
    ///
    /// # Errors
    ///
    /// The item, if the receiver is gone, or goes meanwhile; or if it would have to wait while it
    /// unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if there is no room; and in main, with a report, if everything waits
    /// for ever.
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.end.send(t)
    }

    /// Sends an item if there is room, or one who waits for it. Mirrors
    /// [`std::sync::mpsc::SyncSender::try_send`].
    ///
    /// To call it again and again holds up nobody: now and then it lets others run.
    ///
    /// # Errors
    ///
    /// The item, if there is none, or if the receiver is gone.
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        self.end.shared.queue.try_put(t).map_err(|error| match error {
            PutError::ShutDown(t) => TrySendError::Disconnected(t),
            full => TrySendError::Full(full.into_item()),
        })
    }
}

impl<T> Clone for Sender<T> {
    /// One more sender of the same channel.
    fn clone(&self) -> Sender<T> {
        Sender { end: self.end.clone() }
    }
}

impl<T> Clone for SyncSender<T> {
    /// One more sender of the same channel.
    fn clone(&self) -> SyncSender<T> {
        SyncSender { end: self.end.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

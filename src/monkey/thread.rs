//! [`std::thread`], cooperative: threads are greenlets of the current hub.

pub use std::thread::*;

use std::io;
use std::time::Duration;

use crate::greenlet::{self, Greenlet, JoinError};
use crate::raw::Exit;

/// Runs `f` as a greenlet of this thread's hub; it need not be `Send`.
///
/// Mirrors [`std::thread::spawn`]. Unlike a thread it begins only when the current greenlet waits.
///
/// # Panics
///
/// If there is no memory for its stack.
///
/// # Examples
///
/// ```
/// let worker = greenhub::monkey::thread::spawn(|| 6 * 7);
/// assert_eq!(worker.join().unwrap(), 42);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    JoinHandle(greenlet::spawn(f))
}

/// The right to join a greenlet. Mirrors [`std::thread::JoinHandle`].
#[derive(Debug)]
pub struct JoinHandle<T>(Greenlet<T>);

impl<T: 'static> JoinHandle<T> {
    /// Waits until the greenlet has ended, and returns its result, or what it panicked with.
    ///
    /// Mirrors [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// The payload of its panic; [`Exit`] if it was killed; a sentence if this greenlet
    /// unwinds and so cannot wait.
    pub fn join(self) -> Result<T> {
        self.0.join().map_err(|error| match error {
            JoinError::Panicked(payload) => payload,
            JoinError::Killed => Box::new(Exit),
            other => Box::new(other.to_string()),
        })
    }

    /// Whether the greenlet has ended. Mirrors [`std::thread::JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// The greenlet itself: to kill it, to wait with a limit. std has no such thing.
    #[must_use]
    pub fn greenlet(&self) -> &Greenlet<T> {
        &self.0
    }
}

/// Settings for a greenlet. Mirrors [`std::thread::Builder`].
#[derive(Debug, Default)]
#[must_use = "must eventually spawn the greenlet"]
pub struct Builder(greenlet::Builder);

impl Builder {
    /// Mirrors [`std::thread::Builder::new`].
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the greenlet. Mirrors [`std::thread::Builder::name`].
    pub fn name(self, name: String) -> Builder {
        Builder(self.0.name(name))
    }

    /// Sets the size of its stack in bytes. Mirrors [`std::thread::Builder::stack_size`].
    pub fn stack_size(self, size: usize) -> Builder {
        Builder(self.0.stack_size(size))
    }

    /// Runs `f` as a greenlet. Mirrors [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    ///
    /// If there is no memory for its stack.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        self.0.spawn(f).map(JoinHandle)
    }
}

/// Lets other greenlets run for at least `dur`. Mirrors [`std::thread::sleep`].
pub fn sleep(dur: Duration) {
    greenlet::sleep(dur);
}

/// Lets every other ready greenlet run once. Mirrors [`std::thread::yield_now`].
pub fn yield_now() {
    greenlet::yield_now();
}

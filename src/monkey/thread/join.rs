//! Spawning and joining.

use std::fmt;
use std::io;

use super::Result;
use super::handle::Thread;
use super::scope::{Scope, ScopedJoinHandle};
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
    Builder::new().spawn(f).expect("failed to spawn thread")
}

/// The right to join a greenlet. Mirrors [`std::thread::JoinHandle`].
pub struct JoinHandle<T> {
    greenlet: Greenlet<T>,
    thread: Thread,
}

impl<T: 'static> JoinHandle<T> {
    /// The greenlet, to unpark it or to ask for its name. Mirrors
    /// [`std::thread::JoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Waits until the greenlet has ended, and returns its result, or what it panicked with.
    ///
    /// Mirrors [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// The payload of its panic; [`Exit`] if it was killed; a sentence if this greenlet
    /// unwinds and so cannot wait.
    pub fn join(self) -> Result<T> {
        as_std(self.greenlet.join())
    }

    /// Whether the greenlet has ended. Mirrors [`std::thread::JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.greenlet.is_finished()
    }

    /// The greenlet itself: to kill it, to wait with a limit. std has no such thing.
    #[must_use]
    pub fn greenlet(&self) -> &Greenlet<T> {
        &self.greenlet
    }
}

pub(super) fn as_std<T>(joined: std::result::Result<T, JoinError>) -> Result<T> {
    joined.map_err(|error| match error {
        JoinError::Panicked(payload) => payload,
        JoinError::Killed => Box::new(Exit),
        other => Box::new(other.to_string()),
    })
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// Settings for a greenlet. Mirrors [`std::thread::Builder`].
#[derive(Debug, Default)]
#[must_use = "must eventually spawn the thread"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// Mirrors [`std::thread::Builder::new`].
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the greenlet. Mirrors [`std::thread::Builder::name`].
    pub fn name(mut self, name: String) -> Builder {
        self.name = Some(name);
        self
    }

    /// Sets the size of its stack in bytes. Mirrors [`std::thread::Builder::stack_size`].
    pub fn stack_size(mut self, size: usize) -> Builder {
        self.stack_size = Some(size);
        self
    }

    /// Runs `f` as a greenlet. Mirrors [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    ///
    /// If there is no memory for its stack.
    ///
    /// # Panics
    ///
    /// If the name has a null byte, as std's does.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let (builder, thread) = self.prepare();
        let own = thread.clone();
        let greenlet = builder.spawn(move || {
            own.adopt();
            f()
        })?;
        Ok(JoinHandle { greenlet, thread })
    }

    /// Runs `f` as a greenlet of a scope. Mirrors [`std::thread::Builder::spawn_scoped`].
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// As `spawn`.
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let (builder, thread) = self.prepare();
        scope.spawn_known(builder, thread, f)
    }

    fn prepare(self) -> (greenlet::Builder, Thread) {
        let has_null = self.name.as_ref().is_some_and(|name| name.contains('\0'));
        assert!(!has_null, "thread name may not contain interior null bytes");
        let mut builder = greenlet::Builder::new();
        if let Some(name) = &self.name {
            builder = builder.name(name.as_str());
        }
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        (builder, Thread::new(self.name))
    }
}

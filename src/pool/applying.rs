//! Calling one function by way of a group.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::Group;
use crate::greenlet::{Exit, Greenlet, JoinError, current};
use crate::raw::Expired;

impl Group {
    /// Calls `f` in a member, and waits for what it returns.
    ///
    /// In a pool it waits for a slot before, as [`spawn`](Self::spawn) does. A caller that is
    /// itself a member calls `f` at once, in its own slot: so a member that applies in its own
    /// pool waits for nobody. If the caller is killed, `f` goes on without it. Mirrors
    /// `Group.apply`.
    ///
    /// # Errors
    ///
    /// As [`Greenlet::join`]: [`JoinError::Panicked`] with what `f` panicked with, also where the
    /// caller calls it; `Killed` if the member was. Where the caller calls it, a kill of the caller
    /// and the limits around it pass through, except a [kill with a payload](Greenlet::kill_with),
    /// which looks like a panic of `f`.
    ///
    /// # Panics
    ///
    /// As `spawn`.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::Pool::new(1);
    /// let inner = pool.clone();
    /// let six = pool.apply(move || inner.apply(|| 6))??;
    /// assert_eq!(six, 6);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[track_caller]
    pub fn apply<T: 'static>(&self, f: impl FnOnce() -> T + 'static) -> Result<T, JoinError> {
        if self.members.contains(&current()) {
            return call_here(f);
        }
        self.spawn(f).join()
    }

    /// Has `f` called in a member, and never waits: the handle tells what it returned.
    ///
    /// In a pool that is full the member waits for its slot by itself, behind those who came before
    /// it ran for the first time; it can be killed there. Mirrors `Group.apply_async`.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::Pool::new(1);
    /// let jobs = [1, 2, 3].map(|n| pool.apply_async(move || n * n));
    /// let squares: Result<Vec<u32>, _> = jobs.iter().map(greenhub::Greenlet::join).collect();
    /// assert_eq!(squares?, [1, 4, 9]);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[track_caller]
    pub fn apply_async<T: 'static>(&self, f: impl FnOnce() -> T + 'static) -> Greenlet<T> {
        match self.members.slots.take_for(Duration::ZERO) {
            Ok(slot) => self.spawn_in(slot, f),
            Err(_) => self.spawn_waiting(f),
        }
    }
}

/// Calls `f` as a greenlet of its own would, except that what ends the caller goes on.
fn call_here<T>(f: impl FnOnce() -> T) -> Result<T, JoinError> {
    match panic::catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Ok(value),
        Err(payload) if payload.is::<Exit>() || payload.is::<Expired>() => {
            panic::resume_unwind(payload)
        }
        Err(payload) => Err(JoinError::Panicked(payload)),
    }
}

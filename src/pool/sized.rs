//! Pools: groups in which so many run at a time.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::Group;
use super::members::Members;
use super::slots::Slots;
use crate::greenlet::{Greenlet, Unstarted};

/// A [`Group`] with so many slots: what starts a member in it waits while none is free.
///
/// It dereferences to its group, which has the rest of what it can do: [`spawn`](Group::spawn),
/// [`map`](Group::map), [`join`](Group::join), [`kill`](Group::kill) and more. A slot is free
/// again in the moment in which its member ends, in whatever way. Clones name the same pool.
/// Mirrors `gevent.pool.Pool`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let pool = greenhub::Pool::new(2);
/// for _ in 0..6 {
///     pool.spawn(|| greenhub::sleep(Duration::from_millis(1)));
///     assert!(pool.len() <= 2);
/// }
/// pool.join();
/// assert_eq!(pool.free_count(), 2);
/// ```
#[derive(Clone)]
pub struct Pool {
    group: Group,
}

impl Pool {
    /// A pool in which up to `size` greenlets run at a time. One of size zero is always full.
    #[must_use]
    pub fn new(size: usize) -> Pool {
        Pool { group: Group { members: Members::new(Slots::limited(size)) } }
    }

    /// How many members it has room for.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.slots.size().unwrap_or(usize::MAX)
    }

    /// How many slots are free. While anyone waits for one there is none. Mirrors
    /// `Pool.free_count`.
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.members.slots.free().unwrap_or(usize::MAX)
    }

    /// Whether no slot is free. Mirrors `Pool.full`.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.free_count() == 0
    }

    /// As [`spawn`](Group::spawn), if a slot is free; never waits for one.
    ///
    /// To call it again and again holds up nobody: now and then it lets others run. Mirrors
    /// `Pool.add(blocking=False)`.
    ///
    /// # Errors
    ///
    /// [`PoolFull`] with `f`, if none is free.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::{Pool, PoolFull};
    ///
    /// let pool = Pool::new(1);
    /// let first = pool.try_spawn(|| 1)?;
    /// let PoolFull(f) = pool.try_spawn(|| 2).unwrap_err();
    /// assert_eq!((first.join()?, f()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_spawn<T: 'static, F>(&self, f: F) -> Result<Greenlet<T>, PoolFull<F>>
    where
        F: FnOnce() -> T + 'static,
    {
        match self.members.slots.try_take() {
            Some(slot) => Ok(self.spawn_in(slot, f)),
            None => Err(PoolFull(f)),
        }
    }

    /// As [`spawn`](Group::spawn), but waits for a slot for at most `limit`. A limit of zero
    /// only looks. Mirrors `Pool.add(timeout=…)`.
    ///
    /// # Errors
    ///
    /// [`PoolFull`] with `f`, if there was none in time, or the caller unwinds and so cannot wait.
    ///
    /// # Panics
    ///
    /// As `spawn`.
    #[track_caller]
    pub fn spawn_for<T: 'static, F>(
        &self,
        limit: Duration,
        f: F,
    ) -> Result<Greenlet<T>, PoolFull<F>>
    where
        F: FnOnce() -> T + 'static,
    {
        match self.members.slots.take_for(limit) {
            Ok(slot) => Ok(self.spawn_in(slot, f)),
            Err(_) => Err(PoolFull(f)),
        }
    }

    /// As [`start`](Group::start), if a slot is free; never waits for one.
    ///
    /// Mirrors `Pool.start(blocking=False)`.
    ///
    /// # Errors
    ///
    /// [`PoolFull`] with the greenlet, not started, if none is free.
    pub fn try_start<T: 'static>(
        &self,
        unstarted: Unstarted<T>,
    ) -> Result<Greenlet<T>, PoolFull<Unstarted<T>>> {
        match self.members.slots.try_take() {
            Some(slot) => Ok(self.start_in(slot, unstarted)),
            None => Err(PoolFull(unstarted)),
        }
    }

    /// As [`start`](Group::start), but waits for a slot for at most `limit`. A limit of zero
    /// only looks. Mirrors `Pool.start(timeout=…)`.
    ///
    /// # Errors
    ///
    /// [`PoolFull`] with the greenlet, not started, if there was none in time, or the caller
    /// unwinds and so cannot wait.
    ///
    /// # Panics
    ///
    /// As `start`.
    pub fn start_for<T: 'static>(
        &self,
        limit: Duration,
        unstarted: Unstarted<T>,
    ) -> Result<Greenlet<T>, PoolFull<Unstarted<T>>> {
        match self.members.slots.take_for(limit) {
            Ok(slot) => Ok(self.start_in(slot, unstarted)),
            Err(_) => Err(PoolFull(unstarted)),
        }
    }

    /// Waits until it is the caller's turn to have a slot, and leaves the slot to be taken.
    ///
    /// Returns how many are free then: none if others are behind the caller in the line, or if the
    /// caller unwinds and so cannot wait. Mirrors `Pool.wait_available`.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free; and in main, with a report, if everything
    /// waits for ever.
    pub fn wait_available(&self) -> usize {
        self.wait_for_room();
        self.free_count()
    }

    /// As [`wait_available`](Self::wait_available), for at most `limit`; none is free when the
    /// limit is over. A limit of zero only looks.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one is free or `limit` is zero.
    pub fn wait_available_for(&self, limit: Duration) -> usize {
        drop(self.members.slots.take_for(limit));
        self.free_count()
    }
}

impl Deref for Pool {
    type Target = Group;

    fn deref(&self) -> &Group {
        &self.group
    }
}

impl<'a> IntoIterator for &'a Pool {
    type Item = <&'a Group as IntoIterator>::Item;
    type IntoIter = <&'a Group as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.group.into_iter()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Pool");
        debug.field("len", &self.len()).field("free", &self.free_count());
        debug.field("size", &self.size()).finish()
    }
}

/// A pool has no slot for this, which is what was to be run.
///
/// Mirrors `gevent.pool.PoolFull`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PoolFull<F>(pub F);

impl<F> fmt::Display for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is full")
    }
}

impl<F> fmt::Debug for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolFull").finish_non_exhaustive()
    }
}

impl<F> Error for PoolFull<F> {}

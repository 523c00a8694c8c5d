//! Calling a function for each of many items.

use super::Group;
use super::imap::{IMap, Order};
use crate::greenlet::{self, Greenlet, JoinError};

impl Group {
    /// Calls `f` with each item, each in a member of its own, and waits for all results.
    ///
    /// They are in the order of the items. In a pool, items are taken from `items` only as there is
    /// room. A caller that is itself a member keeps its slot: in a pool of one it would wait for
    /// ever. Mirrors `Group.map`.
    ///
    /// # Errors
    ///
    /// The first error in the order of the items, as [`Greenlet::join`] has it. Then no more
    /// items are taken, and members that still run for this call are killed.
    ///
    /// # Panics
    ///
    /// With what `items` panics with; and in main, with a report, if everything waits for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::Pool::new(2);
    /// let squares = pool.map(|n| n * n, 1..=4)?;
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    pub fn map<I, R>(
        &self,
        f: impl Fn(I::Item) -> R + 'static,
        items: I,
    ) -> Result<Vec<R>, JoinError>
    where
        I: IntoIterator + 'static,
        R: 'static,
    {
        self.imap(f, items).maxsize(usize::MAX).collect()
    }

    /// As [`map`](Self::map), and never waits: the handle tells the results. It is no member.
    ///
    /// To kill it kills the members that run for it. Mirrors `Group.map_async`.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::Pool::new(2);
    /// let squares = pool.map_async(|n| n * n, 1..=4);
    /// assert_eq!(squares.join()??, [1, 4, 9, 16]);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    #[track_caller]
    pub fn map_async<I, R>(
        &self,
        f: impl Fn(I::Item) -> R + 'static,
        items: I,
    ) -> Greenlet<Result<Vec<R>, JoinError>>
    where
        I: IntoIterator + 'static,
        R: 'static,
    {
        let group = self.clone();
        greenlet::spawn(move || group.map(f, items))
    }

    /// Calls `f` with each item, each in a member of its own; gives the results in the order of
    /// the items.
    ///
    /// It begins with the first `next()`. See [`IMap`] for how far it runs ahead, and for
    /// errors. Mirrors `Group.imap`.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = greenhub::Pool::new(2);
    /// let mut odd = pool.imap(|n| n * 2 + 1, 0..);
    /// assert_eq!(odd.next().unwrap()?, 1);
    /// assert_eq!(odd.next().unwrap()?, 3);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    pub fn imap<I, R>(&self, f: impl Fn(I::Item) -> R + 'static, items: I) -> IMap<R>
    where
        I: IntoIterator + 'static,
        R: 'static,
    {
        IMap::new(self, f, items, Order::OfItems)
    }

    /// As [`imap`](Self::imap), but gives the results in the order in which they come.
    ///
    /// Mirrors `Group.imap_unordered`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = greenhub::Pool::new(3);
    /// let nap = |millis| {
    ///     greenhub::sleep(Duration::from_millis(millis));
    ///     millis
    /// };
    /// let naps: Result<Vec<_>, _> = pool.imap_unordered(nap, [60, 1, 20]).collect();
    /// assert_eq!(naps?, [1, 20, 60]);
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    pub fn imap_unordered<I, R>(&self, f: impl Fn(I::Item) -> R + 'static, items: I) -> IMap<R>
    where
        I: IntoIterator + 'static,
        R: 'static,
    {
        IMap::new(self, f, items, Order::OfEnds)
    }
}

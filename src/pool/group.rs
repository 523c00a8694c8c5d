//! Groups: greenlets that are waited for, or killed, together.

use std::fmt;
use std::rc::Rc;

use super::members::Members;
use super::slots::{Slot, Slots};
use crate::greenlet::{self, AnyGreenlet, Greenlet, Join, Unstarted, current};

/// Greenlets that belong together: those of them that run.
///
/// One that has ended is no member any more, from that moment on. Clones name the same group.
/// When the last is dropped, the members run on. Mirrors `gevent.pool.Group`.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let group = greenhub::Group::new();
/// let count = Rc::new(Cell::new(0));
/// for _ in 0..10 {
///     let count = Rc::clone(&count);
///     group.spawn(move || count.set(count.get() + 1));
/// }
/// assert_eq!(group.len(), 10);
/// group.join();
/// assert_eq!((group.len(), count.get()), (0, 10));
/// ```
#[derive(Clone)]
pub struct Group {
    pub(super) members: Rc<Members>,
}

impl Group {
    /// A group without members.
    #[must_use]
    pub fn new() -> Group {
        Group { members: Members::new(Slots::Unlimited) }
    }

    /// Runs `f` as a greenlet that is a member until it ends.
    ///
    /// Returns at once; in a [`Pool`](super::Pool) that is full, when there is a slot, behind those
    /// who came before. If it cannot wait, because the caller unwinds, the member does so
    /// itself. Mirrors `Group.spawn`.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack. In a pool that is full: in a callback of the hub; and
    /// in main, with a report, if everything waits for ever.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, f: impl FnOnce() -> T + 'static) -> Greenlet<T> {
        match self.members.slots.take() {
            Ok(slot) => self.spawn_in(slot, f),
            Err(_) => self.spawn_waiting(f),
        }
    }

    /// Runs `f` as a member that has its slot.
    #[track_caller]
    pub(super) fn spawn_in<T: 'static>(
        &self,
        slot: Slot,
        f: impl FnOnce() -> T + 'static,
    ) -> Greenlet<T> {
        let greenlet = greenlet::spawn(f);
        self.members.add(&greenlet.any(), Some(slot));
        greenlet
    }

    /// Runs `f` as a member that waits for its slot by itself.
    #[track_caller]
    pub(super) fn spawn_waiting<T: 'static>(&self, f: impl FnOnce() -> T + 'static) -> Greenlet<T> {
        let group = self.clone();
        let greenlet = greenlet::spawn(move || {
            group.give_slot(&current());
            drop(group);
            f()
        });
        self.members.add(&greenlet.any(), None);
        greenlet
    }

    /// Waits for a slot on behalf of a member. The caller does not unwind.
    fn give_slot(&self, greenlet: &AnyGreenlet) {
        if let Ok(slot) = self.members.slots.take() {
            self.members.give(greenlet, slot);
        }
    }

    /// Starts a greenlet that is a member until it ends.
    ///
    /// In a [`Pool`](super::Pool) that is full it waits for a slot, as [`spawn`](Self::spawn) does;
    /// if the caller is killed meanwhile, it never starts. Mirrors `Group.start`.
    ///
    /// # Panics
    ///
    /// As `spawn`.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = greenhub::Group::new();
    /// let unstarted = greenhub::Builder::new().name("late").create(|| 7)?;
    /// let greenlet = group.start(unstarted);
    /// assert!(group.contains(&greenlet));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start<T: 'static>(&self, unstarted: Unstarted<T>) -> Greenlet<T> {
        match self.members.slots.take() {
            Ok(slot) => self.start_in(slot, unstarted),
            Err(_) => {
                let greenlet = unstarted.greenlet().clone();
                self.wait_elsewhere(&greenlet.any(), move || drop(unstarted.start()));
                greenlet
            }
        }
    }

    pub(super) fn start_in<T: 'static>(&self, slot: Slot, unstarted: Unstarted<T>) -> Greenlet<T> {
        self.members.add(&unstarted.greenlet().any(), Some(slot));
        unstarted.start()
    }

    /// Makes a greenlet a member that another one waits for a slot for, and then calls `then`.
    fn wait_elsewhere(&self, greenlet: &AnyGreenlet, then: impl FnOnce() + 'static) {
        self.members.add(greenlet, None);
        let (group, greenlet) = (self.clone(), greenlet.clone());
        greenlet::spawn(move || {
            group.give_slot(&greenlet);
            then();
        });
    }

    /// Makes a greenlet a member until it ends. One that has ended, or is a member, is left as
    /// it is.
    ///
    /// In a [`Pool`](super::Pool) that is full it waits for a slot, as [`spawn`](Self::spawn) does,
    /// while the greenlet runs on. Mirrors `Group.add`.
    ///
    /// # Panics
    ///
    /// If it is main or a raw greenlet, whose end no one is told. Else as `spawn`.
    pub fn add<J: Join + ?Sized>(&self, greenlet: &J) {
        let greenlet = greenlet.without_type();
        if self.members.contains(&greenlet) {
            return;
        }
        match self.members.slots.take() {
            Ok(slot) => self.members.add(&greenlet, Some(slot)),
            Err(_) => self.wait_elsewhere(&greenlet, || ()),
        }
    }

    /// Takes a greenlet out of the group, and lets it run on; returns whether it was a member.
    ///
    /// In a [`Pool`](super::Pool) its slot is free from now on. Mirrors `Group.discard`.
    pub fn discard<J: Join + ?Sized>(&self, greenlet: &J) -> bool {
        self.members.remove(&greenlet.without_type())
    }

    /// Waits until there is a slot, and leaves it to be taken.
    pub(super) fn wait_for_room(&self) {
        drop(self.members.slots.take());
    }

    /// How many members there are, among them those of [`apply_async`](Self::apply_async)
    /// that wait for a slot. Mirrors `len(group)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a greenlet is a member. Mirrors `greenlet in group`.
    #[must_use]
    pub fn contains<J: Join + ?Sized>(&self, greenlet: &J) -> bool {
        self.members.contains(&greenlet.without_type())
    }

    /// The members of this moment, in the order in which they were added.
    ///
    /// A group is changed by every end, so this is a list of its own. Mirrors `list(group)`.
    #[must_use]
    pub fn members(&self) -> Vec<AnyGreenlet> {
        self.members.list()
    }
}

impl Default for Group {
    fn default() -> Self {
        Group::new()
    }
}

/// Over the [members](Group::members) of this moment.
impl IntoIterator for &Group {
    type Item = AnyGreenlet;
    type IntoIter = std::vec::IntoIter<AnyGreenlet>;

    fn into_iter(self) -> Self::IntoIter {
        self.members().into_iter()
    }
}

/// A group of greenlets that run already. Mirrors `Group(*greenlets)`.
impl<J: Join> FromIterator<J> for Group {
    fn from_iter<I: IntoIterator<Item = J>>(greenlets: I) -> Self {
        let group = Group::new();
        for greenlet in greenlets {
            group.add(&greenlet);
        }
        group
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("len", &self.len()).finish_non_exhaustive()
    }
}

//! Iterators over what a function returns for each of many items.
//!
//! A greenlet, the *feeder*, takes the items from their source one by one and spawns a member for
//! each. It is bounded twice: by the window, which has a place for each item that was begun
//! and whose result was not given yet, and by the slots of the pool. It waits for both before
//! it takes an item, but holds no slot while the source may wait, which may need one itself.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::panic;
use std::rc::Rc;

use super::Group;
use super::ends::Ends;
use crate::greenlet::{self, Greenlet, JoinError, current, yield_now};
use crate::sync::Semaphore;

/// The results of [`Group::imap`] and [`Group::imap_unordered`], one by one.
///
/// **Lazy.** It begins with the first [`next`](Self::next). From then on items are begun
/// while the caller does other things, but never more than [`maxsize`](Self::maxsize) whose
/// results have not been taken; and one is taken from the source only when the pool has room for
/// it. The source runs in a greenlet of its own, and may wait. A pool of size zero takes none.
///
/// **Errors.** An item whose call panics, or whose member is killed, gives an error in its place,
/// and the next `next` goes on. If the source panics, `next` panics with that after all
/// results of the items before it, and then the iterator is at its end. If the source is killed,
/// that is an error, [`JoinError::Killed`], and the end as well.
///
/// **Dropped,** it kills the members whose results it has not given, without waiting for their
/// ends, and drops the source. What some of them panicked with before goes to the hub's
/// error hook.
///
/// While the caller unwinds, and so cannot wait, a result that is not there is
/// [`JoinError::Unwinding`], and then the iterator is at its end.
#[must_use = "it begins when it is asked for the first result"]
pub struct IMap<R: 'static> {
    order: Order,
    maxsize: usize,
    stage: Stage<R>,
    /// Those that have ended and are still to be given, by their turns.
    early: HashMap<u64, Greenlet<R>>,
    given: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    OfItems,
    OfEnds,
}

type Feed<R> = Box<dyn FnOnce(&Course<R>)>;

enum Stage<R: 'static> {
    NotBegun(Feed<R>),
    Fed { feeder: Greenlet<()>, course: Rc<Course<R>> },
    Over,
}

/// What the feeder and the iterator share.
struct Course<R> {
    ends: Ends<R>,
    /// How many more items may be begun.
    window: Semaphore,
    begun: Cell<u64>,
}

impl<R: 'static> IMap<R> {
    pub(super) fn new<I: IntoIterator + 'static>(
        group: &Group,
        f: impl Fn(I::Item) -> R + 'static,
        items: I,
        order: Order,
    ) -> Self {
        let maxsize = group.members.slots.size().map_or(usize::MAX, |size| size.max(1));
        let group = group.clone();
        let stage = Stage::NotBegun(Box::new(move |course| feed(&group, f, items, course)));
        IMap { order, maxsize, stage, early: HashMap::new(), given: 0 }
    }

    /// Bounds how many items may have been begun whose results were not taken.
    ///
    /// Without this it is the size of the pool, and for a group there is no bound. It takes
    /// effect only before the first `next`. Mirrors `maxsize` of `Group.imap`.
    ///
    /// # Panics
    ///
    /// If `maxsize` is zero: there would be no results.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// let (group, begun) = (greenhub::Group::new(), Rc::new(Cell::new(0)));
    /// let counter = Rc::clone(&begun);
    /// let count = move |_| counter.set(counter.get() + 1);
    /// let mut counts = group.imap(count, 0..100).maxsize(2);
    /// counts.next().unwrap()?;
    /// greenhub::sleep(Duration::from_millis(1));
    /// assert_eq!(begun.get(), 3, "one was taken, and two are ahead");
    /// # Ok::<(), greenhub::JoinError>(())
    /// ```
    pub fn maxsize(mut self, maxsize: usize) -> Self {
        assert!(maxsize > 0, "an imap of maxsize zero would give no results");
        self.maxsize = maxsize;
        self
    }

    fn begin(&mut self) {
        self.stage = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::NotBegun(feed) => {
                let window = Semaphore::new(self.maxsize);
                let course = Rc::new(Course { ends: Ends::new(), window, begun: Cell::new(0) });
                let fed = Rc::clone(&course);
                let feeder = greenlet::spawn(move || feed(&fed));
                course.ends.nudge_at_end(&feeder.any());
                Stage::Fed { feeder, course }
            }
            begun => begun,
        };
    }

    /// All results were given, and the source has ended, with this.
    fn end(&mut self, source: Result<(), JoinError>) -> Option<Result<R, JoinError>> {
        self.stage = Stage::Over;
        match source {
            Err(JoinError::Panicked(payload)) if !std::thread::panicking() => {
                panic::resume_unwind(payload)
            }
            Err(error) => Some(Err(error)),
            Ok(()) => None,
        }
    }

    /// Kills what runs for it.
    fn stop(&mut self) {
        if let Stage::Fed { feeder, course } = mem::replace(&mut self.stage, Stage::Over) {
            feeder.start_kill();
            // A member may be the one that drops this, and goes on.
            let own = current();
            course.ends.running().iter().filter(|member| **member != own).for_each(|member| {
                member.start_kill();
            });
        }
    }
}

/// Runs as the feeder. No wait is refused, since it does not unwind.
fn feed<I: IntoIterator, R: 'static>(
    group: &Group,
    f: impl Fn(I::Item) -> R + 'static,
    items: I,
    course: &Course<R>,
) where
    I::Item: 'static,
{
    let (f, mut items) = (Rc::new(f), items.into_iter());
    for number in 0.. {
        let _ = course.window.acquire();
        group.wait_for_room();
        let Some(item) = items.next() else { return };
        let f = Rc::clone(&f);
        let member = group.spawn(move || f(item));
        course.begun.set(number + 1);
        course.ends.watch(number, member);
        // Neither the source nor the group need ever make it wait.
        yield_now();
    }
}

impl<R: 'static> Iterator for IMap<R> {
    type Item = Result<R, JoinError>;

    /// Waits for the next result.
    ///
    /// # Panics
    ///
    /// With what the source panics with. If there is no memory for a stack; and in main, with a
    /// report, if everything waits for ever.
    fn next(&mut self) -> Option<Self::Item> {
        self.begin();
        while let Stage::Fed { feeder, course } = &self.stage {
            if let Some(greenlet) = self.early.remove(&self.given) {
                self.given += 1;
                course.window.release();
                return Some(greenlet.join());
            }
            if feeder.is_finished() && self.given == course.begun.get() {
                let source = feeder.join();
                return self.end(source);
            }
            match (course.ends.wait(), self.order) {
                (Ok(None), _) => {}
                (Ok(Some((number, greenlet))), Order::OfItems) => {
                    self.early.insert(number, greenlet);
                }
                (Ok(Some((_, greenlet))), Order::OfEnds) => {
                    self.early.insert(self.given, greenlet);
                }
                (Err(_), _) => {
                    self.stop();
                    return Some(Err(JoinError::Unwinding));
                }
            }
        }
        None
    }
}

impl<R: 'static> FusedIterator for IMap<R> {}

impl<R: 'static> Drop for IMap<R> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<R: 'static> fmt::Debug for IMap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("IMap");
        debug.field("order", &self.order).field("maxsize", &self.maxsize);
        debug.field("given", &self.given).finish_non_exhaustive()
    }
}

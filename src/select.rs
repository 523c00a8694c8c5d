//! Waiting for the first of several things, and taking only that.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::bell::{Bell, Listener, Waitable};
use crate::hub::line;
use crate::hub::turn::{self, WaitError};
use crate::queue::choosing::{Getter, Putter};
use crate::queue::{AnyQueue, ShutDown};
use crate::raw::fiber::{Reach, WaitKind};

static SELECT: WaitKind = WaitKind { text: "in a select", numbered: false, reach: Reach::Shared };

/// The place of the time limit, among those of the branches.
const TIME: usize = usize::MAX;

/// Does the first of several things that can be done: gets an item, puts one, or goes on because
/// something has happened or the time is over.
///
/// Only the one that is done has any effect: no other queue loses or gets an item. Each branch has a
/// closure, and [`run`](Self::run) returns what the closure of that branch returns. If several can
/// be done at once, chance decides, so that none of them starves. Mirrors Go's `select`; gevent
/// has `gevent.wait(objects, count=1)`.
///
/// # Examples
///
/// ```
/// use greenhub::Select;
/// use greenhub::queue::{Channel, Queue};
/// use std::time::Duration;
///
/// let (orders, bills) = (Queue::new(), Channel::<u32>::new());
/// orders.put("soup")?;
/// let mut bill = Some(12);
/// let done = Select::new()
///     .get(&orders, |order| format!("cook {}", order.unwrap_or("nothing")))
///     .put(&bills, &mut bill, |_| "paid".to_owned())
///     .after(Duration::from_secs(1), || "nobody came".to_owned())
///     .run()?;
/// assert_eq!((done.as_str(), bill), ("cook soup", Some(12)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a select does nothing until it is run"]
pub struct Select<'a, R> {
    branches: Vec<Box<dyn Branch<R> + 'a>>,
    deadline: Moment,
    when_late: Option<Box<dyn FnOnce() -> R + 'a>>,
    in_order: bool,
}

/// One of the things that can be done.
trait Branch<R> {
    /// Does it, if it can be done now.
    fn try_now(&mut self) -> bool;

    /// Has `bell` rung when it can be done.
    fn enter(&mut self, bell: &Bell);

    /// Ends that, if it is not this branch that was rung for.
    fn leave(&mut self, bell: &Bell);

    /// Does it, after the bell was rung for this branch; `false` if it cannot be done after all.
    fn settle(&mut self, bell: &Bell) -> bool;

    /// Lets others have it, after the bell was rung for this branch.
    fn give_back(&mut self, bell: &Bell);

    /// Calls the closure.
    fn finish(self: Box<Self>) -> R;
}

impl<'a, R> Select<'a, R> {
    /// A select between nothing yet.
    pub fn new() -> Self {
        Select { branches: Vec::new(), deadline: Moment::NEVER, when_late: None, in_order: false }
    }

    /// Gets an item from a queue, and calls `f` with it. When the queue is shut down and has no more
    /// items, `f` is called with [`ShutDown`].
    pub fn get<Q: AnyQueue>(
        self,
        queue: &'a Q,
        f: impl FnOnce(Result<Q::Item, ShutDown>) -> R + 'a,
    ) -> Self {
        self.with(Get { getter: Getter::new(queue), then: f })
    }

    /// Puts the item in `slot` into a queue, and calls `f`. The item is taken out of the slot only if
    /// this branch is done; if the queue is shut down, `f` is called with [`ShutDown`] and the
    /// item stays. With an empty slot, this branch is never done.
    pub fn put<Q: AnyQueue>(
        self,
        queue: &'a Q,
        slot: &'a mut Option<Q::Item>,
        f: impl FnOnce(Result<(), ShutDown>) -> R + 'a,
    ) -> Self {
        self.with(Put { putter: Putter::new(queue, slot), then: f })
    }

    /// Waits until `object` is ready (a greenlet has ended, an event is set, a result is there, a
    /// semaphore or a queue has something to give), and calls `f`. Nothing is taken from it.
    pub fn wait<W: Waitable + 'a>(self, object: W, f: impl FnOnce() -> R + 'a) -> Self {
        self.with(Wait { object, then: f })
    }

    /// Calls `f` if nothing else could be done within `limit`, which counts from now.
    ///
    /// With a limit of zero it only looks. Of several limits the shortest counts.
    pub fn after(mut self, limit: Duration, f: impl FnOnce() -> R + 'a) -> Self {
        let deadline = turn::deadline(limit);
        if self.when_late.is_none() || deadline < self.deadline {
            self.deadline = deadline;
            self.when_late = Some(Box::new(f));
        }
        self
    }

    /// Has the branch that was named first come first, if several can be done at once.
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    fn with(mut self, branch: impl Branch<R> + 'a) -> Self {
        self.branches.push(Box::new(branch));
        self
    }

    /// Waits until one of the branches can be done, does it, and returns what its closure returns.
    ///
    /// If the caller is killed while it waits, nothing is done; but an item that someone has taken by
    /// then stays taken.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if none can be done at once and the caller unwinds.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, unless one can be done at once or there is a limit of zero; and in
    /// main, with a report, if everything waits for ever.
    pub fn run(mut self) -> Result<R, WaitError> {
        line::spend_success();
        loop {
            if let Some(done) = self.try_each() {
                return Ok(self.branches.swap_remove(done).finish());
            }
            if self.deadline != Moment::ZERO {
                if std::thread::panicking() {
                    return Err(WaitError::Unwinding);
                }
                if let Some(done) = self.wait_for_one()? {
                    return Ok(self.branches.swap_remove(done).finish());
                }
            }
            if self.deadline <= Moment::now()
                && let Some(when_late) = self.when_late.take()
            {
                return Ok(when_late());
            }
        }
    }

    /// Does the first that can be done now; returns which.
    fn try_each(&mut self) -> Option<usize> {
        let count = self.branches.len();
        let first = if self.in_order { 0 } else { chance(count) };
        (0..count)
            .map(|place| (first + place) % count)
            .find(|place| self.branches[*place].try_now())
    }

    /// Waits until one can be done, does it, and returns which; none if the time was over, or if
    /// someone else was faster.
    fn wait_for_one(&mut self) -> Result<Option<usize>, WaitError> {
        let mut waiting =
            Waiting { listener: Listener::of_first(), entered: 0, branches: &mut self.branches };
        waiting.enter();
        waiting.listener.park(&SELECT, self.deadline)?;
        Ok(waiting.settle())
    }
}

/// A number below `end`, which a thread's selects get in an order without a pattern.
fn chance(end: usize) -> usize {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) });
    let mut state = STATE.get();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    // Of the upper bits, which are the better ones.
    ((state >> 32) as usize).checked_rem(end).unwrap_or(0)
}

/// The branches while their select waits; should it be killed, none is done.
struct Waiting<'s, 'a, R> {
    listener: Arc<Listener>,
    /// So many, the first ones, have been given a bell.
    entered: usize,
    branches: &'s mut Vec<Box<dyn Branch<R> + 'a>>,
}

impl<R> Waiting<'_, '_, R> {
    fn enter(&mut self) {
        for (place, branch) in self.branches.iter_mut().enumerate() {
            self.entered = place + 1;
            branch.enter(&self.listener.bell(place));
        }
    }

    /// The wait is over: does what was rung for.
    fn settle(mut self) -> Option<usize> {
        let rung = self.leave();
        let won = self.branches.get_mut(rung)?;
        won.settle(&self.listener.bell(rung)).then_some(rung)
    }

    /// Has every branch but the one that was rung for leave; returns that one, or [`TIME`].
    fn leave(&mut self) -> usize {
        // From now on nothing else is heard.
        self.listener.bell(TIME).claim();
        let rung = self.listener.next().unwrap_or(TIME);
        for (place, branch) in self.branches[..self.entered].iter_mut().enumerate() {
            if place != rung {
                branch.leave(&self.listener.bell(place));
            }
        }
        self.entered = 0;
        rung
    }
}

impl<R> Drop for Waiting<'_, '_, R> {
    fn drop(&mut self) {
        if self.entered > 0 {
            let rung = self.leave();
            if let Some(branch) = self.branches.get_mut(rung) {
                branch.give_back(&self.listener.bell(rung));
            }
        }
    }
}

struct Get<'a, Q: AnyQueue, F> {
    getter: Getter<'a, Q>,
    then: F,
}

impl<Q: AnyQueue, R, F: FnOnce(Result<Q::Item, ShutDown>) -> R> Branch<R> for Get<'_, Q, F> {
    fn try_now(&mut self) -> bool {
        self.getter.try_now()
    }

    fn enter(&mut self, bell: &Bell) {
        self.getter.enter(bell);
    }

    fn leave(&mut self, bell: &Bell) {
        self.getter.leave(bell);
    }

    fn settle(&mut self, bell: &Bell) -> bool {
        self.getter.settle(bell)
    }

    fn give_back(&mut self, bell: &Bell) {
        self.getter.give_back(bell);
    }

    fn finish(self: Box<Self>) -> R {
        (self.then)(self.getter.into_result())
    }
}

struct Put<'a, Q: AnyQueue, F> {
    putter: Putter<'a, Q>,
    then: F,
}

impl<Q: AnyQueue, R, F: FnOnce(Result<(), ShutDown>) -> R> Branch<R> for Put<'_, Q, F> {
    fn try_now(&mut self) -> bool {
        self.putter.try_now()
    }

    fn enter(&mut self, bell: &Bell) {
        self.putter.enter(bell);
    }

    fn leave(&mut self, bell: &Bell) {
        self.putter.leave(bell);
    }

    fn settle(&mut self, bell: &Bell) -> bool {
        self.putter.settle(bell)
    }

    /// What was put stays put.
    fn give_back(&mut self, bell: &Bell) {
        self.putter.leave(bell);
    }

    fn finish(self: Box<Self>) -> R {
        let Put { putter, then } = *self;
        then(putter.into_result())
    }
}

struct Wait<W, F> {
    object: W,
    then: F,
}

impl<W: Waitable, R, F: FnOnce() -> R> Branch<R> for Wait<W, F> {
    fn try_now(&mut self) -> bool {
        self.object.is_ready()
    }

    fn enter(&mut self, bell: &Bell) {
        self.object.watch(bell.clone());
    }

    fn leave(&mut self, bell: &Bell) {
        self.object.unwatch(bell);
    }

    fn settle(&mut self, bell: &Bell) -> bool {
        self.object.unwatch(bell);
        true
    }

    fn give_back(&mut self, bell: &Bell) {
        self.object.unwatch(bell);
    }

    fn finish(self: Box<Self>) -> R {
        (self.then)()
    }
}

impl<R> Default for Select<'_, R> {
    fn default() -> Self {
        Select::new()
    }
}

impl<R> fmt::Debug for Select<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").field("branches", &self.branches.len()).finish_non_exhaustive()
    }
}

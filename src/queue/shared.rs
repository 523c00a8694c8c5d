//! What all queues do.

use std::cell::Cell;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use super::gates::{Getting, Joining, Putting};
use super::state::{Put, State};
use super::store::Store;
use super::{GetError, PutError};
use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::hub::bell::{self, Bell, Waitable};
use crate::hub::line;
use crate::hub::turn::{self, Kinds, Turn, WaitError};
use crate::hub::waiter;
use crate::hub::waiters::Granted;
use crate::raw::fiber::{Reach, WaitKind};
use crate::raw::thread;

static GET: Kinds = Kinds::new("to get from a queue");
static PUT: Kinds = Kinds::new("to put into a queue");
static JOIN: Kinds = Kinds::new("for the items of a queue to be done");
static PEEK: WaitKind =
    WaitKind { text: "to peek into a queue", numbered: false, reach: Reach::Shared };

/// The inside of a queue.
pub struct Shared<S: Store> {
    state: Guarded<State<S>>,
    /// Whether its capacity was zero a moment ago: then to look first is in vain.
    is_roomless: AtomicBool,
}

impl<S: Store> Shared<S> {
    pub(super) const fn new(store: S, capacity: usize) -> Self {
        Shared {
            state: Guarded::new(State::new(store, capacity)),
            is_roomless: AtomicBool::new(capacity == 0),
        }
    }

    /// Calls `f` under the lock, tells those who only look if there is something for them now, and
    /// then wakes whom `f` has granted something.
    #[inline]
    pub(super) fn visit<R>(&self, f: impl FnOnce(&mut State<S>, &mut Granted) -> R) -> R {
        let mut to_wake = Granted::default();
        let result = self.state.with(|state| {
            let result = f(state, &mut to_wake);
            state.tell_those_who_look();
            result
        });
        to_wake.wake();
        result
    }

    /// Raises what a comparison has panicked with, now that all is in order again.
    #[inline]
    pub(super) fn raise(&self) {
        if S::COMPARES
            && let Some(payload) = self.state.with(|state| state.store.take_panic())
        {
            panic::resume_unwind(payload);
        }
    }

    // ---- getting --------------------------------------------------------------------------

    #[inline]
    pub(crate) fn try_get(&self) -> Result<S::Item, GetError> {
        let taken = self.visit(|state, to_wake| state.take(to_wake).ok_or(state.nothing()));
        self.in_hand(taken)
    }

    #[inline]
    pub(super) fn get(&self, deadline: Moment) -> Result<S::Item, GetError> {
        // Before there is an item in hand: this may yield, and so be killed.
        line::spend_success();
        if deadline == Moment::ZERO {
            return self.try_get();
        }
        loop {
            let got = match turn::wait_at(&Getting(self), &GET, deadline, || ())? {
                Turn::AtOnce(got) | Turn::Granted(got) => got,
                Turn::Left => match self.try_get() {
                    Err(GetError::Empty) if deadline <= Moment::now() => {
                        return Err(GetError::Empty);
                    }
                    got => got,
                },
            };
            match got {
                // Who promised it has left, or a limit around this was lifted in the last moment.
                Err(GetError::Empty) => {}
                got => return got,
            }
        }
    }

    /// Takes what was handed over or promised. There is nothing if the queue was shut down at once, or if
    /// who promised it did not wait so long.
    pub(crate) fn fetch(&self) -> Result<S::Item, GetError> {
        let fetched = self.visit(|state, to_wake| state.fetch(to_wake).ok_or(state.nothing()));
        self.in_hand(fetched)
    }

    #[inline]
    pub(super) fn in_hand(&self, taken: Result<S::Item, GetError>) -> Result<S::Item, GetError> {
        if S::COMPARES
            && let Some(payload) = self.state.with(|state| state.store.take_panic())
        {
            if let Ok(item) = taken {
                self.visit(|state, _| state.restore(item));
            }
            panic::resume_unwind(payload);
        }
        taken
    }

    /// Waits until something is there, and shows it.
    pub(super) fn peek(&self, deadline: Moment) -> Result<S::Item, GetError>
    where
        S::Item: Clone,
    {
        loop {
            match self.try_peek() {
                Err(GetError::Empty) => {}
                shown => return shown,
            }
            bell::wait_until_ready(&Peeking(self), &PEEK, deadline)?;
            match self.state.with(|state| state.any().cloned()) {
                // Someone was faster, in another thread.
                Err(GetError::Empty) => {}
                shown => return shown,
            }
        }
    }

    pub(super) fn try_peek(&self) -> Result<S::Item, GetError>
    where
        S::Item: Clone,
    {
        self.state.with(|state| state.next().cloned())
    }

    // ---- putting --------------------------------------------------------------------------

    #[inline]
    pub(crate) fn try_put(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        let put = self.visit(|state, to_wake| state.put(item, None, to_wake));
        self.told(put)
    }

    #[inline]
    fn told(&self, put: Put<S::Item>) -> Result<(), PutError<S::Item>> {
        match put {
            Put::Done => {
                self.raise();
                Ok(())
            }
            Put::Full(item) => Err(PutError::Full(item)),
            Put::ShutDown(item) => Err(PutError::ShutDown(item)),
        }
    }

    #[inline]
    pub(super) fn put(&self, item: S::Item, deadline: Moment) -> Result<(), PutError<S::Item>> {
        line::spend_success();
        // Also if someone waits for it: it is put when it is taken.
        let is_offered = self.is_roomless.load(Ordering::Relaxed)
            && deadline != Moment::ZERO
            && is_free_to_wait();
        if is_offered {
            return self.put_in_line(item, deadline);
        }
        match self.try_put(item) {
            Err(PutError::Full(item)) => self.put_in_line(item, deadline),
            done => done,
        }
    }

    #[cold]
    fn put_in_line(&self, item: S::Item, deadline: Moment) -> Result<(), PutError<S::Item>> {
        let gate = self.putting(Some(item));
        loop {
            let waited = turn::wait_at(&gate, &PUT, deadline, || ());
            self.raise();
            let Some(item) = gate.left() else { return Ok(()) };
            match waited {
                _ if !self.is_open() => return Err(PutError::ShutDown(item)),
                Err(WaitError::Unwinding) => return Err(PutError::Unwinding(item)),
                _ if deadline <= Moment::now() => return Err(PutError::Full(item)),
                // A limit around this was over, and was lifted before it took effect.
                _ => gate.item.set(Some(item)),
            }
        }
    }

    // ---- the rest -------------------------------------------------------------------------

    pub(super) fn task_done(&self) -> bool {
        let finished = self.visit(|state, _| (state.unfinished > 0).then(|| state.finish(1)));
        let was_due = finished.is_some();
        finished.unwrap_or_default().wake();
        was_due
    }

    pub(super) fn unfinished(&self) -> usize {
        self.state.with(|state| state.unfinished)
    }

    pub(super) fn join(&self, deadline: Moment) -> Result<(), WaitError> {
        while self.unfinished() > 0 {
            match turn::wait_at(&Joining(self), &JOIN, deadline, || ())? {
                Turn::Left if deadline <= Moment::now() => return Err(WaitError::TimedOut),
                Turn::Left => {}
                Turn::AtOnce(()) | Turn::Granted(()) => break,
            }
        }
        Ok(())
    }

    pub(super) fn shut_down(&self) {
        self.visit(|state, _| state.close());
    }

    /// As [`shut_down`](Self::shut_down), and takes all items out, also those handed to someone.
    pub(super) fn shut_down_now(&self) -> Vec<S::Item> {
        let (items, finished) = self.visit(|state, _| {
            state.close();
            let mut items = Vec::with_capacity(state.store.len());
            let count = state.store.len();
            while state.store.len() > 0 {
                items.extend(state.store.pop());
            }
            (items, state.finish(count.min(state.unfinished)))
        });
        finished.wake();
        self.raise();
        items
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.with(|state| state.is_open)
    }

    pub(super) fn len(&self) -> usize {
        self.state.with(|state| state.free())
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.with(|state| state.free() >= state.capacity)
    }

    pub(super) fn capacity(&self) -> usize {
        self.state.with(|state| state.capacity)
    }

    pub(super) fn set_capacity(&self, capacity: usize) {
        self.state.with(|state| {
            state.capacity = capacity;
            self.is_roomless.store(capacity == 0, Ordering::Relaxed);
        });
        while self.visit(State::fill) {}
        self.raise();
    }

    pub(super) fn getters(&self) -> usize {
        self.state.with(|state| state.getters.count())
    }

    pub(super) fn putters(&self) -> usize {
        self.state.with(|state| state.putters.count())
    }

    /// Where one waits to get.
    pub(crate) fn getting(&self) -> Getting<'_, S> {
        Getting(self)
    }

    /// Where one waits to put.
    pub(crate) fn putting(&self, item: Option<S::Item>) -> Putting<'_, S> {
        Putting { shared: self, item: Cell::new(item) }
    }
}

/// Whether the caller could wait: it does not unwind, and is no callback of the loop.
fn is_free_to_wait() -> bool {
    !thread::current_head(thread::is_called_by_loop) && waiter::can_wait()
}

/// Ready when there is something to get, or never will be.
impl<S: Store> Waitable for Shared<S> {
    fn is_ready(&self) -> bool {
        self.state.with(|state| state.is_ready())
    }

    fn watch(&self, bell: Bell) {
        let waits = self.state.with(|state| state.watch(&bell));
        if !waits {
            bell.ring();
        }
    }

    fn unwatch(&self, bell: &Bell) {
        self.state.with(|state| state.unwatch(bell));
    }
}

/// Ready when there is an item to be seen, or never will be.
struct Peeking<'a, S: Store>(&'a Shared<S>);

impl<S: Store> Waitable for Peeking<'_, S> {
    fn is_ready(&self) -> bool {
        self.0.state.with(|state| state.has_any())
    }

    fn watch(&self, bell: Bell) {
        let waits = self.0.state.with(|state| state.watch_for_any(&bell));
        if !waits {
            bell.ring();
        }
    }

    fn unwatch(&self, bell: &Bell) {
        self.0.state.with(|state| state.unwatch_for_any(bell));
    }
}

impl From<WaitError> for GetError {
    fn from(error: WaitError) -> GetError {
        match error {
            WaitError::TimedOut => GetError::Empty,
            WaitError::Unwinding => GetError::Unwinding,
        }
    }
}

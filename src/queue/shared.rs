//! What all queues do.

use std::cell::Cell;

use super::gates::{Getting, GiveBack, Joining, Putting};
use super::state::{State, wake};
use super::store::Store;
use super::{GetError, PutError};
use crate::clock::Moment;
use crate::guarded::Guarded;
use crate::hub::bell::{Bell, Waitable};
use crate::hub::line;
use crate::hub::turn::{self, Kinds, Turn, WaitError};
use crate::hub::waiter;
use crate::hub::waiters::{Waiters, Who};
use crate::raw::thread;

static GET: Kinds = Kinds::new("to get from a queue");
static PUT: Kinds = Kinds::new("to put into a queue");
static JOIN: Kinds = Kinds::new("for the items of a queue to be done");

/// The inside of a queue.
pub struct Shared<S: Store> {
    pub(super) state: Guarded<State<S>>,
}
impl<S: Store> Shared<S> {
    pub(super) const fn new(store: S, capacity: usize) -> Self {
        Shared {
            state: Guarded::new(State {
                store,
                capacity,
                handed: 0,
                getters: Waiters::new(),
                putters: Waiters::new(),
                unfinished: 0,
                joiners: Waiters::new(),
                is_open: true,
            }),
        }
    }

    #[inline]
    pub(crate) fn try_get(&self) -> Result<S::Item, GetError> {
        let (item, putter) = self.state.with(|state| state.take().ok_or(state.nothing()))?;
        wake(putter);
        Ok(item)
    }

    #[inline]
    pub(super) fn get(&self, deadline: Moment) -> Result<S::Item, GetError> {
        // Before there is an item in hand: this may yield, and so be killed.
        line::spend_success();
        match self.try_get() {
            Err(GetError::Empty) => self.get_in_line(deadline),
            had => had,
        }
    }

    #[cold]
    fn get_in_line(&self, deadline: Moment) -> Result<S::Item, GetError> {
        loop {
            match turn::wait_at(&self.getting(), &GET, deadline, || ())? {
                Turn::Left => return self.try_get(),
                Turn::AtOnce | Turn::Granted => match self.fetch() {
                    Err(GetError::Empty) => {}
                    had => return had,
                },
            }
        }
    }

    /// Takes what was handed over or promised. There is nothing if the queue was shut down at once, if
    /// who promised it did not wait so long, or if who handed it over panicked in the midst of it.
    pub(crate) fn fetch(&self) -> Result<S::Item, GetError> {
        let (item, putter) = self.state.with(|state| state.fetch().ok_or(state.nothing()))?;
        wake(putter);
        Ok(item)
    }

    #[inline]
    pub(crate) fn try_put(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        let put =
            self.state.with(|state| state.put(item, None).map_err(|item| (item, state.is_open)));
        match put {
            Ok(getter) => {
                wake(getter);
                Ok(())
            }
            Err((item, true)) => Err(PutError::Full(item)),
            Err((item, false)) => Err(PutError::ShutDown(item)),
        }
    }

    #[inline]
    pub(super) fn put(&self, item: S::Item, deadline: Moment) -> Result<(), PutError<S::Item>> {
        line::spend_success();
        let is_callback = || thread::current_head(thread::is_called_by_loop);
        if deadline != Moment::ZERO && self.capacity() == 0 && !is_callback() && waiter::can_wait()
        {
            // Also if someone waits for it: it is put when it is taken.
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
        let waited = turn::wait_at(&gate, &PUT, deadline, || ());
        match gate.left() {
            None => Ok(()),
            Some(item) if waited == Err(WaitError::Unwinding) => Err(PutError::Unwinding(item)),
            Some(item) if self.is_open() => Err(PutError::Full(item)),
            Some(item) => Err(PutError::ShutDown(item)),
        }
    }

    /// Waits until something is there, and shows it.
    pub(super) fn peek(&self, deadline: Moment) -> Result<S::Item, GetError>
    where
        S::Item: Clone,
    {
        match self.try_peek() {
            Err(GetError::Empty) => {}
            had => return had,
        }
        let gate = self.getting();
        match turn::wait_at(&gate, &GET, deadline, || ())? {
            Turn::AtOnce | Turn::Granted => {
                let _held = GiveBack(&gate);
                self.state.with(|state| state.store.peek().cloned().ok_or(state.nothing()))
            }
            Turn::Left => self.try_peek(),
        }
    }

    pub(super) fn try_peek(&self) -> Result<S::Item, GetError>
    where
        S::Item: Clone,
    {
        self.state.with(|state| match state.store.peek() {
            Some(item) if state.free() > 0 => Ok(item.clone()),
            _ => Err(state.nothing()),
        })
    }

    pub(super) fn task_done(&self) -> bool {
        let finished = self.state.with(|state| (state.unfinished > 0).then(|| state.finish(1)));
        let was_due = finished.is_some();
        finished.unwrap_or_default().wake();
        was_due
    }

    pub(super) fn unfinished(&self) -> usize {
        self.state.with(|state| state.unfinished)
    }

    pub(super) fn join(&self, deadline: Moment) -> Result<(), WaitError> {
        if self.unfinished() == 0 {
            return Ok(());
        }
        match turn::wait_at(&Joining(self), &JOIN, deadline, || ())? {
            Turn::Left => Err(WaitError::TimedOut),
            Turn::AtOnce | Turn::Granted => Ok(()),
        }
    }

    pub(super) fn shut_down(&self) {
        self.state.with(State::close);
    }

    /// As [`shut_down`](Self::shut_down), and takes all items out, also those handed to some one.
    pub(super) fn shut_down_now(&self) -> Vec<S::Item> {
        let (items, finished) = self.state.with(|state| {
            state.close();
            let items: Vec<_> = std::iter::from_fn(|| state.store.pop()).collect();
            let dropped = items.len().min(state.unfinished);
            (items, state.finish(dropped))
        });
        finished.wake();
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
        self.state.with(|state| state.capacity = capacity);
        while let Some(putter) = self.state.with(State::fill) {
            putter.wake();
        }
    }

    pub(super) fn getters(&self) -> usize {
        self.state.with(|state| state.getters.len())
    }

    pub(super) fn putters(&self) -> usize {
        self.state.with(|state| state.putters.len())
    }

    /// Where one waits to get: what is had there is a right to [`fetch`](Self::fetch).
    pub(crate) fn getting(&self) -> Getting<'_, S> {
        Getting(self)
    }

    /// Where one waits to put.
    pub(crate) fn putting(&self, item: Option<S::Item>) -> Putting<'_, S> {
        Putting { shared: self, item: Cell::new(item) }
    }
}

/// Ready when there is something to get, or never will be.
impl<S: Store> Waitable for Shared<S> {
    fn is_ready(&self) -> bool {
        self.state.with(|state| state.is_ready())
    }

    fn watch(&self, bell: Bell) {
        let is_ready = self.state.with(|state| {
            let is_ready = state.is_ready();
            if !is_ready {
                state.getters.push(Who::Watches(bell.clone()), ());
            }
            is_ready
        });
        if is_ready {
            bell.ring();
        }
    }

    fn unwatch(&self, bell: &Bell) {
        self.state.with(|state| state.getters.remove(&Who::Watches(bell.clone())));
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

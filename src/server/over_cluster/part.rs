//! One thread's part of the server: an ordinary server there, and what others tell it to do.

use std::cell::Cell;
use std::io;
use std::mem;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::clock::Moment;
use crate::greenlet::{Builder, current, wait};
use crate::pool::Group;
use crate::server::running::{Handle, Running, Settings, closed};
use crate::server::source::Source;
use crate::sync::Event;

/// What is asked of a part, by any thread, and what has become of it.
pub(super) struct Orders {
    state: Mutex<State>,
    /// Set when something is asked.
    news: Event,
    /// Set when something was done.
    change: Event,
    /// Whose part it is, once it has begun.
    thread: OnceLock<ThreadId>,
}

struct State {
    is_accepting: bool,
    /// Until when, once it is to stop.
    stop: Option<Moment>,
    /// Its handlers who begin to stop the server, and so wait for this, or no longer do.
    spared: Vec<(u32, bool)>,
    asked: u64,
    done: u64,
    /// Why it could not do what was asked last.
    error: Option<io::Error>,
    has_ended: bool,
    /// How many handlers its stop has left.
    left: usize,
}

impl Orders {
    pub(super) fn new() -> Arc<Orders> {
        Arc::new(Orders {
            state: Mutex::new(State {
                is_accepting: true,
                stop: None,
                spared: Vec::new(),
                asked: 0,
                done: 0,
                error: None,
                has_ended: false,
                left: 0,
            }),
            news: Event::new(),
            change: Event::new(),
            thread: OnceLock::new(),
        })
    }

    // ---- for those who ask ------------------------------------------------------------------

    /// Has it accept, or not; the answer is for [`wait_until_done`](Self::wait_until_done).
    pub(super) fn set_accepting(&self, accepting: bool) -> u64 {
        let mut state = self.lock();
        state.is_accepting = accepting;
        state.asked += 1;
        let number = state.asked;
        drop(state);
        self.news.set();
        number
    }

    pub(super) fn is_accepting(&self) -> bool {
        let state = self.lock();
        state.is_accepting && !state.has_ended
    }

    /// Waits until it has done what was asked by this number, or has ended.
    pub(super) fn wait_until_done(&self, number: u64) -> io::Result<()> {
        loop {
            let mut state = self.lock();
            if state.has_ended {
                return Err(closed());
            }
            if state.done >= number {
                return state.error.take().map_or(Ok(()), Err);
            }
            self.change.clear();
            drop(state);
            self.change.wait().map_err(io::Error::other)?;
        }
    }

    /// Has it stop until `deadline`, or sooner if it was told so before.
    pub(super) fn stop(&self, deadline: Moment) {
        let mut state = self.lock();
        if state.stop.is_none_or(|earlier| deadline < earlier) {
            state.stop = Some(deadline);
        }
        drop(state);
        self.news.set();
    }

    /// Has it not wait for the caller, who stops the server, until what is returned is dropped. `None`
    /// in another thread, where none of its handlers is.
    pub(super) fn spare_caller(self: &Arc<Self>) -> Option<Spared> {
        let is_here = self.thread.get() == Some(&thread::current().id());
        is_here.then(|| {
            let handler = current().id();
            self.note_spared(handler, true);
            Spared { orders: Arc::clone(self), handler }
        })
    }

    fn note_spared(&self, handler: u32, is_spared: bool) {
        self.lock().spared.push((handler, is_spared));
        self.news.set();
    }

    /// Waits until it has ended; returns how many handlers are left. `None` if it has not until `late`.
    pub(super) fn wait_for_end(&self, late: Moment) -> Option<usize> {
        loop {
            let state = self.lock();
            if state.has_ended {
                return Some(state.left);
            }
            self.change.clear();
            drop(state);
            if self.change.wait_for(late.since(Moment::now())).is_err() && !self.has_ended() {
                return None;
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().has_ended
    }

    // ---- for the part -----------------------------------------------------------------------

    /// Serves in the current thread until it is told to stop, or fails; returns why it has failed.
    pub(super) fn serve<S: Source>(
        self: &Arc<Self>,
        source: S,
        handle: Handle<S>,
        settings: Settings,
    ) -> Option<io::Error> {
        let _ = self.thread.set(thread::current().id());
        let running = Running::from_source(source, handle);
        running.settings.replace(settings);
        if let Err(error) = running.start() {
            running.complain(&format!("has stopped: {error}"));
            return Some(error);
        }
        let abandoned = IfAbandoned(&running);
        self.obey(&running);
        drop(abandoned);
        running.failure.take()
    }

    fn obey<S: Source>(self: &Arc<Self>, running: &Rc<Running<S>>) {
        let stops = Group::new();
        let earliest = Cell::new(None::<Moment>);
        while !running.stopped.is_set() {
            wait([&self.news, &running.stopped], None, Some(1));
            let mut state = self.lock();
            self.news.clear();
            let (accepting, stop, number) = (state.is_accepting, state.stop, state.asked);
            mem::take(&mut state.spared).into_iter().for_each(
                |(handler, is_spared)| match is_spared {
                    true => running.spare(handler),
                    false => running.no_longer_spare(handler),
                },
            );
            let Some(stop) = stop else {
                // It may have to wait until its acceptor has unwound.
                drop(state);
                self.accept(running, accepting, number);
                continue;
            };
            state.done = number;
            drop(state);
            if earliest.get().is_none_or(|earliest| stop < earliest) {
                earliest.set(Some(stop));
                self.begin_stop(running, stop, &stops);
            }
        }
        stops.join();
    }

    fn accept<S: Source>(&self, running: &Rc<Running<S>>, accepting: bool, number: u64) {
        let done = if accepting {
            running.start_accepting()
        } else {
            running.stop_accepting();
            Ok(())
        };
        let mut state = self.lock();
        state.done = number;
        state.error = done.err();
        drop(state);
        self.change.set();
    }

    fn begin_stop<S: Source>(
        self: &Arc<Self>,
        running: &Rc<Running<S>>,
        deadline: Moment,
        stops: &Group,
    ) {
        let (own, server) = (Arc::clone(self), Rc::clone(running));
        let body = move || {
            let limit = match deadline {
                Moment::NEVER => Duration::MAX,
                deadline => deadline.since(Moment::now()),
            };
            let stopped = server.end_all(limit, true);
            own.lock().left = stopped.map_or_else(|left| left.count, |()| 0);
        };
        match Builder::new().create(body) {
            Ok(stopping) => drop(stops.start(stopping)),
            // Without memory for a greenlet nothing more is accepted, and handlers run on.
            Err(error) => running.fail(error),
        }
    }

    /// Called when the part is over, however that came about.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        drop(state);
        self.change.set();
    }

    /// Nothing of the program's runs while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of its handlers is in a stop of the server, however that comes to its end.
pub(super) struct Spared {
    orders: Arc<Orders>,
    handler: u32,
}

impl Drop for Spared {
    fn drop(&mut self) {
        self.orders.note_spared(self.handler, false);
    }
}

/// A server that nobody tells anything any more accepts nothing.
struct IfAbandoned<'a, S: Source>(&'a Running<S>);

impl<S: Source> Drop for IfAbandoned<'_, S> {
    fn drop(&mut self) {
        if self.0.is_started() {
            self.0.fail(io::Error::other("the greenlet that leads the server was killed"));
        }
    }
}

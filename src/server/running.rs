//! A server of any kind: when it starts, and when it ends.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::accepting::Acceptor;
use super::source::Source;
use crate::clock::Moment;
use crate::greenlet::{AnyGreenlet, Builder, Greenlet, StillRunning, Waitable};
use crate::greenlet::{current, killall_for, wait};
use crate::pool::{Group, Pool};
use crate::sync::Event;

/// How long `stop` waits for those that it has killed.
pub(super) const UNWINDING_LIMIT: Duration = Duration::from_secs(1);

/// What handlers are given when whoever serves is unwound. As gevent's `stop_timeout`.
pub(super) const LAST_LIMIT: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) backlog: Option<i32>,
    pub(super) pool: Option<Pool>,
    pub(super) idle_limit: Option<Duration>,
    /// Whether its greenlets keep nothing up.
    pub(super) background: bool,
    /// The shortest pause and the longest.
    pub(super) back_off: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        let back_off = (Duration::from_millis(10), Duration::from_secs(1));
        Settings { backlog: None, pool: None, idle_limit: None, background: false, back_off }
    }
}

impl Settings {
    pub(super) fn check(&self) -> io::Result<&Settings> {
        let (shortest, longest) = self.back_off;
        if self.idle_limit.is_some_and(|limit| limit.is_zero()) {
            return Err(invalid("an idle limit of zero ends every connection"));
        }
        if shortest.is_zero() || shortest > longest {
            return Err(invalid("the shortest pause is zero, or longer than the longest"));
        }
        Ok(self)
    }
}

type Make<S> = Box<dyn Fn() -> io::Result<S>>;
pub(super) type Handle<S> = Box<dyn Fn(&Rc<Running<S>>, <S as Source>::Item, <S as Source>::Peer)>;

/// What all handles to one server share.
pub(super) struct Running<S: Source> {
    /// `None` if it was given its source, and then cannot have another.
    make: Option<Make<S>>,
    pub(super) source: RefCell<Option<Rc<S>>>,
    pub(super) handle: Handle<S>,
    pub(super) settings: RefCell<Settings>,
    pub(super) handlers: Group,
    /// The ids of those who are in a stop.
    stopping: RefCell<Vec<u32>>,
    /// Set for a moment when another one is.
    stop_called: Event,
    acceptor: RefCell<Option<Greenlet<()>>>,
    /// Which acceptor is the one that accepts: an earlier one may still be on its way to its end.
    shift: Cell<u64>,
    /// What was taken from the source and has no handler yet.
    pub(super) arrived: Cell<Option<(S::Item, S::Peer)>>,
    is_started: Cell<bool>,
    pub(super) stopped: Event,
    pub(super) failure: RefCell<Option<io::Error>>,
}

impl<S: Source> Running<S> {
    pub(super) fn from_source(source: S, handle: Handle<S>) -> Rc<Self> {
        Running::new(None, Some(source), handle)
    }

    pub(super) fn from_address(
        make: impl Fn() -> io::Result<S> + 'static,
        handle: Handle<S>,
    ) -> Rc<Self> {
        Running::new(Some(Box::new(make)), None, handle)
    }

    fn new(make: Option<Make<S>>, source: Option<S>, handle: Handle<S>) -> Rc<Self> {
        Rc::new(Running {
            make,
            source: RefCell::new(source.map(Rc::new)),
            handle,
            settings: RefCell::default(),
            handlers: Group::new(),
            stopping: RefCell::default(),
            stop_called: Event::new(),
            acceptor: RefCell::default(),
            shift: Cell::new(0),
            arrived: Cell::new(None),
            is_started: Cell::new(false),
            stopped: Event::new(),
            failure: RefCell::default(),
        })
    }

    pub(super) fn start(self: &Rc<Self>) -> io::Result<()> {
        if self.is_started() {
            return Ok(());
        }
        let source = self.ready_source();
        // To resolve a name is to wait: someone else may have been faster.
        if self.is_started() {
            return Ok(());
        }
        self.source.replace(Some(source?));
        self.failure.take();
        self.stopped.clear();
        self.is_started.set(true);
        let accepting = self.start_accepting();
        if accepting.is_err() {
            self.is_started.set(false);
        }
        accepting
    }

    fn ready_source(&self) -> io::Result<Rc<S>> {
        let backlog = self.settings.borrow().check()?.backlog;
        let given = self.source.borrow().clone();
        let source = match (given, &self.make) {
            (Some(_), None) if backlog.is_some() => {
                return Err(invalid("a backlog is for an address: a listener has one already"));
            }
            (Some(source), _) => source,
            (None, Some(make)) => Rc::new(make()?),
            (None, None) => return Err(closed()),
        };
        source.prepare(backlog)?;
        Ok(source)
    }

    pub(super) fn start_accepting(self: &Rc<Self>) -> io::Result<()> {
        if !self.is_started() {
            return Err(closed());
        }
        if !self.is_accepting() {
            let shift = self.shift.get() + 1;
            let acceptor = Acceptor::new(self, shift);
            let builder = Builder::new().name("server").background(self.is_in_background());
            let acceptor = builder.spawn(move || acceptor.run())?;
            self.acceptor.replace(Some(acceptor));
            self.shift.set(shift);
        }
        Ok(())
    }

    pub(super) fn stop_accepting(&self) {
        // Taken out first: whoever starts meanwhile has an acceptor of its own.
        let acceptor = self.dismiss();
        // An error hook may be called in it: then it goes on, and sees that it is not needed.
        if let Some(acceptor) = acceptor.filter(|acceptor| acceptor.any() != current()) {
            acceptor.kill();
        }
    }

    /// Has the acceptor be none any more: it ends when it next looks.
    fn dismiss(&self) -> Option<Greenlet<()>> {
        self.shift.update(|shift| shift + 1);
        self.acceptor.take()
    }

    pub(super) fn is_on_shift(&self, shift: u64) -> bool {
        self.shift.get() == shift
    }

    /// The caller, which may be a handler, goes on, and is not waited for.
    pub(super) fn stop(self: &Rc<Self>, limit: Duration) -> Result<(), StillRunning> {
        let own = current().id();
        self.spare(own);
        let _stopping = Stopping { server: self, own };
        let is_handler = self.handlers.members().iter().any(|handler| handler.id() == own);
        self.end_all(limit, is_handler)
    }

    /// Has stops not wait for a handler that stops the server itself.
    pub(super) fn spare(&self, handler: u32) {
        self.stopping.borrow_mut().push(handler);
        self.stop_called.set();
        self.stop_called.clear();
    }

    /// Has stops wait for it again, whose own stop is over.
    pub(super) fn no_longer_spare(&self, handler: u32) {
        let mut stopping = self.stopping.borrow_mut();
        if let Some(place) = stopping.iter().position(|id| *id == handler) {
            stopping.swap_remove(place);
        }
    }

    /// Stops it on behalf of someone. With `sparing` that one is a handler, or of another hub: then
    /// others that stop it too wait for this stop, and it does not wait for them.
    pub(super) fn end_all(
        self: &Rc<Self>,
        limit: Duration,
        sparing: bool,
    ) -> Result<(), StillRunning> {
        let deadline = Moment::after(limit);
        let left = || deadline.since(Moment::now());
        self.is_started.set(false);
        let _ended = AtItsEnd(self);
        let name = self.name();
        self.stop_accepting();
        // Someone else may start it again where this waits: then all is the next run's.
        if !self.is_started() {
            let source = if S::ANSWERS { None } else { self.source.take() };
            let rest = source.map_or_else(Vec::new, |source| source.end(left()));
            // It was accepted in the moment in which someone else took the pool's last slot.
            self.hand_over_the_last(&name, left());
            for last in rest {
                self.arrived.set(Some(last));
                self.hand_over_the_last(&name, left());
            }
        }
        let is_waited_for =
            |handler: &AnyGreenlet| !sparing || !self.stopping.borrow().contains(&handler.id());
        let is_awaited = |handler: &AnyGreenlet| !handler.is_finished() && is_waited_for(handler);
        let mut handlers = self.handlers.members();
        // One that was passed over may have been unwound from its own stop since.
        while handlers.iter().any(is_awaited) && !left().is_zero() {
            for handler in &handlers {
                while is_awaited(handler) && !left().is_zero() {
                    let either: [&dyn Waitable; 2] = [handler, &self.stop_called];
                    wait(either, Some(left()), Some(1));
                }
            }
        }
        handlers.retain(is_waited_for);
        killall_for(&handlers, UNWINDING_LIMIT)
    }

    /// Gives what has arrived to a handler, or closes it.
    fn hand_over_the_last(self: &Rc<Self>, name: &str, limit: Duration) {
        // Whether there was no memory or no slot, it is still there.
        let _ = self.hand_over(limit);
        if !self.is_started() && self.arrived.take().is_some() {
            self.complain_as(name, "has dropped what it had taken: there is no room for a handler");
        }
    }

    /// Gives up the source; it is closed unless someone else has a handle to it.
    fn close(&self) {
        let source = self.source.take();
        drop(source);
    }

    /// Stops it where nobody can wait; handlers are left as they are. The acceptor may be the caller.
    pub(super) fn fail(&self, error: io::Error) {
        self.failure.replace(Some(error));
        self.is_started.set(false);
        if let Some(acceptor) = self.dismiss().filter(|acceptor| acceptor.any() != current()) {
            acceptor.start_kill();
        }
        self.close();
        self.stopped.set();
    }

    pub(super) fn serve_forever(self: &Rc<Self>) -> io::Result<()> {
        self.start()?;
        let _unwound = StopIfUnwound(self);
        self.stopped.wait().map_err(io::Error::other)?;
        let failure = self.failure.take();
        failure.map_or(Ok(()), Err)
    }

    /// What the acceptor of this shift accepts from, unless it is to end.
    pub(super) fn source_for(&self, shift: u64) -> Option<Rc<S>> {
        (self.is_started() && self.is_on_shift(shift))
            .then(|| self.source.borrow().clone())
            .flatten()
    }

    pub(super) fn local_addr(&self) -> io::Result<S::Peer> {
        let source = self.source.borrow().clone();
        source.ok_or_else(closed)?.address()
    }

    pub(super) fn is_started(&self) -> bool {
        self.is_started.get()
    }

    pub(super) fn is_in_background(&self) -> bool {
        self.settings.borrow().background
    }

    pub(super) fn is_accepting(&self) -> bool {
        self.acceptor.borrow().as_ref().is_some_and(|acceptor| !acceptor.is_finished())
    }
}

pub(super) fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

pub(super) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the server is not started, or was stopped")
}

/// Closes what is not closed, and tells whoever serves for ever, however a stop comes to its end.
struct AtItsEnd<'a, S: Source>(&'a Running<S>);

impl<S: Source> Drop for AtItsEnd<'_, S> {
    fn drop(&mut self) {
        if !self.0.is_started() {
            self.0.close();
            self.0.stopped.set();
        }
    }
}

/// Who is in a stop, and is not any more when this is dropped.
struct Stopping<'a, S: Source> {
    server: &'a Running<S>,
    own: u32,
}

impl<S: Source> Drop for Stopping<'_, S> {
    fn drop(&mut self) {
        self.server.no_longer_spare(self.own);
    }
}

/// Who is unwound cannot wait, so that another greenlet stops the server.
struct StopIfUnwound<'a, S: Source>(&'a Rc<Running<S>>);

impl<S: Source> Drop for StopIfUnwound<'_, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let server = Rc::clone(self.0);
            // Without memory for it the server runs on.
            let _ = Builder::new().spawn(move || {
                let _ = server.stop(LAST_LIMIT);
            });
        }
    }
}

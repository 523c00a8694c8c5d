//! A server of any kind: when it starts, and when it ends.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::source::Source;
use crate::greenlet::{AnyGreenlet, Builder, Greenlet, StillRunning, current};
use crate::greenlet::{joinall_for, killall_for};
use crate::pool::{Group, Pool};
use crate::sync::Event;

/// How long `stop` waits for those that it has killed.
const UNWINDING_LIMIT: Duration = Duration::from_secs(1);

/// What handlers are given when whoever serves is unwound. As gevent's `stop_timeout`.
const LAST_LIMIT: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) backlog: Option<i32>,
    pub(super) pool: Option<Pool>,
    pub(super) idle_limit: Option<Duration>,
    /// The shortest pause and the longest.
    pub(super) back_off: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        let back_off = (Duration::from_millis(10), Duration::from_secs(1));
        Settings { backlog: None, pool: None, idle_limit: None, back_off }
    }
}

impl Settings {
    fn check(&self) -> io::Result<&Settings> {
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
    /// Those who are in a stop.
    stopping: RefCell<Vec<AnyGreenlet>>,
    pub(super) acceptor: RefCell<Option<Greenlet<()>>>,
    /// What was taken from the source and has no handler yet.
    pub(super) arrived: Cell<Option<(S::Item, S::Peer)>>,
    is_started: Cell<bool>,
    stopped: Event,
    failure: RefCell<Option<io::Error>>,
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
            acceptor: RefCell::default(),
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
            let own = FailIfUnwound(Rc::clone(self));
            let acceptor = Builder::new().name("server").spawn(move || own.0.accept_all())?;
            self.acceptor.replace(Some(acceptor));
        }
        Ok(())
    }

    pub(super) fn stop_accepting(&self) {
        // Taken out first: whoever starts meanwhile has an acceptor of its own.
        let acceptor = self.acceptor.take();
        if let Some(acceptor) = acceptor
            // Itself in an error hook, it sees that it is the acceptor no more.
            && acceptor.any() != current()
        {
            acceptor.kill();
        }
    }

    pub(super) fn stop(self: &Rc<Self>, limit: Duration) -> Result<(), StillRunning> {
        let deadline = Instant::now().checked_add(limit);
        let left = || match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        self.is_started.set(false);
        let _ended = AtItsEnd(self);
        self.stopping.borrow_mut().push(current());
        let _stopping = Stopping(self);
        self.stop_accepting();
        // Someone else may start it again where this waits: then all is the next run's.
        if !self.is_started() {
            if !S::ANSWERS {
                self.close();
            }
            // It was accepted in the moment in which someone else took the pool's last slot.
            let _ = self.hand_over(left());
        }
        if !self.is_started() {
            drop(self.arrived.take());
        }
        let handlers = self.other_handlers();
        joinall_for(&handlers, left());
        killall_for(&handlers, UNWINDING_LIMIT)
    }

    /// Gives up the source; it is closed unless someone else has a handle to it.
    fn close(&self) {
        let source = self.source.take();
        drop(source);
    }

    /// All handlers. A caller that is one is not: it goes on, and is not waited for; nor are others that
    /// stop the server now, since they wait for this one.
    fn other_handlers(&self) -> Vec<AnyGreenlet> {
        let mut handlers = self.handlers.members();
        if handlers.contains(&current()) {
            let stopping = self.stopping.borrow();
            handlers.retain(|handler| !stopping.contains(handler));
        }
        handlers
    }

    /// Called in the acceptor, which ends then.
    pub(super) fn fail(&self, error: io::Error) {
        self.failure.replace(Some(error));
        self.is_started.set(false);
        let acceptor = self.acceptor.take();
        drop(acceptor);
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

    /// What the current greenlet accepts from, while it is the acceptor.
    pub(super) fn source_if_acceptor(&self) -> Option<Rc<S>> {
        self.is_acceptor().then(|| self.source.borrow().clone()).flatten()
    }

    /// Whether the current greenlet is the acceptor: not one that was stopped, and has yet to end.
    pub(super) fn is_acceptor(&self) -> bool {
        self.acceptor.borrow().as_ref().is_some_and(|acceptor| acceptor.any() == current())
    }

    pub(super) fn local_addr(&self) -> io::Result<S::Peer> {
        let source = self.source.borrow().clone();
        source.ok_or_else(closed)?.address()
    }

    pub(super) fn is_started(&self) -> bool {
        self.is_started.get()
    }

    pub(super) fn is_accepting(&self) -> bool {
        self.acceptor.borrow().as_ref().is_some_and(|acceptor| !acceptor.is_finished())
    }
}

fn invalid(message: &str) -> io::Error {
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

/// The current greenlet, as long as it is in a stop.
struct Stopping<'a, S: Source>(&'a Running<S>);

impl<S: Source> Drop for Stopping<'_, S> {
    fn drop(&mut self) {
        let (own, mut stopping) = (current(), self.0.stopping.borrow_mut());
        if let Some(place) = stopping.iter().position(|greenlet| *greenlet == own) {
            stopping.swap_remove(place);
        }
    }
}

/// An acceptor that someone else has ended, as the end of its hub does, would leave a server that is
/// started and deaf.
struct FailIfUnwound<S: Source>(Rc<Running<S>>);

impl<S: Source> Drop for FailIfUnwound<S> {
    fn drop(&mut self) {
        if std::thread::panicking() && self.0.is_acceptor() {
            self.0.fail(io::Error::other("the greenlet that accepts was ended"));
        }
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

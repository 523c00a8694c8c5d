//! What is to be served, by how many processes, and to do it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;

use super::activation;
use super::inherit;
use super::listening;
use super::place::{Place, place};
use super::process::Program;
use super::settings::Settings;
use super::status::{Event, News, Order, Shared, Supervisor};
use super::supervising::Supervising;
use super::worker::Worker;
use crate::greenlet::{Builder, Greenlet};
use crate::monkey::net::{TcpListener, ToSocketAddrs};
use crate::monkey::os::unix::net::UnixListener;
use crate::signal::{SIGHUP, SIGINT, SIGTERM, Signals};

/// So many clients may wait to be accepted, or as many as the kernel allows.
const BACKLOG: i32 = 4096;

/// Several worker processes over the same listeners, and the parent that sees to them.
///
/// See the [module](super) for what it does, and when.
///
/// # Examples
///
/// ```no_run
/// use greenhub::prefork::Prefork;
/// use greenhub::server::StreamServer;
/// use std::io::Write;
/// use std::time::Duration;
///
/// fn main() -> std::io::Result<()> {
///     let prefork = Prefork::new()
///         .bind("127.0.0.1:8080")?
///         .workers(4)
///         .grace(Duration::from_secs(10));
///     prefork.run(|worker| {
///         let server = StreamServer::new(worker.tcp_listener()?, |mut stream, _| {
///             stream.write_all(b"hello")
///         });
///         worker.serve(&server)
///     })
/// }
/// ```
#[must_use = "nothing is started until `run`"]
#[derive(Default)]
pub struct Prefork {
    /// In the parent.
    listeners: Vec<OwnedFd>,
    settings: Settings,
    shared: Arc<Shared>,
}

impl Prefork {
    /// One without listeners; as many workers as there are processors.
    pub fn new() -> Prefork {
        Prefork::default()
    }

    /// Adds a TCP listener on `address`. In a worker it does nothing: the listener was inherited.
    ///
    /// # Errors
    ///
    /// Those of [`TcpListener::bind`]; in a worker, if it has not inherited what it should have.
    pub fn bind<A: ToSocketAddrs>(self, address: A) -> io::Result<Prefork> {
        self.listen_on(|| TcpListener::bind(address).and_then(with_backlog))
    }

    /// Adds a Unix listener on `path`, where there must be no file. In a worker it does nothing.
    ///
    /// As in std, the file stays when all is over. One that was left is for the parent to remove
    /// before, and not for a [worker](super::is_worker).
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_unix(self, path: impl AsRef<Path>) -> io::Result<Prefork> {
        self.listen_on(|| UnixListener::bind(path).and_then(with_backlog))
    }

    /// Adds the listener that `make` makes, which is called in the parent only.
    ///
    /// # Errors
    ///
    /// That of `make`. [`InvalidData`](ErrorKind::InvalidData) if it is no listening stream
    /// socket. In a worker, as [`bind`](Self::bind).
    pub fn listen_on<L: Into<OwnedFd>>(
        mut self,
        make: impl FnOnce() -> io::Result<L>,
    ) -> io::Result<Prefork> {
        if place()?.is_none() {
            let listener = make()?.into();
            listening::kind(&listener)?;
            self.add(listener)?;
        }
        Ok(self)
    }

    /// Adds the sockets that a service manager has passed to this process
    /// ([`listen_fds`](super::listen_fds)); if there are none, binds `address`. In a worker it does nothing.
    ///
    /// # Errors
    ///
    /// As [`listen_fds`](super::listen_fds) and [`bind`](Self::bind).
    pub fn bind_or_activated<A: ToSocketAddrs>(mut self, address: A) -> io::Result<Prefork> {
        if place()?.is_some() {
            return Ok(self);
        }
        let given = activation::take()?;
        if given.is_empty() {
            return self.bind(address);
        }
        for (_, _, listener) in given {
            self.add(listener)?;
        }
        Ok(self)
    }

    fn add(&mut self, listener: OwnedFd) -> io::Result<()> {
        self.listeners.push(inherit::above_standard(listener)?);
        Ok(())
    }

    /// How many workers there are to be.
    pub fn workers(mut self, count: usize) -> Prefork {
        self.settings.workers = count;
        self
    }

    /// How long a worker may go on when it was asked to end: 30 s unless it is set. It then ends its
    /// handlers; one that is still there two seconds later is killed.
    pub fn grace(mut self, limit: Duration) -> Prefork {
        self.settings.grace = limit;
        self
    }

    /// How long a worker may take until it is [ready](Worker::ready): 30 s unless it is set. Then it
    /// is killed, and started again.
    pub fn start_limit(mut self, limit: Duration) -> Prefork {
        self.settings.start_limit = limit;
        self
    }

    /// Has `hook` called in the parent for all that happens to workers, one after the other.
    ///
    /// It should not wait for long: nothing else is supervised meanwhile. If it panics, `run` ends
    /// by that, and with it the workers. Without a hook, the parent tells its
    /// [error hook](crate::Hub::set_error_hook), or standard error, of workers that have died
    /// unasked, once for several deaths that follow each other, and of those it had to kill.
    pub fn on_event(mut self, hook: impl Fn(&Event) + 'static) -> Prefork {
        self.settings.on_event = Some(Box::new(hook));
        self
    }

    /// Where the first of the TCP listeners listens, in either process: as for port 0, which the
    /// kernel replaces by another.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or, in a worker, none that was not taken.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = |it: &OwnedFd| SockRef::from(it).local_addr().ok()?.as_socket();
        let found = match place()? {
            None => self.listeners.iter().find_map(address),
            Some(place) => place.with_listeners(|all| all.iter().find_map(|(_, it)| address(it))),
        };
        found.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "there is no TCP listener"))
    }

    /// What asks the parent of the workers, and tells it what to do, while it is in [`run`](Self::run).
    #[must_use]
    pub fn supervisor(&self) -> Supervisor {
        Supervisor(Arc::clone(&self.shared))
    }

    /// In the parent: starts the workers, sees to them, and returns when all is over. In a worker: calls
    /// `body`, and returns what it returns.
    ///
    /// Workers are started anew from the file of this program, with the same arguments and the same
    /// environment, so **what comes before `run` happens in each process**, and so does what comes
    /// after. Use [`is_worker`](super::is_worker) for what is to happen once. The parent never calls
    /// `body`.
    ///
    /// In the parent only the greenlet waits, and others go on. If it is unwound from here, the workers are
    /// killed. `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGTTIN` and `SIGTTOU` are the
    /// parent's [orders](super) meanwhile. In a worker `SIGTERM` is the parent's, and `SIGINT` and
    /// `SIGHUP` do nothing.
    ///
    /// # Errors
    ///
    /// In a worker those of `body`, and if the parent has ended already. In the parent:
    /// [`InvalidInput`](ErrorKind::InvalidInput) for no workers; if a worker has failed five times
    /// before any was ever ready. Later failures are tried again for as long as it takes. In both,
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) for a second call in one process: its workers
    /// would come to the first.
    pub fn run(self, body: impl FnOnce(Worker) -> io::Result<()>) -> io::Result<()> {
        static HAS_RUN: AtomicBool = AtomicBool::new(false);
        let place = place()?;
        if place.is_none() && self.settings.workers == 0 {
            return Err(io::Error::new(ErrorKind::InvalidInput, "there are to be no workers"));
        }
        if HAS_RUN.swap(true, Ordering::Relaxed) {
            let text = "a process runs one Prefork: its workers would come to the first";
            return Err(io::Error::new(ErrorKind::AlreadyExists, text));
        }
        match place {
            Some(place) => work(place, body),
            None => self.supervise(),
        }
    }

    fn supervise(self) -> io::Result<()> {
        let program = Program::own(self.listeners, self.settings.grace)?;
        let _signals = KilledAtTheEnd(hear_orders(Arc::clone(&self.shared))?);
        Supervising::new(&self.settings, program, self.shared).supervise()
    }
}

/// To listen again changes the room for those who wait and nothing else.
fn with_backlog<L: AsFd>(listener: L) -> io::Result<L> {
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn work(place: &'static Place, body: impl FnOnce(Worker) -> io::Result<()>) -> io::Result<()> {
    let worker = Worker::new(place);
    let _signals = worker.hear()?;
    worker.end_with_the_parent()?;
    body(worker)
}

/// A greenlet that passes signals on to the one that supervises.
fn hear_orders(shared: Arc<Shared>) -> io::Result<Greenlet<()>> {
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP, libc::SIGTTIN, libc::SIGTTOU])?;
    Builder::new().name("prefork signals").spawn(move || {
        for signal in signals.iter() {
            shared.tell(News::Order(match signal {
                SIGTERM => Order::Stop,
                SIGINT => Order::StopNow,
                SIGHUP => Order::Reload,
                libc::SIGTTIN => Order::More,
                _ => Order::Fewer,
            }));
        }
    })
}

struct KilledAtTheEnd(Greenlet<()>);

impl Drop for KilledAtTheEnd {
    fn drop(&mut self) {
        self.0.start_kill();
    }
}

impl fmt::Debug for Prefork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefork")
            .field("listeners", &self.listeners)
            .field("workers", &self.settings.workers)
            .field("grace", &self.settings.grace)
            .finish_non_exhaustive()
    }
}

//! Servers for connections, on all hubs of a cluster.

mod desk;
mod life;
mod part;
mod settings;
mod sources;
mod tenure;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::desk::HubConnections;
use self::life::Life;
use self::settings::Config;
use super::running::closed;
use super::source::{Accept, Listener};
use crate::clock::Moment;
use crate::cluster::ClusterHandle;
use crate::greenlet::StillRunning;
use crate::monkey::net::{TcpListener, TcpStream, ToSocketAddrs};
use crate::monkey::os::unix::net::{UnixListener, UnixStream};

/// Binds an address for so many hubs.
type Bind<L> = dyn Fn(&Config, usize) -> io::Result<Vec<L>> + Send + Sync;
type Handler<L> = Arc<dyn Fn(<L as Accept>::Stream, <L as Accept>::Addr) + Send + Sync>;

/// How the hubs of a [`ClusterServer`] share what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// One listener, in a thread that does nothing else, which deals each connection to the hub that has
    /// the fewest.
    ///
    /// So the hubs have equally many, also where there are few. What was dealt to a hub that computes goes to
    /// another after a tenth of a second, and nothing more goes there until it has come round.
    #[default]
    Dealt,
    /// A listener for each hub, all at one address, among which the kernel chooses by who the
    /// client is (`SO_REUSEPORT`; Linux shares so, other systems may not).
    ///
    /// Nothing passes between threads. But few connections may be shared unevenly, one that the kernel gives
    /// to a hub that computes waits for it, and those that wait for a hub that ends are reset. It is for TCP,
    /// and for a server that was given an address.
    ReusePort,
}

/// A server for connections that are served on all hubs of a [`Cluster`](crate::Cluster), each with a handler in
/// a greenlet of its own.
///
/// A connection belongs to one hub from its handler's start to its end. The handler may use that hub's
/// thread-locals, and spawn what is not `Send`. Which hub that is says [`Sharing`].
///
/// It has the life of a [`StreamServer`](super::StreamServer), and handlers are treated as there: one
/// that panics closes its connection, and is told to the error hook of its hub. Without descriptors it
/// says so on standard error, or to the error hook of its hub with [`Sharing::ReusePort`].
/// [`with_handshake`](super::with_handshake) makes handlers for it as well.
///
/// Handles are clones of each other, and may be used in any thread, also one without greenlets. The server runs
/// on when the last is dropped.
///
/// **The cluster** outlives the server, or ends it: [stop](Self::stop) the server before you
/// [shut down](crate::Cluster::shutdown) its cluster. Else it goes on until the limit of the shutdown is over,
/// and then handlers are killed, what was accepted and has no handler is closed with a report, and
/// [`serve_forever`](Self::serve_forever) returns an error. A hub that ends before the others leaves what it has
/// not begun to serve to them.
///
/// gevent has no such thing: there, processes that were forked accept from one listener.
///
/// # Examples
///
/// ```
/// use greenhub::Cluster;
/// use greenhub::cluster::this_hub;
/// use greenhub::server::ClusterServer;
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// let cluster = Cluster::new(2)?;
/// let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |mut stream, _peer| {
///     write!(stream, "hub {:?}", this_hub())
/// });
/// server.start()?;
///
/// let mut answers = Vec::new();
/// for _ in 0..4 {
///     let mut answer = String::new();
///     std::net::TcpStream::connect(server.local_addr()?)?.read_to_string(&mut answer)?;
///     answers.push(answer);
/// }
/// answers.sort();
/// assert_eq!(answers, ["hub Some(0)", "hub Some(0)", "hub Some(1)", "hub Some(1)"]);
///
/// server.stop(Duration::from_secs(1))?;
/// cluster.shutdown(Duration::from_secs(1))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClusterServer<L: Listener = TcpListener> {
    server: Arc<Server<L>>,
}

/// What all handles to one server share.
struct Server<L: Listener> {
    cluster: ClusterHandle,
    make: Make<L>,
    handler: Handler<L>,
    config: Mutex<Config>,
    /// From the last start on.
    life: Mutex<Option<Arc<Life<L>>>>,
}

/// Where its listeners come from.
enum Make<L> {
    Bind(Box<Bind<L>>),
    /// Until it is started.
    Given(Mutex<Option<L>>),
}

impl ClusterServer<TcpListener> {
    /// A server that binds `address` when it starts, and calls `handle` with each connection and the
    /// address of its peer, on a hub of `cluster`.
    ///
    /// Nothing is bound until then, and again after a [`stop`](Self::stop).
    #[must_use = "it is to be started"]
    pub fn bind<A, F, R>(cluster: &ClusterHandle, address: A, handle: F) -> Self
    where
        A: ToSocketAddrs + Send + Sync + 'static,
        F: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
    {
        let bind = move |config: &Config, hubs| config.bind(&address, hubs);
        ClusterServer::of(cluster, Make::Bind(Box::new(bind)), handle)
    }
}

impl ClusterServer<UnixListener> {
    /// As [`bind`](ClusterServer::bind), for a Unix socket at `path`, where there must be no file.
    #[must_use = "it is to be started"]
    pub fn bind_unix<F, R>(cluster: &ClusterHandle, path: impl Into<PathBuf>, handle: F) -> Self
    where
        F: Fn(UnixStream, std::os::unix::net::SocketAddr) -> R + Send + Sync + 'static,
    {
        let path = path.into();
        let bind = move |config: &Config, _| config.one(|| UnixListener::bind(&path));
        ClusterServer::of(cluster, Make::Bind(Box::new(bind)), handle)
    }
}

impl<L: Listener> ClusterServer<L> {
    /// A server that accepts from `listener`, and calls `handle` with each connection and the address
    /// of its peer, on a hub of `cluster`.
    ///
    /// Clients can connect already, and wait until it starts. A stop closes the listener, so there is
    /// no start after it.
    #[must_use = "it is to be started"]
    pub fn new<F, R>(cluster: &ClusterHandle, listener: L, handle: F) -> Self
    where
        F: Fn(L::Stream, L::Addr) -> R + Send + Sync + 'static,
    {
        ClusterServer::of(cluster, Make::Given(Mutex::new(Some(listener))), handle)
    }

    fn of<F, R>(cluster: &ClusterHandle, make: Make<L>, handle: F) -> Self
    where
        F: Fn(L::Stream, L::Addr) -> R + Send + Sync + 'static,
    {
        ClusterServer {
            server: Arc::new(Server {
                cluster: cluster.clone(),
                make,
                handler: Arc::new(move |stream, peer| drop(handle(stream, peer))),
                config: Mutex::default(),
                life: Mutex::new(None),
            }),
        }
    }

    // ---- settings ---------------------------------------------------------------------------

    /// Sets how the hubs share what comes, from the next start; [`Sharing::Dealt`] unless it is set.
    #[must_use = "it is the same server"]
    pub fn sharing(self, sharing: Sharing) -> Self {
        self.configure(|config| config.sharing = sharing)
    }

    /// How many connections each hub may have at a time, from the next start. While all have so many
    /// nothing is accepted; with [`Sharing::ReusePort`], while a hub has, nothing is accepted there.
    ///
    /// If a hub ends, others may have more for what was dealt to that one.
    #[must_use = "it is the same server"]
    pub fn connections_per_hub(self, most: usize) -> Self {
        self.configure(|config| config.connections_per_hub = Some(most))
    }

    /// How many connections may wait to be accepted, from the next start, as
    /// [`StreamServer::backlog`](super::StreamServer::backlog) has it.
    #[must_use = "it is the same server"]
    pub fn backlog(self, length: u16) -> Self {
        self.configure(|config| config.backlog = Some(length))
    }

    /// Ends calls on connections that wait for longer than `limit`, from the next start, as
    /// [`StreamServer::idle_limit`](super::StreamServer::idle_limit) has it.
    #[must_use = "it is the same server"]
    pub fn idle_limit(self, limit: Duration) -> Self {
        self.configure(|config| config.idle_limit = Some(limit))
    }

    /// Sets the shortest and the longest pause after an error for which nobody is to blame, from
    /// the next start, as [`StreamServer::back_off`](super::StreamServer::back_off) has it.
    #[must_use = "it is the same server"]
    pub fn back_off(self, shortest: Duration, longest: Duration) -> Self {
        self.configure(|config| config.back_off = Some((shortest, longest)))
    }

    fn configure(self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut lock(&self.server.config));
        self
    }

    // ---- its life ---------------------------------------------------------------------------

    /// Binds, if it was given an address, and begins to serve.
    ///
    /// Returns at once, except that a name may have to be resolved: a hub that computes serves from when it
    /// has come round. One that is started is left as it is. One that was stopped can be started again
    /// if it was given an address, which it binds anew.
    ///
    /// # Errors
    ///
    /// Those of binding, and of making a thread. [`InvalidInput`](io::ErrorKind::InvalidInput) for settings
    /// that cannot be. [`NotConnected`](io::ErrorKind::NotConnected) if it was stopped, and was not given
    /// an address; or if the cluster has no hub any more, or was shut down.
    pub fn start(&self) -> io::Result<()> {
        self.started().map(drop)
    }

    fn started(&self) -> io::Result<Arc<Life<L>>> {
        let server = &*self.server;
        if let Some(life) = self.life().filter(|life| life.is_started()) {
            return Ok(life);
        }
        let config = lock(&server.config).clone();
        config.check()?;
        let listeners = server.make.listeners(&config, server.cluster.hubs());
        // To resolve a name is to wait: someone else may have been faster.
        let mut current = lock(&server.life);
        if let Some(life) = current.as_ref().filter(|life| life.is_started()) {
            return Ok(Arc::clone(life));
        }
        let life = Life::begin(&server.cluster, &config, listeners?, &server.handler)?;
        let before = current.replace(Arc::clone(&life));
        drop(current);
        if let Some(before) = before {
            // Its listener has failed, and its handlers are left until they end.
            before.start_stop(Moment::NEVER);
        }
        life.check()
    }

    /// Accepts nothing until [`start_accepting`](Self::start_accepting): who comes waits in the kernel, and
    /// handlers go on.
    ///
    /// Returns when that is so; with [`Sharing::ReusePort`] each hub has to come round. A second call
    /// does nothing.
    pub fn stop_accepting(&self) {
        if let Some(life) = self.life() {
            // A server that is not started does not accept.
            let _ = life.set_accepting(false);
        }
    }

    /// Goes on after [`stop_accepting`](Self::stop_accepting). Returns when it does.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it is not started; and if there is no memory
    /// for it.
    pub fn start_accepting(&self) -> io::Result<()> {
        self.life().ok_or_else(closed)?.set_accepting(true)
    }

    /// Closes its listeners, gives handlers on all hubs `limit` to end, and ends those that have not.
    ///
    /// What was accepted before is served within the limit. Returns when nothing is left, so at the
    /// latest two seconds after `limit`. A handler may call it: that one goes on, and is not waited for;
    /// when nothing else is left on its hub, only its cluster ends it. A second stop does nothing, or
    /// ends the handlers earlier than the first. The file of a Unix socket stays, as in std. If the caller is unwound meanwhile, the hubs end all the same what they have.
    ///
    /// # Errors
    ///
    /// [`StillRunning`] if some catch what ends them, and are not done within another second; and if a hub
    /// computes, which counts as one and stops when it has come round.
    ///
    /// # Panics
    ///
    /// In a callback of the hub, if it would have to wait.
    pub fn stop(&self, limit: Duration) -> Result<(), StillRunning> {
        self.life().map_or(Ok(()), |life| life.stop(limit))
    }

    /// Starts, unless it is started, and waits until the server has been stopped.
    ///
    /// Only the caller waits. If it is unwound meanwhile, the server is stopped with a limit of a second.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); and what made it stop by itself: an unusable listener, which has left
    /// the handlers as they were, or the end of its hubs.
    pub fn serve_forever(&self) -> io::Result<()> {
        self.started()?.wait_until_stopped()
    }

    // ---- what it tells ----------------------------------------------------------------------

    /// Where it serves.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it has no listener: before a start, if it was
    /// given an address, and after a stop.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        if let Some(life) = self.life().filter(|life| life.is_started()) {
            return Ok(life.desk.address.clone());
        }
        match &self.server.make {
            Make::Given(listener) => lock(listener).as_ref().ok_or_else(closed)?.address(),
            Make::Bind(_) => Err(closed()),
        }
    }

    /// Whether it was started and has not stopped since.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.life().is_some_and(|life| life.is_started())
    }

    /// Whether it takes in what comes, or does so again when a hub has room.
    #[must_use]
    pub fn is_accepting(&self) -> bool {
        self.life().is_some_and(|life| life.is_accepting())
    }

    /// What each hub has been given since the last start, and what it has now.
    #[must_use]
    pub fn stats(&self) -> Vec<HubConnections> {
        let nothing = || vec![HubConnections::default(); self.server.cluster.hubs()];
        self.life().map_or_else(nothing, |life| life.desk.stats())
    }

    fn life(&self) -> Option<Arc<Life<L>>> {
        lock(&self.server.life).clone()
    }
}

impl<L: Listener> Make<L> {
    fn listeners(&self, config: &Config, hubs: usize) -> io::Result<Vec<L>> {
        match self {
            Make::Bind(bind) => bind(config, hubs),
            Make::Given(_) if config.backlog.is_some() => {
                let message = "a backlog is for an address: a listener has one already";
                Err(super::running::invalid(message))
            }
            Make::Given(listener) => config.one(|| lock(listener).take().ok_or_else(closed)),
        }
    }
}

impl<L: Listener> Clone for ClusterServer<L> {
    fn clone(&self) -> Self {
        ClusterServer { server: Arc::clone(&self.server) }
    }
}

impl<L: Listener> fmt::Debug for ClusterServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterServer")
            .field("local_addr", &self.local_addr().ok())
            .field("is_started", &self.is_started())
            .field("is_accepting", &self.is_accepting())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Nothing of the program's runs while one of these locks is held, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

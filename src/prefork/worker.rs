//! What a worker process has, and how it is told to end.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use super::listening::{Kind, Listening};
use super::place::Place;
use super::process::UNWINDING_LIMIT;
use crate::greenlet::Builder;
use crate::hub::threads::Helper;
use crate::monkey::net::TcpListener;
use crate::monkey::os::unix::net::UnixListener;
use crate::server::{Listener, StreamServer};
use crate::signal::{SIGHUP, SIGINT, SIGTERM, SignalGuard, on_signal};
use crate::sync::Event;

/// This process, as one of several that share their listeners; [`Prefork::run`](super::Prefork::run)
/// gives it to the closure.
///
/// Clones are handles of the same. They may go to other threads, such as those of a
/// [`Cluster`](crate::Cluster).
#[derive(Clone)]
pub struct Worker {
    place: &'static Place,
    ending: Arc<Event>,
}

impl Worker {
    pub(super) fn new(place: &'static Place) -> Worker {
        Worker { place, ending: Arc::default() }
    }

    /// Which of the workers this is, from zero. Its replacement has the same.
    #[must_use]
    pub fn index(&self) -> usize {
        self.place.index
    }

    /// How often the workers had been replaced, by `SIGHUP`, when this one was started.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.place.generation
    }

    /// How much time it has, from being asked to end until it is killed.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.place.grace
    }

    /// The first TCP listener that was not taken yet. They are in the order in which the
    /// [`Prefork`](super::Prefork) was given them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or none any more.
    pub fn tcp_listener(&self) -> io::Result<TcpListener> {
        match self.take(|kind| kind == Kind::Tcp)? {
            Listening::Tcp(listener) => Ok(listener),
            Listening::Unix(_) => unreachable!("asked for the other kind"),
        }
    }

    /// The first Unix listener that was not taken yet.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    pub fn unix_listener(&self) -> io::Result<UnixListener> {
        match self.take(|kind| kind == Kind::Unix)? {
            Listening::Unix(listener) => Ok(listener),
            Listening::Tcp(_) => unreachable!("asked for the other kind"),
        }
    }

    /// All listeners that were not taken yet.
    ///
    /// # Errors
    ///
    /// If the mode of one cannot be set.
    pub fn listeners(&self) -> io::Result<Vec<Listening>> {
        let taken = self.place.with_listeners(std::mem::take);
        taken.into_iter().map(|(kind, descriptor)| Listening::new(kind, descriptor)).collect()
    }

    fn take(&self, is_wanted: impl Fn(Kind) -> bool) -> io::Result<Listening> {
        let taken = self.place.with_listeners(|listeners| {
            let place = listeners.iter().position(|(kind, _)| is_wanted(*kind))?;
            Some(listeners.remove(place))
        });
        let (kind, descriptor) = taken.ok_or_else(|| {
            io::Error::new(ErrorKind::NotFound, "no such listener is left for this worker")
        })?;
        Listening::new(kind, descriptor)
    }

    /// Tells the parent that this worker serves. Only then is the one that it replaces asked to end.
    ///
    /// Returns at once; a second call does nothing. [`serve`](Self::serve) and
    /// [`wait_until_ending`](Self::wait_until_ending) call it.
    pub fn ready(&self) {
        if !self.place.is_ready.swap(true, Ordering::Relaxed) {
            // An error means that the parent has ended, which is seen to elsewhere.
            let _ = (&self.place.control).write(b"R");
        }
    }

    /// Whether this worker was asked to end. A server can tell its clients by that, as by HTTP's
    /// `Connection: close`.
    ///
    /// This is learned by the hub of the thread that is in [`run`](super::Prefork::run), when it has a turn.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_set()
    }

    /// Waits until this worker is asked to end. It is [ready](Self::ready) from now on.
    ///
    /// Any number of greenlets may wait, in any thread. They are not reported as waiting for ever.
    /// It is for what [`serve`](Self::serve) does not serve.
    ///
    /// # Errors
    ///
    /// If the greenlet is unwinding, and so cannot wait.
    ///
    /// # Examples
    ///
    /// Each worker serves on two hubs:
    ///
    /// ```no_run
    /// use greenhub::Cluster;
    /// use greenhub::prefork::Prefork;
    /// use greenhub::server::ClusterServer;
    /// use std::io::{self, Write};
    ///
    /// Prefork::new().bind("127.0.0.1:8080")?.workers(2).run(|worker| {
    ///     let cluster = Cluster::new(2)?;
    ///     let listener = worker.tcp_listener()?;
    ///     let server = ClusterServer::new(&cluster, listener, |mut stream, _| {
    ///         stream.write_all(b"hello")
    ///     });
    ///     server.start()?;
    ///     worker.wait_until_ending()?;
    ///     server.stop(worker.grace()).map_err(io::Error::other)
    /// })?;
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn wait_until_ending(&self) -> io::Result<()> {
        self.ready();
        self.ending.wait().map_err(io::Error::other)
    }

    /// Starts `server`, says that this worker is ready, and stops the server when the worker is
    /// asked to end: it accepts nothing more, and its handlers have the [grace](Self::grace).
    ///
    /// Returns when all that is done. Another server is to be started before, and stopped after. For one over
    /// a cluster, see [`wait_until_ending`](Self::wait_until_ending).
    ///
    /// # Errors
    ///
    /// As [`StreamServer::serve_forever`].
    pub fn serve<L: Listener>(&self, server: &StreamServer<L>) -> io::Result<()> {
        server.start()?;
        self.ready();
        let (worker, stopped) = (self.clone(), server.clone());
        let stopper = Builder::new().name("prefork stop").spawn(move || {
            if worker.wait_until_ending().is_ok() {
                // What does not end in time ends with the process.
                let _ = stopped.stop(worker.grace());
            }
        })?;
        let served = server.serve_forever();
        stopper.kill();
        served
    }

    /// Has the signals of the parent heard, until what is returned is dropped.
    pub(super) fn hear(&self) -> io::Result<Vec<SignalGuard>> {
        let ending = Arc::clone(&self.ending);
        let mut guards = vec![on_signal(SIGTERM, move || ending.set())?];
        // A terminal sends them to everyone: the parent decides.
        for signal in [SIGINT, SIGHUP] {
            guards.push(on_signal(signal, || ())?);
        }
        Ok(guards)
    }

    /// Has this process end when its parent has, whatever its greenlets do: a thread waits for that.
    pub(super) fn end_with_the_parent(&self) -> io::Result<()> {
        let control = self.place.control.try_clone()?;
        let grace = self.grace();
        let watch = move || {
            let _helper = Helper::begin();
            wait_for_the_end_of(control);
            // It is a process of our own number, which is there.
            let _ = kill_process(getpid(), Signal::TERM);
            thread::sleep(grace.saturating_add(UNWINDING_LIMIT));
            let _ = kill_process(getpid(), Signal::KILL);
        };
        thread::Builder::new().name("greenhub-prefork".into()).spawn(watch)?;
        Ok(())
    }
}

/// The parent writes nothing, and closes its end by ending.
fn wait_for_the_end_of(mut control: UnixStream) {
    loop {
        match control.read(&mut [0; 16]) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("index", &self.index())
            .field("generation", &self.generation())
            .field("is_ending", &self.is_ending())
            .finish()
    }
}

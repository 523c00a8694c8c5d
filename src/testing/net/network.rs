//! Listeners in memory, and those who connect to them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::iter::FusedIterator;
use std::net::SocketAddr;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::link::Link;
use super::stream::Stream;
use crate::clock::Moment;
use crate::greenlet;
use crate::guarded::Guarded;
use crate::queue::{GetError, PutError, Queue};

/// How many connections wait to be accepted; then who connects waits. As std has it.
const BACKLOG: usize = 128;

/// The first of the ports that are made up.
const FIRST_PORT: u16 = 49_152;

/// A network in memory: listeners by their addresses, and who connects to them.
///
/// Clones are the same network; two networks have nothing to do with each other.
///
/// # Examples
///
/// ```
/// use greenhub::testing::net::Network;
/// use std::io::{Read, Write};
///
/// let network = Network::new();
/// let listener = network.listen(([10, 0, 0, 1], 80))?;
/// let server = greenhub::spawn(move || {
///     let (mut stream, peer) = listener.accept()?;
///     write!(stream, "hello {}", peer.ip())
/// });
/// let mut client = network.connect(([10, 0, 0, 1], 80))?;
/// let mut greeting = String::new();
/// client.read_to_string(&mut greeting)?;
/// assert_eq!(greeting, "hello 127.0.0.1");
/// server.join()??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    link: Link,
    places: Guarded<Places>,
}

struct Places {
    listeners: BTreeMap<SocketAddr, Arc<Backlog>>,
    next_port: u16,
}

/// The connections that are still to be accepted, with who connects.
type Backlog = Queue<(Stream, SocketAddr)>;

/// A listener in memory. Its methods are those of [`std::net::TcpListener`].
///
/// Several greenlets may accept on one listener. When the last clone is dropped, who has not been accepted
/// is reset, and the address is free.
pub struct Listener {
    listening: Arc<Listening>,
}

struct Listening {
    backlog: Arc<Backlog>,
    address: SocketAddr,
    network: Network,
    is_nonblocking: AtomicBool,
}

/// Connections, as they come; it does not end. Mirrors [`std::net::Incoming`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a Listener,
}

impl Network {
    /// A network whose connections are as [`Link::new`] says.
    #[must_use]
    pub fn new() -> Network {
        Network::with_link(Link::new())
    }

    /// A network all of whose connections are like `link`.
    #[must_use]
    pub fn with_link(link: Link) -> Network {
        let places = Places { listeners: BTreeMap::new(), next_port: FIRST_PORT };
        Network { shared: Arc::new(Shared { link, places: Guarded::new(places) }) }
    }

    /// Listens at an address, and at port 0 on one that is free.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](ErrorKind::AddrInUse) if someone listens there.
    pub fn listen(&self, address: impl Into<SocketAddr>) -> io::Result<Listener> {
        let mut address = address.into();
        let backlog = Arc::new(Backlog::bounded(BACKLOG));
        self.shared.places.with(|places| {
            if address.port() == 0 {
                address.set_port(places.free_port(address));
            }
            if places.listeners.contains_key(&address) {
                return Err(io::Error::from(ErrorKind::AddrInUse));
            }
            places.listeners.insert(address, Arc::clone(&backlog));
            Ok(())
        })?;
        let is_nonblocking = AtomicBool::new(false);
        let listening = Listening { backlog, address, network: self.clone(), is_nonblocking };
        Ok(Listener { listening: Arc::new(listening) })
    }

    /// Connects to who listens at an address. It takes one round trip, and waits while 128 wait there to
    /// be accepted.
    ///
    /// # Errors
    ///
    /// [`ConnectionRefused`](ErrorKind::ConnectionRefused) if nobody listens there, or stops to.
    pub fn connect(&self, address: impl Into<SocketAddr>) -> io::Result<Stream> {
        self.connect_until(address.into(), Moment::NEVER)
    }

    /// As [`connect`](Self::connect), for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) when the time is over,
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is zero; else as `connect`.
    pub fn connect_timeout(
        &self,
        address: impl Into<SocketAddr>,
        timeout: Duration,
    ) -> io::Result<Stream> {
        if timeout.is_zero() {
            let message = "cannot set a 0 duration timeout";
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
        self.connect_until(address.into(), Moment::after(timeout))
    }

    fn connect_until(&self, address: SocketAddr, deadline: Moment) -> io::Result<Stream> {
        let round_trip = self.shared.link.round_trip();
        if !round_trip.is_zero() {
            let left = deadline.since(Moment::now());
            greenlet::sleep(round_trip.min(left));
            if left < round_trip {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        let (backlog, port) = self.shared.places.with(|places| {
            let backlog = places.listeners.get(&address).map(Arc::clone);
            (backlog, places.take_port())
        });
        let backlog = backlog.ok_or(ErrorKind::ConnectionRefused)?;
        let own = SocketAddr::from(([127, 0, 0, 1], port));
        let (near, far) = self.shared.link.pair_at(own, address);
        let put = match deadline {
            Moment::NEVER => backlog.put((far, own)),
            deadline => backlog.put_for((far, own), deadline.since(Moment::now())),
        };
        match put {
            Ok(()) => Ok(near),
            Err(PutError::ShutDown(_)) => Err(ErrorKind::ConnectionRefused.into()),
            Err(PutError::Unwinding(_)) => Err(refused()),
            Err(_) => Err(ErrorKind::TimedOut.into()),
        }
    }
}

impl Places {
    fn take_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
        port
    }

    /// A port at which nobody listens at this address.
    fn free_port(&mut self, mut address: SocketAddr) -> u16 {
        loop {
            address.set_port(self.take_port());
            if !self.listeners.contains_key(&address) {
                return address.port();
            }
        }
    }
}

impl Default for Network {
    fn default() -> Network {
        Network::new()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listeners =
            self.shared.places.with(|places| places.listeners.keys().copied().collect::<Vec<_>>());
        f.debug_struct("Network").field("listeners", &listeners).finish()
    }
}

impl Listener {
    /// Accepts a connection; other greenlets run until there is one.
    ///
    /// Mirrors [`std::net::TcpListener::accept`].
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) if there is none and the listener does not wait.
    pub fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let listening = &self.listening;
        let accepted = match listening.is_nonblocking.load(Ordering::Relaxed) {
            true => listening.backlog.try_get(),
            false => listening.backlog.get(),
        };
        accepted.map_err(|error| match error {
            GetError::Empty => ErrorKind::WouldBlock.into(),
            GetError::Unwinding | GetError::ShutDown => refused(),
        })
    }

    /// Connections, as they come. Mirrors [`std::net::TcpListener::incoming`].
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Mirrors [`std::net::TcpListener::local_addr`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.listening.address)
    }

    /// Another handle for the same listener. Mirrors [`std::net::TcpListener::try_clone`].
    pub fn try_clone(&self) -> io::Result<Listener> {
        Ok(Listener { listening: Arc::clone(&self.listening) })
    }

    /// Sets whether `accept` returns `WouldBlock` where it would wait.
    ///
    /// Mirrors [`std::net::TcpListener::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.listening.is_nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let places = &self.network.shared.places;
        drop(places.with(|places| places.listeners.remove(&self.address)));
        for (stream, _) in self.backlog.shutdown_now() {
            stream.reset();
        }
    }
}

// What panics in a call has changed nothing yet, or all.
impl UnwindSafe for Network {}
impl RefUnwindSafe for Network {}
impl UnwindSafe for Listener {}
impl RefUnwindSafe for Listener {}

fn refused() -> io::Error {
    io::Error::other("a greenlet cannot wait while it unwinds")
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("addr", &self.listening.address).finish()
    }
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<Stream>;

    fn next(&mut self) -> Option<io::Result<Stream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

//! Opening a backdoor, and closing it.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::commands::BUILT_IN;
use super::console::{Console, Own};
use super::file::{self, UnixDoor};
use super::peer;
use crate::greenlet::StillRunning;
use crate::monkey::net::{TcpListener, TcpStream, ToSocketAddrs};
use crate::monkey::os::unix::net::UnixStream;
use crate::server::{Listener, StreamServer};
use crate::sync::Lock;

/// A backdoor that is to be opened: what it says first, and which commands the program adds.
///
/// See the [module](super) for what it does.
///
/// # Examples
///
/// ```
/// use greenhub::backdoor::Backdoor;
/// use greenhub::monkey::os::unix::net::UnixStream;
/// use std::io::{Read, Write};
///
/// let path = std::env::temp_dir().join(format!("greenhub-door-{}", std::process::id()));
/// let door = Backdoor::new()
///     .command("weather", "how it is outside", |_| "it rains".into())
///     .open_unix(&path)?;
///
/// let mut client = UnixStream::connect(&path)?;
/// client.write_all(b"weather\nquit\n")?;
/// let mut answers = String::new();
/// client.read_to_string(&mut answers)?;
/// assert!(answers.ends_with("> it rains\n> "), "{answers}");
/// door.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use = "it is to be opened"]
pub struct Backdoor {
    console: Console,
}

impl Backdoor {
    /// One with the usual commands alone.
    pub fn new() -> Backdoor {
        Backdoor::default()
    }

    /// Sets the lines that a client is greeted with. Mirrors gevent's `banner`.
    pub fn banner(mut self, banner: impl Into<String>) -> Self {
        self.console.banner = Some(banner.into());
        self
    }

    /// Adds a command: `body` is called with the words that follow it, and returns the answer.
    ///
    /// It is called in the greenlet of the client, so it may wait. What it panics with ends that
    /// connection, and is told to the [hub's error hook](crate::Hub::set_error_hook). Mirrors gevent's
    /// `locals`, by which the console reaches what is the program's.
    ///
    /// # Panics
    ///
    /// If `name` is not one word, or there is such a command already.
    pub fn command(
        mut self,
        name: &str,
        help: &str,
        body: impl Fn(&[&str]) -> String + 'static,
    ) -> Self {
        assert_eq!(name.split_whitespace().next(), Some(name), "a command is one word");
        let is_built_in = BUILT_IN.iter().any(|(usage, _)| usage.split(' ').next() == Some(name));
        let own = Own { help: help.into(), body: Box::new(body) };
        let before = self.console.commands.insert(name.into(), own);
        assert!(before.is_none() && !is_built_in, "there is a command {name:?} already");
        self
    }

    /// Listens on a Unix socket at `path`, and serves clients from now on.
    ///
    /// Returns at once. A socket is replaced if nobody serves it.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if another program serves there;
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if there is a file that is no socket;
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere than on Linux; else those of binding, and of
    /// [`StreamServer::start`].
    pub fn open_unix(self, path: impl AsRef<Path>) -> io::Result<BackdoorServer<UnixDoor>> {
        peer::check_that_it_can_be_told()?;
        let console = self.console;
        let door = file::listen(path.as_ref())?;
        BackdoorServer::open(StreamServer::new(door, move |stream: UnixStream, _| {
            serve(&console, &stream, peer::of_unix(&stream))
        }))
    }

    /// Listens on a loopback address, and serves clients from now on.
    ///
    /// Returns at once, except that a name may have to be resolved.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an address that others could reach;
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere than on Linux; else those of binding, and of
    /// [`StreamServer::start`].
    pub fn open_tcp(self, address: impl ToSocketAddrs) -> io::Result<BackdoorServer<TcpListener>> {
        peer::check_that_it_can_be_told()?;
        let console = self.console;
        let addresses: Vec<_> = address.to_socket_addrs()?.collect();
        if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
            let message =
                format!("{open} is no loopback address: others could reach a backdoor there");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(&addresses[..])?;
        // To look a peer up can take long. So strangers occupy one of the threads for that, not all.
        let looking = Lock::new();
        BackdoorServer::open(StreamServer::new(listener, move |stream: TcpStream, _| {
            let one_at_a_time = looking.lock().map_err(io::Error::other);
            let user = one_at_a_time.and_then(|_held| peer::of_tcp(&stream));
            serve(&console, &stream, user)
        }))
    }
}

impl fmt::Debug for Backdoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.console.commands.keys().collect();
        let mut debug = f.debug_struct("Backdoor");
        debug.field("banner", &self.console.banner).field("commands", &names).finish()
    }
}

/// Talks with a client who may come in, and tells others that they may not.
fn serve<S>(console: &Console, stream: &S, user: io::Result<u32>) -> io::Result<()>
where
    for<'a> &'a S: io::Read + Write,
{
    match peer::refusal(user) {
        None => console.talk(stream, stream),
        Some(refusal) => {
            let mut stream = stream;
            stream.write_all(refusal.as_bytes())
        }
    }
}

/// An open backdoor.
///
/// Dropped, it stays open, until the hub of its thread ends. Mirrors `gevent.backdoor.BackdoorServer`.
pub struct BackdoorServer<L: Listener> {
    server: StreamServer<L>,
}

impl<L: Listener> BackdoorServer<L> {
    fn open(server: StreamServer<L>) -> io::Result<BackdoorServer<L>> {
        let server = server.in_background();
        server.start()?;
        Ok(BackdoorServer { server })
    }

    /// Closes it: ends all connections, and removes the file of a Unix socket.
    ///
    /// Returns when that is done, so at the latest after a second. A second call does nothing. Mirrors
    /// `BaseServer.stop`.
    ///
    /// # Errors
    ///
    /// [`StillRunning`] if a command of the program catches what ends it, and is not done within a
    /// second.
    pub fn stop(&self) -> Result<(), StillRunning> {
        self.server.stop(Duration::ZERO)
    }

    /// Where it serves. Mirrors `BaseServer.address`.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) after a stop.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.server.local_addr()
    }

    /// Whether it has not been stopped. Mirrors `BaseServer.started`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.server.is_started()
    }

    /// How many clients there are.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.server.handler_count()
    }
}

impl<L: Listener> fmt::Debug for BackdoorServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackdoorServer")
            .field("local_addr", &self.local_addr().ok())
            .field("is_open", &self.is_open())
            .field("client_count", &self.client_count())
            .finish()
    }
}

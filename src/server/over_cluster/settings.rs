//! How a server over a cluster is to serve, and what it is to listen at.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::Sharing;
use crate::monkey::net::{TcpListener, ToSocketAddrs};
use crate::pool::Pool;
use crate::server::running::{Settings, invalid};
use crate::server::source::Listener;

#[derive(Clone, Default)]
pub(super) struct Config {
    pub(super) sharing: Sharing,
    pub(super) backlog: Option<u16>,
    pub(super) idle_limit: Option<Duration>,
    pub(super) connections_per_hub: Option<usize>,
    pub(super) back_off: Option<(Duration, Duration)>,
}

impl Config {
    pub(super) fn check(&self) -> io::Result<()> {
        if self.connections_per_hub == Some(0) {
            return Err(invalid("no hub may have a connection"));
        }
        self.settings(None).check().map(drop)
    }

    /// How many connections a hub may have.
    pub(super) fn most(&self) -> usize {
        self.connections_per_hub.unwrap_or(usize::MAX)
    }

    /// Those of one part, in its own thread.
    pub(super) fn settings(&self, pool: Option<Pool>) -> Settings {
        let defaults = Settings::default();
        let back_off = self.back_off.unwrap_or(defaults.back_off);
        Settings { pool, idle_limit: self.idle_limit, back_off, ..defaults }
    }

    /// One listener, made by `bind`, where the hubs can share no address.
    pub(super) fn one<L: Listener>(
        &self,
        bind: impl FnOnce() -> io::Result<L>,
    ) -> io::Result<Vec<L>> {
        if self.sharing == Sharing::ReusePort {
            return Err(invalid("only a server that binds an address can have several listeners"));
        }
        let listener = bind()?;
        if let Some(length) = self.backlog {
            // To listen again changes the room for those who wait and nothing else.
            rustix::net::listen(&listener, length.into())?;
        }
        Ok(vec![listener])
    }

    /// A listener, or one for each of so many hubs.
    pub(super) fn bind(
        &self,
        address: &impl ToSocketAddrs,
        hubs: usize,
    ) -> io::Result<Vec<TcpListener>> {
        if self.sharing == Sharing::Dealt {
            return self.one(|| TcpListener::bind(address));
        }
        let mut last = invalid("there is no address to bind");
        for address in address.to_socket_addrs()? {
            match self.bind_several(address, hubs) {
                Ok(listeners) => return Ok(listeners),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn bind_several(&self, address: SocketAddr, hubs: usize) -> io::Result<Vec<TcpListener>> {
        let first = self.bind_shared(address)?;
        // With its port, if that was left to the system.
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        while listeners.len() < hubs {
            listeners.push(self.bind_shared(address)?);
        }
        Ok(listeners)
    }

    fn bind_shared(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        socket.listen(self.backlog.map_or(BACKLOG, i32::from))?;
        Ok(std::net::TcpListener::from(socket).into())
    }
}

/// As that of a listener that is bound by itself.
const BACKLOG: i32 = 4096;

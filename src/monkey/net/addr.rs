//! Names and addresses.

use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::option;
use std::slice;
use std::vec;

use crate::threadpool::{RESOLVER, lend};

/// What can be turned into addresses; a name is resolved while only this greenlet waits.
///
/// Addresses written as numbers ask nobody. Names are resolved by the system, on a pool of
/// OS threads of their own, so that a slow server holds up other names at most. Mirrors
/// [`std::net::ToSocketAddrs`], with the same types behind it.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::net::ToSocketAddrs;
///
/// let mut addresses = ("localhost", 80).to_socket_addrs()?;
/// assert!(addresses.all(|address| address.ip().is_loopback()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToSocketAddrs {
    /// The addresses, in the order of preference.
    type Iter: Iterator<Item = SocketAddr>;

    /// Resolves to addresses.
    ///
    /// # Errors
    ///
    /// Those of [`std::net::ToSocketAddrs::to_socket_addrs`].
    fn to_socket_addrs(&self) -> io::Result<Self::Iter>;
}

/// Types that hold an address already: the conversion is std's own.
macro_rules! as_in_std {
    ($($address:ty),*) => {$(
        impl ToSocketAddrs for $address {
            type Iter = option::IntoIter<SocketAddr>;

            fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
                net::ToSocketAddrs::to_socket_addrs(self)
            }
        }
    )*};
}

as_in_std!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for (&str, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let (host, port) = *self;
        if host.parse::<IpAddr>().is_ok() {
            return net::ToSocketAddrs::to_socket_addrs(self);
        }
        let host = host.to_owned();
        lend::offload_owned(&RESOLVER, move || {
            net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port))
        })
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (self.0.as_str(), self.1).to_socket_addrs()
    }
}

impl ToSocketAddrs for str {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let named = |text: &str| Some(text.rsplit_once(':')?.1.parse::<u16>().is_ok());
        if self.parse::<SocketAddr>().is_ok() || named(self) != Some(true) {
            // An address, or an error to be told in std's words: nothing to resolve.
            return net::ToSocketAddrs::to_socket_addrs(self);
        }
        let text = self.to_owned();
        lend::offload_owned(&RESOLVER, move || net::ToSocketAddrs::to_socket_addrs(text.as_str()))
    }
}

impl ToSocketAddrs for String {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        self.as_str().to_socket_addrs()
    }
}

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = std::iter::Cloned<slice::Iter<'a, SocketAddr>>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().cloned())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;

    fn to_socket_addrs(&self) -> io::Result<T::Iter> {
        (**self).to_socket_addrs()
    }
}

/// Calls `f` with each address until it succeeds; as std does it.
pub(super) fn each_addr<A: ToSocketAddrs, R>(
    addr: A,
    mut f: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last_error = None;
    for addr in addr.to_socket_addrs()? {
        match f(addr) {
            Ok(value) => return Ok(value),
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses")
    }))
}

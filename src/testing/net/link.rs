//! What a connection is like.

use std::net::SocketAddr;
use std::time::Duration;

use super::stream::Stream;
use crate::random::Random;

/// What a connection in memory is like, both ways.
///
/// # Examples
///
/// ```
/// use greenhub::testing::net::Link;
/// use std::io::{ErrorKind, Read, Write};
///
/// let (mut near, mut far) = Link::new().reset_after(3).pair();
/// assert_eq!(near.write(b"hello")?, 3);
/// let mut all = Vec::new();
/// let error = far.read_to_end(&mut all).unwrap_err();
/// assert_eq!((all.as_slice(), error.kind()), (&b"hel"[..], ErrorKind::ConnectionReset));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is a description: `pair` makes the connection"]
pub struct Link {
    pub(super) capacity: usize,
    delay: Duration,
    jitter: Duration,
    pub(super) has_short_reads: bool,
    pub(super) has_short_writes: bool,
    pub(super) reset_after: Option<u64>,
}

impl Link {
    /// At once, whole, and with room for 64 KiB each way.
    pub const fn new() -> Link {
        Link {
            capacity: 64 * 1024,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            has_short_reads: false,
            has_short_writes: false,
            reset_after: None,
        }
    }

    /// How many bytes that were sent and not read there may be each way; who writes more waits.
    ///
    /// # Panics
    ///
    /// If `bytes` is zero.
    pub const fn capacity(mut self, bytes: usize) -> Link {
        assert!(bytes > 0, "a connection needs room for a byte");
        self.capacity = bytes;
        self
    }

    /// How long what is sent is on its way. To connect takes twice that.
    pub const fn delay(mut self, delay: Duration) -> Link {
        self.delay = delay;
        self
    }

    /// How much longer than its delay each write may be on its way, by the seed. Bytes keep their order.
    pub const fn jitter(mut self, most: Duration) -> Link {
        self.jitter = most;
        self
    }

    /// Has each read give a part of what is there, by the seed: one byte at least.
    pub const fn short_reads(mut self) -> Link {
        self.has_short_reads = true;
        self
    }

    /// Has each write take a part of what it is given, by the seed: one byte at least.
    pub const fn short_writes(mut self) -> Link {
        self.has_short_writes = true;
        self
    }

    /// Resets the connection when one end has sent so many bytes, which still arrive.
    pub const fn reset_after(mut self, bytes: u64) -> Link {
        self.reset_after = Some(bytes);
        self
    }

    /// The two ends of a new connection. Their addresses are made up.
    #[must_use]
    pub fn pair(&self) -> (Stream, Stream) {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        self.pair_at(local(49_152), local(80))
    }

    pub(super) fn pair_at(&self, near: SocketAddr, far: SocketAddr) -> (Stream, Stream) {
        Stream::pair(self, near, far)
    }

    /// How long something that is sent now is on its way.
    pub(super) fn draw_delay(&self, random: &mut Random) -> Duration {
        let most = u64::try_from(self.jitter.as_nanos()).unwrap_or(u64::MAX);
        if most == 0 {
            return self.delay;
        }
        self.delay.saturating_add(Duration::from_nanos(random.below(most.saturating_add(1))))
    }

    /// How long it takes to ask and be answered.
    pub(super) fn round_trip(&self) -> Duration {
        self.delay.saturating_mul(2)
    }
}

impl Default for Link {
    fn default() -> Link {
        Link::new()
    }
}

/// The two ends of a connection in memory, without delays: [`Link::pair`] of [`Link::new`].
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut near, mut far) = greenhub::testing::net::pair();
/// near.write_all(b"hello")?;
/// drop(near);
/// let mut all = String::new();
/// far.read_to_string(&mut all)?;
/// assert_eq!(all, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn pair() -> (Stream, Stream) {
    Link::new().pair()
}

//! What servers and clients have in common.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::explain;
use crate::timeout::Timeout;

/// How long a handshake may take, unless it is set.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Settings {
    alpn: Vec<Vec<u8>>,
    pub(super) limit: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { alpn: Vec::new(), limit: Some(HANDSHAKE_LIMIT) }
    }
}

impl Settings {
    pub(super) fn set_alpn<P: AsRef<[u8]>>(&mut self, protocols: impl IntoIterator<Item = P>) {
        self.alpn = protocols.into_iter().map(|name| name.as_ref().to_vec()).collect();
    }

    pub(super) fn alpn(&self) -> io::Result<Vec<Vec<u8>>> {
        if let Some(name) = self.alpn.iter().find(|name| !(1..=255).contains(&name.len())) {
            let text = format!("a protocol's name has 1 to 255 bytes, and not {}", name.len());
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        Ok(self.alpn.clone())
    }
}

/// Ends a handshake that takes longer than `limit`.
pub(super) fn within<R>(
    limit: Option<Duration>,
    shake: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    match Timeout::from(limit).run(|_| shake()) {
        Ok(shaken) => shaken,
        Err(late) => Err(explain::too_late(late.limit())),
    }
}

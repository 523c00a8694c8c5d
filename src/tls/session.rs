//! What both directions of a connection share: the session, and records on their way.
//!
//! It is behind a lock that is never held over a wait, so this file knows no sockets.

use std::io::{self, Read, Write};
use std::ops::Range;

use rustls::Connection;

use super::explain::{self, Peer};

/// Room for one read of records. It is held by everyone who waits for the wire, so it is small
/// unless the last read filled it.
const ROOM: usize = 4 * 1024;

/// Room for most of the largest record.
const LARGE_ROOM: usize = 16 * 1024;

pub(super) struct Session {
    pub(super) connection: Connection,
    /// What was read from the wire; the session has yet to see `unseen`.
    incoming: Vec<u8>,
    unseen: Range<usize>,
    was_filled: bool,
    /// Records that are to be sent before all others.
    outgoing: Vec<u8>,
    /// Whether a writer is at it, or the last one was ended before all was sent.
    pub(super) is_writing: bool,
    /// For ever.
    failed: Option<rustls::Error>,
    has_said_goodbye: bool,
}

impl Session {
    pub(super) fn new(connection: Connection) -> Session {
        let mut session = Session {
            connection,
            incoming: Vec::new(),
            unseen: 0..0,
            was_filled: false,
            outgoing: Vec::new(),
            is_writing: false,
            failed: None,
            has_said_goodbye: false,
        };
        session.collect();
        session
    }

    pub(super) fn peer(&self) -> Peer {
        match self.connection {
            Connection::Client(_) => Peer::Server,
            Connection::Server(_) => Peer::Client,
        }
    }

    /// Goes on with the handshake; `false` if that needs more from the wire.
    pub(super) fn shake(&mut self) -> io::Result<bool> {
        while self.connection.is_handshaking() {
            if let Some(error) = &self.failed {
                return Err(explain::error(error, self.peer()));
            }
            if self.unseen.is_empty() {
                return Ok(false);
            }
            self.see();
        }
        Ok(true)
    }

    /// Takes what was received; `None` if there is nothing until more comes by the wire.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        loop {
            let error = match self.connection.reader().read(buffer) {
                Ok(length) => return Some(Ok(length)),
                Err(error) => error,
            };
            if let Some(failed) = &self.failed {
                return Some(Err(explain::error(failed, self.peer())));
            }
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return Some(Err(explain::cut_short(self.peer())));
            }
            if self.unseen.is_empty() {
                return None;
            }
            self.see();
        }
    }

    /// Makes records of as much of `data` as there is room for.
    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(explain::error(failed, self.peer()));
        }
        if self.has_said_goodbye {
            let text = "this side of the TLS connection was shut down";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
        }
        let length = self.connection.writer().write(data)?;
        self.collect();
        Ok(length)
    }

    /// Tells the peer that nothing more will come.
    pub(super) fn say_goodbye(&mut self) {
        self.has_said_goodbye = true;
        self.connection.send_close_notify();
        self.collect();
    }

    /// Whether all that was written is on its way, and the peer has not been told of the end.
    pub(super) fn may_say_goodbye(&self) -> bool {
        let is_open = self.failed.is_none() && !self.has_said_goodbye;
        let is_whole = self.outgoing.is_empty() && !self.is_writing;
        is_open && is_whole && !self.connection.is_handshaking()
    }

    /// A buffer to read from the wire into, which [`arrived`](Self::arrived) gets back.
    pub(super) fn room(&mut self) -> Vec<u8> {
        let room = std::mem::take(&mut self.incoming);
        let length = if self.was_filled { LARGE_ROOM } else { ROOM };
        if room.len() == length { room } else { vec![0; length] }
    }

    /// The wire gave the first `length` bytes of `room`; or has ended, if there are none.
    pub(super) fn arrived(&mut self, room: Vec<u8>, length: usize) {
        self.was_filled = length == room.len();
        self.incoming = room;
        self.unseen = 0..length;
        if length == 0 {
            // So the session learns of the end. Where it expects none it is an error, which
            // `read` tells by its own name.
            let _ = self.connection.read_tls(&mut io::empty());
        }
    }

    pub(super) fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    pub(super) fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// Puts back what was taken and not sent, before what has come since.
    pub(super) fn put_back(&mut self, mut unsent: Vec<u8>) {
        unsent.append(&mut self.outgoing);
        self.outgoing = unsent;
    }

    /// Has the session look at some of what came.
    fn see(&mut self) {
        let mut rest = &self.incoming[self.unseen.clone()];
        let taken = self.connection.read_tls(&mut rest);
        self.unseen.start = self.unseen.end - rest.len();
        match taken {
            // Nothing counts after the peer's goodbye.
            Ok(0) => self.unseen.start = self.unseen.end,
            Ok(_) => {}
            Err(error) => self.failed = Some(rustls::Error::General(error.to_string())),
        }
        if let Err(error) = self.connection.process_new_packets() {
            self.failed.get_or_insert(error);
        }
        self.collect();
    }

    /// Takes over the records that the session wants to send.
    fn collect(&mut self) {
        while self.connection.wants_write() {
            let written = self.connection.write_tls(&mut self.outgoing);
            written.expect("a vector takes everything");
        }
    }
}

//! How records come from the wire and go to it.
//!
//! A read takes what the session has; if that is nothing, it reads from the wire, hands what came
//! to the session, and looks again. A write sends what is left of earlier ones, has
//! the session make records, and sends those. The session's lock is held for neither.

use std::io::{self, Write};

use super::explain;
use super::stream::TlsStream;
use super::wire::Wire;
use crate::sync::LockGuard;

impl<S: Wire> TlsStream<S> {
    pub(super) fn finish_handshake(&self) -> io::Result<()> {
        loop {
            let is_done = self.session().shake()?;
            (&*self).flush()?;
            if is_done {
                return Ok(());
            }
            if self.fetch()? == 0 {
                return Err(explain::left(self.session().peer()));
            }
        }
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(answer) = self.look(buffer) {
            return answer;
        }
        let _reading = self.reading.lock().map_err(io::Error::other)?;
        // Another may have read meanwhile.
        loop {
            if let Some(answer) = self.look(buffer) {
                return answer;
            }
            self.fetch()?;
        }
    }

    fn look(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        let answer = self.session().read(buffer);
        self.reply();
        answer
    }

    /// Waits for the wire, and gives the session what came; returns how much. One at a time does it,
    /// while the session has seen all that came before. Who is unwound meanwhile has taken nothing.
    fn fetch(&self) -> io::Result<usize> {
        let mut room = self.session().room();
        let length = self.wire.read(&mut room)?;
        self.session().arrived(room, length);
        Ok(length)
    }

    pub(super) fn put(&self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let writing = self.own_writing()?;
        self.send(&writing)?;
        let length = self.session().write(data)?;
        match self.send(&writing) {
            // It is the session's now, and must not be written again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(length),
            sent => sent.map(|()| length),
        }
    }

    pub(super) fn own_writing(&self) -> io::Result<Writing<'_, S>> {
        let guard = self.writing.lock().map_err(io::Error::other)?;
        Ok(Writing { stream: self, guard: Some(guard) })
    }

    /// Sends all that is to be sent.
    pub(super) fn send(&self, _: &Writing<'_, S>) -> io::Result<()> {
        self.session().is_writing = true;
        self.send_by(|records| self.wire.write(records))?;
        self.session().is_writing = false;
        Ok(())
    }

    /// Sends what the session itself has to say, without a wait. If there is no room, it goes out
    /// with the next write; so it does if another writes now.
    pub(super) fn reply(&self) {
        while self.session().has_outgoing() && self.writing.try_acquire() {
            let sent = self.send_by(|records| self.wire.write_now(records));
            // Nobody but this has released it.
            let _ = self.writing.release();
            if sent.is_err() {
                return;
            }
        }
    }

    fn send_by(&self, write: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        loop {
            let records = self.session().take_outgoing();
            if records.is_empty() {
                return Ok(());
            }
            let mut unsent = Unsent { stream: self, records, sent: 0 };
            while let rest @ [_, ..] = unsent.rest() {
                match write(rest)? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    length => unsent.sent += length,
                }
            }
        }
    }
}

/// The right to write to the wire.
pub(super) struct Writing<'a, S: Wire> {
    stream: &'a TlsStream<S>,
    guard: Option<LockGuard<'a>>,
}

impl<S: Wire> Drop for Writing<'_, S> {
    fn drop(&mut self) {
        self.guard = None;
        // What a reader on another thread could not send meanwhile.
        self.stream.reply();
    }
}

/// Records on their way. What is left goes back, however that came about.
struct Unsent<'a, S: Wire> {
    stream: &'a TlsStream<S>,
    records: Vec<u8>,
    sent: usize,
}

impl<S: Wire> Unsent<'_, S> {
    fn rest(&self) -> &[u8] {
        &self.records[self.sent..]
    }
}

impl<S: Wire> Drop for Unsent<'_, S> {
    fn drop(&mut self) {
        if !self.rest().is_empty() {
            let mut records = std::mem::take(&mut self.records);
            records.drain(..self.sent);
            self.stream.session().put_back(records);
        }
    }
}

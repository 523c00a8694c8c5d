//! The floor: a table of connections and a loop on epoll, with one buffer for all.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use rustix::net::{SocketFlags, accept_with};

use super::{Job, Lags, Peer, Rank, TICK, Via, http, listen_nonblocking};
use crate::wait::{Interest, Wait};

pub(crate) const PEER: Peer = Peer {
    name: "epoll by hand",
    settings: "level-triggered, one wait for many events, one read and one write for each, one \
               buffer for all connections; pages by httparse",
    rank: Rank::Floor,
    echoes: true,
    pages: true,
    via: Via::Here(serve),
};

const LISTENER: usize = usize::MAX;

fn serve(job: Job, lags: Lags) {
    Loop::new(job).and_then(|mut table| table.run(&lags)).expect("epoll works");
}

struct Loop {
    wait: Wait,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    out: Vec<u8>,
    job: Job,
}

struct Connection {
    stream: TcpStream,
    /// What did not fit into the kernel. While there is any, nothing is read.
    unsent: Vec<u8>,
    /// The beginning of a request that is not complete.
    part: Vec<u8>,
}

impl Loop {
    fn new(job: Job) -> io::Result<Loop> {
        let (wait, listener) = (Wait::new()?, listen_nonblocking());
        wait.add(&listener, LISTENER, Interest::IN)?;
        Ok(Loop {
            wait,
            listener,
            connections: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; job.room()],
            out: Vec::new(),
            job,
        })
    }

    fn run(&mut self, lags: &Lags) -> io::Result<()> {
        let mut tick = (self.job == Job::Ticker).then(Instant::now);
        loop {
            let limit = tick.map(|begin| TICK.saturating_sub(begin.elapsed()));
            for index in 0..self.wait.wait(limit)? {
                let (key, reads, _) = self.wait.report(index);
                if key == LISTENER {
                    self.accept()?;
                } else if !self.go_on(key, reads) {
                    self.connections[key] = None;
                    self.free.push(key);
                }
            }
            if let Some(begin) = tick.take_if(|begin| begin.elapsed() >= TICK) {
                lags.note(begin);
                tick = Some(Instant::now());
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let stream = accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        let stream = TcpStream::from(stream);
        let place = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.wait.add(&stream, place, Interest::IN)?;
        let connection = Connection { stream, unsent: Vec::new(), part: Vec::new() };
        self.connections[place] = Some(connection);
        Ok(())
    }

    /// One step of a connection; whether there is another.
    fn go_on(&mut self, place: usize, reads: bool) -> bool {
        let connection = self.connections[place].as_mut().expect("it is reported, so it is open");
        let had_unsent = !connection.unsent.is_empty();
        let stepped = match (had_unsent, self.job) {
            (true, _) => connection.send_rest(),
            (false, _) if !reads => Ok(true),
            (false, Job::Page) => connection.answer(&mut self.buffer, &mut self.out),
            (false, _) => connection.echo(&mut self.buffer),
        };
        let has_unsent = !connection.unsent.is_empty();
        if had_unsent != has_unsent {
            let interest = if has_unsent { Interest::OUT } else { Interest::IN };
            self.wait.set(&connection.stream, place, interest).expect("it was added");
        }
        stepped.unwrap_or(false)
    }
}

impl Connection {
    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let length = self.stream.read(buffer)?;
        self.send(&buffer[..length])?;
        Ok(length > 0)
    }

    fn answer(&mut self, buffer: &mut [u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let length = self.stream.read(buffer)?;
        out.clear();
        if self.part.is_empty() {
            let used = http::answer(&buffer[..length], out)?;
            self.part.extend_from_slice(&buffer[used..length]);
        } else {
            self.part.extend_from_slice(&buffer[..length]);
            let used = http::answer(&self.part, out)?;
            self.part.drain(..used);
        }
        self.send(out)?;
        Ok(length > 0 && self.part.len() < http::LONGEST)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = sent(self.stream.write(bytes))?;
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    fn send_rest(&mut self) -> io::Result<bool> {
        let sent = sent(self.stream.write(&self.unsent))?;
        self.unsent.drain(..sent);
        Ok(true)
    }
}

/// How much was sent; nothing if there is no room.
fn sent(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

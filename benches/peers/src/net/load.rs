//! The load: many connections, on each of which so many requests are under way at any time.
//!
//! Level-triggered epoll, one read for a report, one write for all that may be asked then.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::histogram::Times;
use crate::talks::Talk;
use crate::wait::{Interest, Wait};

/// A server that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The shortest time of load before it counts.
const WARMING: Duration = Duration::from_millis(300);

pub(crate) struct Load<T> {
    wait: Wait,
    connections: Vec<Connection<T>>,
    /// Requests under way on each.
    depth: usize,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

struct Connection<T> {
    stream: TcpStream,
    talk: T,
    /// When each of those under way was asked.
    asked: VecDeque<Instant>,
    /// What did not fit into the kernel.
    unsent: Vec<u8>,
}

/// What a load came to.
pub(crate) struct Outcome<S> {
    pub(crate) answers: usize,
    pub(crate) spent: Duration,
    pub(crate) times: Times,
    /// What was seen at the beginning and at the end of the time that counts.
    pub(crate) seen: (S, S),
}

impl<T: Talk> Load<T> {
    /// Connects so many times, one after the other.
    pub(crate) fn connect(
        address: SocketAddr,
        count: usize,
        depth: usize,
        talk: impl Fn(usize) -> T,
    ) -> Result<Load<T>, String> {
        let wait = Wait::new().map_err(|error| told("no epoll", &error))?;
        let open = |number| {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            wait.add(&stream, number, Interest::IN)?;
            let talk = talk(number);
            Ok(Connection { stream, talk, asked: VecDeque::new(), unsent: Vec::new() })
        };
        let connections = (0..count)
            .map(|number| open(number).map_err(|error| told("cannot connect", &error)))
            .collect::<Result<_, _>>()?;
        Ok(Load { wait, connections, depth, buffer: vec![0; 64 * 1024], out: Vec::new() })
    }

    /// One request on each connection, and its answer.
    pub(crate) fn once_each(&mut self) -> Result<(), String> {
        for number in 0..self.connections.len() {
            self.ask(number, 1)?;
        }
        self.drain(&mut Times::default())
    }

    /// Keeps all connections busy: first until there were as many answers as connections, at least
    /// for [`WARMING`], and then for `time`, which counts. `see` is called at its beginning and at
    /// its end.
    pub(crate) fn run<S>(
        &mut self,
        time: Duration,
        mut see: impl FnMut() -> Result<S, String>,
    ) -> Result<Outcome<S>, String> {
        let mut times = Times::default();
        let begin = Instant::now();
        for number in 0..self.connections.len() {
            self.ask(number, self.depth)?;
        }
        while begin.elapsed() < WARMING || times.count() < self.connections.len() {
            self.turn(&mut times, true)?;
        }
        times.clear();
        let first = see()?;
        let begin = Instant::now();
        while begin.elapsed() < time {
            self.turn(&mut times, true)?;
        }
        let spent = begin.elapsed();
        let seen = (first, see()?);
        let answers = times.count();
        self.drain(&mut Times::default())?;
        Ok(Outcome { answers, spent, times, seen })
    }

    /// Hears what is still to come.
    fn drain(&mut self, times: &mut Times) -> Result<(), String> {
        while self.connections.iter().any(|connection| !connection.asked.is_empty()) {
            self.turn(times, false)?;
        }
        Ok(())
    }

    /// Waits once, hears the answers that are there, and asks again if `on`.
    fn turn(&mut self, times: &mut Times, on: bool) -> Result<(), String> {
        let count = self.wait.wait(Some(PATIENCE)).map_err(|error| told("no wait", &error))?;
        if count == 0 {
            return Err(format!("silent for {PATIENCE:?}"));
        }
        for index in 0..count {
            let (number, reads, writes) = self.wait.report(index);
            if writes {
                self.send_rest(number)?;
            }
            if reads {
                let answers = self.hear(number, times)?;
                if on && answers > 0 {
                    self.ask(number, answers)?;
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, number: usize, requests: usize) -> Result<(), String> {
        let connection = &mut self.connections[number];
        self.out.clear();
        for _ in 0..requests {
            connection.talk.ask(&mut self.out);
        }
        let now = Instant::now();
        connection.asked.extend((0..requests).map(|_| now));
        if connection.unsent.is_empty() {
            let sent = sent(connection.stream.write(&self.out))?;
            if sent == self.out.len() {
                return Ok(());
            }
            connection.unsent.extend_from_slice(&self.out[sent..]);
            self.set_interest(number, Interest::IN | Interest::OUT)
        } else {
            connection.unsent.extend_from_slice(&self.out);
            Ok(())
        }
    }

    fn send_rest(&mut self, number: usize) -> Result<(), String> {
        let connection = &mut self.connections[number];
        let sent = sent(connection.stream.write(&connection.unsent))?;
        connection.unsent.drain(..sent);
        if connection.unsent.is_empty() { self.set_interest(number, Interest::IN) } else { Ok(()) }
    }

    fn set_interest(&self, number: usize, interest: Interest) -> Result<(), String> {
        let stream = &self.connections[number].stream;
        self.wait.set(stream, number, interest).map_err(|error| told("no interest", &error))
    }

    /// Reads once, and tells how many answers it made complete.
    fn hear(&mut self, number: usize, times: &mut Times) -> Result<usize, String> {
        let connection = &mut self.connections[number];
        let length = match connection.stream.read(&mut self.buffer) {
            Ok(0) => return Err("the server has closed a connection".to_owned()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(told("cannot read", &error)),
        };
        let answers = connection.talk.hear(&self.buffer[..length])?;
        let now = Instant::now();
        for _ in 0..answers {
            let asked = connection.asked.pop_front().ok_or("an answer to no question")?;
            times.add(now - asked);
        }
        Ok(answers)
    }
}

/// How much was sent; nothing if there is no room.
fn sent(result: io::Result<usize>) -> Result<usize, String> {
    match result {
        Ok(length) => Ok(length),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(told("cannot write", &error)),
    }
}

fn told(what: &str, error: &io::Error) -> String {
    format!("{what}: {error}")
}

//! Connections in memory: random chunks, small buffers, ends that are shut down, closed, reset or gone under
//! those who read and write.
//!
//! The model of a direction is how many bytes were sent and how many have come. The byte at each place
//! is known, so what comes must go on where the last has ended: nothing is lost, doubled or out of order.
//! An end or an error must have a reason; and who waits for what is there is found.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use greenhub::Hub;
use greenhub::testing::net::{Link, Stream};
use greenhub::testing::now;

use crate::play::{self, Play};
use crate::program::{Limit, Ticks};
use crate::stage::Stage;

const PAIRS: usize = 2;

/// Two variants for what is to come twice as often.
#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    Write(u8, u8),
    WriteMore(u8, u8),
    Read(u8, u8),
    ReadMore(u8, u8),
    Peek(u8, u8),
    LimitReads(u8, Ticks),
    LimitWrites(u8, Limit),
    ShutDown(u8, How),
    Close(u8),
    Reset(u8),
    Vanish(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub enum How {
    Read,
    Write,
    Both,
}

struct Sockets {
    stage: Rc<Stage>,
    capacity: u64,
    delay: Duration,
    /// Each beside its other end: 0 and 1, 2 and 3.
    ends: Vec<End>,
}

/// One end, and what was sent from it.
#[derive(Default)]
struct End {
    stream: RefCell<Option<Rc<Stream>>>,
    sent: Cell<u64>,
    /// Of what was sent from here.
    received: Cell<u64>,
    last_sent: Cell<Duration>,
    is_writing: Cell<bool>,
    readers: Cell<usize>,
    /// When it said that no more is to come.
    ended: Cell<Option<Duration>>,
    is_read_shut: Cell<bool>,
    is_closed: Cell<bool>,
    has_vanished: Cell<bool>,
    /// The connection may have been reset, by either end.
    may_be_reset: Cell<bool>,
    read_limit: Cell<Option<Duration>>,
    write_limit: Cell<Option<Duration>>,
}

/// The byte at a place of what an end sends.
fn byte(end: usize, place: u64) -> u8 {
    (place.wrapping_mul(31) ^ (place >> 7) ^ (end as u64).wrapping_mul(77)) as u8
}

/// Runs the program that `data` is.
pub fn run(data: &[u8]) {
    play::run::<Sockets>(data);
}

impl Play for Sockets {
    type Act = Act;

    fn new(stage: &Rc<Stage>, mode: u8) -> Self {
        let capacity = [1, 7, 64, 1_000][usize::from(mode % 4)];
        let delay = Duration::from_millis([0, 0, 1, 3][usize::from(mode / 4 % 4)]);
        let mut link = Link::new().capacity(capacity).delay(delay);
        if mode & 16 > 0 {
            link = link.short_reads();
        }
        if mode & 32 > 0 {
            link = link.short_writes();
        }
        let pairs = (0..PAIRS).flat_map(|_| <[Stream; 2]>::from(link.pair()));
        let end = |stream| End { stream: RefCell::new(Some(Rc::new(stream))), ..End::default() };
        let ends = pairs.map(end).collect();
        Sockets { stage: Rc::clone(stage), capacity: capacity as u64, delay, ends }
    }

    fn act(self: &Rc<Self>, me: usize, act: &Act) {
        match *act {
            Act::Write(end, length) | Act::WriteMore(end, length) => {
                self.write(me, self.place(end), length);
            }
            Act::Read(end, length) | Act::ReadMore(end, length) => {
                self.read(me, self.place(end), length, false);
            }
            Act::Peek(end, length) => self.read(me, self.place(end), length, true),
            Act::LimitReads(end, limit) => self.limit(self.place(end), Some(limit.0), true),
            Act::LimitWrites(end, limit) => self.limit(self.place(end), limit.0, false),
            Act::ShutDown(end, how) => self.shut_down(self.place(end), how),
            Act::Close(end) => self.close(self.place(end)),
            Act::Reset(end) => self.reset(self.place(end)),
            Act::Vanish(end) => self.vanish(self.place(end)),
        }
    }

    fn look(&self) {
        if Hub::current().stats().ready == 0 && greenhub::current().is_main() {
            (0..self.ends.len()).for_each(|place| self.look_at_rest(place));
        }
    }
}

impl Sockets {
    fn place(&self, end: u8) -> usize {
        usize::from(end) % self.ends.len()
    }

    fn other(&self, place: usize) -> &End {
        &self.ends[place ^ 1]
    }

    fn stream(&self, place: usize) -> Option<Use<'_>> {
        let stream = self.ends[place].stream.borrow().clone();
        stream.map(|stream| Use { sockets: self, place, stream })
    }

    fn allow(&self, may: bool, place: usize, what: &str) {
        self.stage.check(may, || {
            let (end, other) = (&self.ends[place], self.other(place));
            let (sent, received) = (other.sent.get(), other.received.get());
            format!(
                "{what} at end {place}, to which {sent} bytes were sent and {received} came: \
                 reset {}, ended {:?}, the other {:?}, closed {}",
                end.may_be_reset.get(),
                end.ended.get(),
                other.ended.get(),
                other.is_closed.get(),
            )
        });
    }

    fn write(&self, me: usize, place: usize, length: u8) {
        let (end, Some(stream)) = (&self.ends[place], self.stream(place)) else { return };
        if end.is_writing.replace(true) {
            // What the second is to send depends on how much the first has sent.
            return;
        }
        let _writing = OnDrop(|| end.is_writing.set(false));
        let first = end.sent.get();
        let data: Vec<u8> =
            (first..first + 1 + u64::from(length)).map(|at| byte(place, at)).collect();
        let (limit, began) = (end.write_limit.get(), now());
        let written = self.stage.loosely(me, limit, None, || (&*stream.stream).write(&data));
        match written {
            Ok(count) => {
                self.allow((1..=data.len()).contains(&count), place, "a write of nothing");
                end.sent.set(first + count as u64);
                end.last_sent.set(now());
                // Who has closed answers with a reset.
                self.note_reset(place, self.other(place).is_closed.get());
            }
            Err(error) => self.allow_write_error(place, error.kind(), limit.map(|it| began + it)),
        }
    }

    fn allow_write_error(&self, place: usize, error: ErrorKind, deadline: Option<Duration>) {
        let (end, other) = (&self.ends[place], self.other(place));
        let may = match error {
            ErrorKind::WouldBlock => deadline == Some(now()),
            ErrorKind::BrokenPipe => {
                end.ended.get().is_some() || end.may_be_reset.get() || other.is_closed.get()
            }
            ErrorKind::ConnectionReset => end.may_be_reset.get() || other.is_closed.get(),
            _ => false,
        };
        self.allow(may, place, &format!("{error:?} for a write"));
    }

    fn read(&self, me: usize, place: usize, length: u8, is_peek: bool) {
        let (end, Some(stream)) = (&self.ends[place], self.stream(place)) else { return };
        let mut buffer = vec![0; 1 + usize::from(length)];
        end.readers.set(end.readers.get() + 1);
        let _reading = OnDrop(|| end.readers.set(end.readers.get() - 1));
        let (limit, began) = (end.read_limit.get(), now());
        let read = self.stage.loosely(me, limit, None, || {
            let stream = &*stream.stream;
            if is_peek { stream.peek(&mut buffer) } else { (&mut &*stream).read(&mut buffer) }
        });
        match read {
            Ok(0) => self.allow_end(place),
            Ok(count) => self.came(place, &buffer[..count], is_peek),
            Err(error) => {
                let may = match error.kind() {
                    ErrorKind::WouldBlock => limit.map(|limit| began + limit) == Some(now()),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => end.may_be_reset.get(),
                    _ => false,
                };
                self.allow(may, place, &format!("{:?} for a read", error.kind()));
            }
        }
    }

    /// All that was sent has come, or there is a reason why it has not.
    fn allow_end(&self, place: usize) {
        let (end, other) = (&self.ends[place], self.other(place));
        let has_all = other.received.get() == other.sent.get();
        let may = other.ended.get().is_some() && has_all
            || end.is_read_shut.get()
            || end.may_be_reset.get();
        self.allow(may, place, "the end of the stream");
    }

    fn came(&self, place: usize, data: &[u8], is_peek: bool) {
        let other = self.other(place);
        let first = other.received.get();
        let last = first + data.len() as u64;
        let expected: Vec<u8> = (first..last).map(|at| byte(place ^ 1, at)).collect();
        self.stage.same("what came", data, &expected);
        self.allow(last <= other.sent.get(), place, "more than was sent");
        if !is_peek {
            other.received.set(last);
        }
    }

    fn limit(&self, place: usize, limit: Option<Duration>, of_reads: bool) {
        let (end, Some(stream)) = (&self.ends[place], self.stream(place)) else { return };
        let set = if of_reads {
            stream.stream.set_read_timeout(limit)
        } else {
            stream.stream.set_write_timeout(limit)
        };
        let is_zero = limit == Some(Duration::ZERO);
        self.stage.same("whether a limit is refused", set.is_err(), is_zero);
        if !is_zero {
            let kept = if of_reads { &end.read_limit } else { &end.write_limit };
            kept.set(limit);
        }
    }

    fn shut_down(&self, place: usize, how: How) {
        let (end, Some(stream)) = (&self.ends[place], self.stream(place)) else { return };
        let done = stream.stream.shutdown(match how {
            How::Read => Shutdown::Read,
            How::Write => Shutdown::Write,
            How::Both => Shutdown::Both,
        });
        if let Err(error) = &done {
            let other = self.other(place);
            let both = end.ended.get().is_some() && other.ended.get().is_some();
            let may = error.kind() == ErrorKind::NotConnected && (end.may_be_reset.get() || both);
            self.allow(may, place, &format!("{:?} for a shutdown", error.kind()));
            return;
        }
        if how != How::Read {
            self.end(place);
        }
        if how != How::Write {
            end.is_read_shut.set(true);
        }
    }

    fn end(&self, place: usize) {
        let end = &self.ends[place];
        end.ended.set(end.ended.get().or(Some(now())));
    }

    /// Drops it, unless someone reads or writes: then the last of these does.
    fn close(&self, place: usize) {
        if let Some(stream) = self.ends[place].stream.take() {
            drop(Use { sockets: self, place, stream });
        }
    }

    fn closed(&self, place: usize) {
        let end = &self.ends[place];
        end.is_closed.set(true);
        self.end(place);
        let other = self.other(place);
        self.note_reset(place, other.received.get() < other.sent.get());
    }

    fn note_reset(&self, place: usize, is_reset: bool) {
        if is_reset {
            self.ends[place].may_be_reset.set(true);
            self.other(place).may_be_reset.set(true);
        }
    }

    fn reset(&self, place: usize) {
        let Some(stream) = self.stream(place) else { return };
        stream.stream.reset();
        self.note_reset(place, true);
    }

    fn vanish(&self, place: usize) {
        let slot = &self.ends[place].stream;
        let Some(stream) = slot.take() else { return };
        match Rc::try_unwrap(stream) {
            Ok(stream) => {
                stream.vanish();
                self.ends[place].has_vanished.set(true);
            }
            // Someone reads or writes there.
            Err(stream) => drop(slot.replace(Some(stream))),
        }
    }

    /// Nobody is about to run: who reads or writes here waits for something that is not there.
    fn look_at_rest(&self, place: usize) {
        let (end, other) = (&self.ends[place], self.other(place));
        if end.may_be_reset.get() || end.has_vanished.get() || other.has_vanished.get() {
            return;
        }
        let has_arrived = |sent: Duration| sent + self.delay < now();
        if end.readers.get() > 0 {
            let is_there = other.received.get() < other.sent.get();
            let in_vain = is_there && has_arrived(other.last_sent.get());
            self.allow(!in_vain, place, "a read that waits for what has come");
            let in_vain = other.ended.get().is_some_and(has_arrived);
            self.allow(!in_vain, place, "a read that waits after the end");
        }
        if end.is_writing.get() && self.delay.is_zero() {
            let in_vain = end.sent.get() - end.received.get() < self.capacity;
            self.allow(!in_vain, place, "a write that waits for room that is there");
        }
    }
}

/// A stream that is read from, or written to: the last to drop it closes it.
struct Use<'a> {
    sockets: &'a Sockets,
    place: usize,
    stream: Rc<Stream>,
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if Rc::strong_count(&self.stream) == 1 {
            self.sockets.closed(self.place);
        }
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

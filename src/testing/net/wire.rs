//! One connection: what is on its way, what has arrived, and how it ends. Nobody waits here.
//!
//! ```text
//!   write ─▶ coming: data, fin, reset, each with its moment ─▶ taken in when that has come ─▶ read
//! ```
//!
//! The ends are those of Linux: data that arrived is read before an error; an error is told once, and
//! then it is the end (a read gives 0, a write `BrokenPipe`); who closes with data unread
//! resets; and what is written to one who has closed is answered by a reset.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::Duration;

use super::link::Link;
use crate::clock::Moment;
use crate::hub::simulated;
use crate::hub::wait_queue::WaitQueue;
use crate::hub::waiter::Waker;
use crate::random::Random;

/// Which of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Near,
    Far,
}

impl Which {
    pub(super) fn other(self) -> Which {
        match self {
            Which::Near => Which::Far,
            Which::Far => Which::Near,
        }
    }
}

pub(super) struct Wire {
    link: Link,
    random: Random,
    ends: [End; 2],
    /// One end has vanished: nothing arrives any more.
    is_cut: bool,
    /// Whom the last call has something for.
    to_wake: Vec<Waker>,
}

/// What one end has, and what is on its way to it.
#[derive(Default)]
pub(super) struct End {
    coming: VecDeque<(Moment, Segment)>,
    arrived: VecDeque<u8>,
    /// Bytes that were sent here and not read.
    unread: usize,
    /// The other end has said that it sends no more.
    has_ended: bool,
    is_reset: bool,
    /// What is to be told once.
    error: Option<ErrorKind>,
    no_reads: bool,
    no_writes: bool,
    is_closed: bool,
    /// Bytes that this end has sent.
    sent: u64,
    /// How often those who wait here had to look again.
    happened: u64,
    waiting: WaitQueue,
    pub(super) read_limit: Option<Duration>,
    pub(super) write_limit: Option<Duration>,
    pub(super) is_nonblocking: bool,
    pub(super) nodelay: bool,
}

enum Segment {
    Data(Vec<u8>),
    Fin,
    Reset,
}

impl Wire {
    pub(super) fn new(link: &Link) -> Wire {
        let seeded = simulated::with(|simulated| simulated.random(|random| random.next()));
        Wire {
            link: link.clone(),
            random: Random::new(seeded.unwrap_or(0)),
            ends: Default::default(),
            is_cut: false,
            to_wake: Vec::new(),
        }
    }

    pub(super) fn end(&mut self, which: Which) -> &mut End {
        &mut self.ends[which as usize]
    }

    /// Whom the calls since the last one have something for.
    pub(super) fn take_woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.to_wake)
    }

    // ---- waiting ------------------------------------------------------------------------------

    /// When something that was sent to this end comes next.
    pub(super) fn next_arrival(&mut self, which: Which) -> Moment {
        self.end(which).coming.front().map_or(Moment::NEVER, |(moment, _)| *moment)
    }

    /// Has those who wait at this end look again.
    fn wake(&mut self, which: Which) {
        let end = &mut self.ends[which as usize];
        end.happened += 1;
        while let Some(waker) = end.waiting.pop() {
            self.to_wake.push(waker);
        }
    }

    // ---- what is on its way -------------------------------------------------------------------

    fn send(&mut self, to: Which, segment: Segment, not_before: Moment) {
        if self.is_cut {
            return;
        }
        let arrival = not_before.plus(self.link.draw_delay(&mut self.random));
        let coming = &mut self.end(to).coming;
        let last = coming.back().map_or(Moment::ZERO, |(moment, _)| *moment);
        coming.push_back((arrival.max(last), segment));
        self.wake(to);
    }

    /// Takes in what has come by now.
    pub(super) fn take_in(&mut self, which: Which) {
        let end = &mut self.ends[which as usize];
        if end.coming.is_empty() {
            return;
        }
        let now = Moment::now();
        while let Some((_, segment)) = end.coming.pop_front_if(|(moment, _)| *moment <= now) {
            match segment {
                // The connection is no more: what was sent before that was heard of is lost.
                _ if end.is_reset => {}
                Segment::Data(bytes) => end.arrived.extend(bytes),
                Segment::Fin => end.has_ended = true,
                Segment::Reset => end.take_reset(),
            }
        }
    }

    // ---- what an end does ---------------------------------------------------------------------

    /// Gives bytes that have arrived, and takes them out unless it only peeks; `WouldBlock` if there
    /// are none yet.
    pub(super) fn read(&mut self, which: Which, buf: &mut [u8], peeks: bool) -> io::Result<usize> {
        self.take_in(which);
        let end = &mut self.ends[which as usize];
        if end.arrived.is_empty() {
            return end.end_of_reading();
        }
        let length = buf.len().min(end.arrived.len());
        if length == 0 {
            return Ok(0);
        }
        let is_short = self.link.has_short_reads && !peeks;
        let length = if is_short { some_of(length, &mut self.random) } else { length };
        if peeks {
            buf.iter_mut().zip(&end.arrived).for_each(|(to, from)| *to = *from);
        } else {
            buf.iter_mut().zip(end.arrived.drain(..length)).for_each(|(to, from)| *to = from);
            end.unread -= length;
            self.wake(which.other());
        }
        Ok(length)
    }

    /// Sends what there is room for; `WouldBlock` if there is none yet.
    pub(super) fn write(&mut self, which: Which, buf: &[u8]) -> io::Result<usize> {
        self.take_in(which);
        self.end(which).refuse_writing()?;
        let other = which.other();
        let room = self.link.capacity.saturating_sub(self.end(other).unread);
        let length = buf.len().min(room);
        if length == 0 {
            return if buf.is_empty() { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let length = match self.link.has_short_writes {
            true => some_of(length, &mut self.random),
            false => length,
        };
        let left = self.link.reset_after.map(|most| most.saturating_sub(self.end(which).sent));
        match left {
            Some(left) if left <= length as u64 => {
                let last = usize::try_from(left).map_or(length, |left| left.min(length));
                self.transmit(which, &buf[..last]);
                self.reset(which);
                // The reset shows at the next call, unless this one has sent nothing.
                if last == 0 { self.end(which).refuse_writing().map(|()| 0) } else { Ok(last) }
            }
            _ => {
                self.transmit(which, &buf[..length]);
                Ok(length)
            }
        }
    }

    fn transmit(&mut self, from: Which, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let to = from.other();
        self.end(from).sent += bytes.len() as u64;
        if self.end(to).is_closed {
            self.answer_by_reset(from, Moment::now());
            return;
        }
        self.end(to).unread += bytes.len();
        self.send(to, Segment::Data(bytes.to_vec()), Moment::now());
    }

    /// What was sent to an end that has closed comes there at about `sent` and a delay.
    fn answer_by_reset(&mut self, to: Which, sent: Moment) {
        let there = self.link.draw_delay(&mut self.random);
        self.send(to, Segment::Reset, sent.plus(there));
    }

    pub(super) fn shut_down(&mut self, which: Which, how: Shutdown) -> io::Result<()> {
        self.take_in(which);
        let end = self.end(which);
        if end.is_reset || (end.no_writes && end.has_ended) {
            return Err(ErrorKind::NotConnected.into());
        }
        if how != Shutdown::Write {
            end.no_reads = true;
        }
        if how != Shutdown::Read && !std::mem::replace(&mut end.no_writes, true) {
            self.send(which.other(), Segment::Fin, Moment::now());
        }
        self.wake(which);
        Ok(())
    }

    /// The last handle of an end is gone.
    pub(super) fn close(&mut self, which: Which) {
        if self.is_cut {
            return;
        }
        self.take_in(which);
        let now = Moment::now();
        let end = self.end(which);
        end.is_closed = true;
        let on_its_way = end.coming.iter().find(|(_, what)| matches!(what, Segment::Data(_)));
        let on_its_way = on_its_way.map(|(moment, _)| *moment);
        let (is_reset, is_unread) = (end.is_reset, !end.arrived.is_empty());
        let has_ended = std::mem::replace(&mut end.no_writes, true);
        let other = which.other();
        if is_reset {
            return;
        }
        if is_unread {
            self.send(other, Segment::Reset, now);
            return;
        }
        if !has_ended {
            self.send(other, Segment::Fin, now);
        }
        if let Some(arrival) = on_its_way {
            self.send(other, Segment::Reset, arrival);
        }
    }

    /// Both ends are told that the connection is reset: this one now, the other when that arrives.
    pub(super) fn reset(&mut self, which: Which) {
        self.end(which).take_reset();
        self.wake(which);
        self.send(which.other(), Segment::Reset, Moment::now());
    }

    /// From now on nothing arrives at either end, and none hears of it. What was on its way is lost,
    /// but takes up its room.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
        [Which::Near, Which::Far].into_iter().for_each(|which| self.take_in(which));
        self.ends.iter_mut().for_each(|end| end.coming.clear());
    }
}

impl End {
    pub(super) fn happened(&self) -> u64 {
        self.happened
    }

    /// Takes in one who waits until more has happened than so much; `false` if it has.
    pub(super) fn enlist(&mut self, waker: Waker, happened: u64) -> bool {
        let is_new = self.happened == happened;
        if is_new {
            self.waiting.push(waker);
        }
        is_new
    }

    pub(super) fn withdraw(&mut self, waker: Waker) {
        self.waiting.remove(waker);
    }

    fn take_reset(&mut self) {
        let is_late = self.has_ended;
        self.error = Some(if is_late { ErrorKind::BrokenPipe } else { ErrorKind::ConnectionReset });
        self.is_reset = true;
        self.coming.clear();
    }

    /// When there is nothing to read.
    fn end_of_reading(&mut self) -> io::Result<usize> {
        if self.has_ended {
            return Ok(0);
        }
        match self.error.take() {
            Some(error) => Err(error.into()),
            None if self.no_reads || self.is_reset => Ok(0),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn refuse_writing(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error.into()),
            None if self.no_writes || self.is_reset => Err(ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }

    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take().map(io::Error::from)
    }
}

/// One at least, and all at most.
fn some_of(length: usize, random: &mut Random) -> usize {
    1 + random.below(length as u64) as usize
}

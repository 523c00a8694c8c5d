//! epoll with as little around it as there can be, for the load and for the hand-written servers.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

pub(crate) use rustix::event::epoll::EventFlags as Interest;

/// An epoll, and room for what it reports.
pub(crate) struct Wait {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Wait {
    pub(crate) fn new() -> io::Result<Wait> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Wait { epoll, events: Vec::with_capacity(1024) })
    }

    /// Has reports made of a descriptor under this key, level-triggered.
    pub(crate) fn add(&self, what: impl AsFd, key: usize, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, what, EventData::new_u64(key as u64), interest)?)
    }

    /// Changes what is reported of it.
    pub(crate) fn set(&self, what: impl AsFd, key: usize, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, what, EventData::new_u64(key as u64), interest)?)
    }

    /// Waits for reports, and tells how many there are; none when the limit is over.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<usize> {
        let limit = limit.map(|limit| Timespec::try_from(limit).expect("a short time"));
        self.events.clear();
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, room, limit.as_ref()) {
            Ok(count) => Ok(count),
            Err(rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// One of the reports: the key, and whether there is something to read or room to write.
    /// The end of a connection and its errors are something to read.
    pub(crate) fn report(&self, index: usize) -> (usize, bool, bool) {
        let event = &self.events[index];
        let key = usize::try_from(event.data.u64()).expect("it was one");
        let flags = event.flags;
        let reads = flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR);
        (key, reads, flags.contains(EventFlags::OUT))
    }
}

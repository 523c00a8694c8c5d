//! Who there is on one thread, for another thread to read.

use std::panic::Location;

use super::event::{Parked, Runner};
use super::spot::{Asked, Reading, Spot};
use crate::config;

/// One who can hold up a hub.
pub(crate) struct Entry {
    pub(crate) id: u32,
    pub(crate) asked: Asked,
    pub(crate) name: Option<Box<str>>,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl Entry {
    fn runner(&self) -> Runner {
        if self.id == 0 {
            return Runner::Main;
        }
        let name = self.name.as_deref().map(str::to_owned);
        Runner::Greenlet { id: self.id, name, spawned_at: self.spawned_at }
    }
}

/// All of one thread, by their numbers.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) spot: Option<Spot>,
    pub(super) thread: Option<String>,
    pub(super) thread_id: Option<u32>,
    entries: Vec<Option<Listed>>,
    living: usize,
}

struct Listed {
    entry: Entry,
    excused: bool,
}

impl Roster {
    pub(super) fn of_this_thread(spot: Spot, entries: impl Iterator<Item = Entry>) -> Roster {
        let mut roster = Roster {
            spot: Some(spot),
            thread: std::thread::current().name().map(str::to_owned),
            thread_id: this_thread(),
            ..Roster::default()
        };
        entries.for_each(|entry| roster.put(entry));
        roster
    }

    /// Adds one, or says anew what one is called.
    pub(super) fn put(&mut self, entry: Entry) {
        let place = entry.id as usize;
        if self.entries.len() <= place {
            self.entries.resize_with(place + 1, || None);
        }
        let before = self.entries[place].take();
        self.living += usize::from(before.is_none());
        let excused = before.is_some_and(|before| before.excused);
        self.entries[place] = Some(Listed { entry, excused });
    }

    pub(super) fn strike(&mut self, id: u32) {
        let gone = self.entries.get_mut(id as usize).and_then(Option::take);
        self.living -= usize::from(gone.is_some());
    }

    pub(super) fn excuse(&mut self, id: u32, excused: bool) -> bool {
        let listed = self.entries.get_mut(id as usize).and_then(Option::as_mut);
        listed.is_some_and(|listed| std::mem::replace(&mut listed.excused, excused))
    }

    /// Whether nobody is held up by the one that runs there.
    pub(super) fn is_harmless(&self, reading: Reading) -> bool {
        // Main is one of them.
        self.living < 2 || self.find(reading.running).is_some_and(|listed| listed.excused)
    }

    pub(super) fn runner(&self, reading: Reading) -> Runner {
        match self.find(reading.running).map(|listed| &listed.entry) {
            Some(Entry { id: 0, .. }) if reading.main_is_away => Runner::Hub,
            Some(entry) => entry.runner(),
            None => Runner::Ended,
        }
    }

    /// Those who wait there, the first of them, and how many they are in all.
    pub(super) fn parked(&self) -> (Vec<Parked>, usize) {
        let (mut parked, mut count) = (Vec::new(), 0);
        for Listed { entry, .. } in self.entries.iter().flatten() {
            let Some(waits_for) = entry.asked.waits_for() else { continue };
            count += 1;
            if parked.len() < config::REPORTED {
                let other = waits_for.listed.and_then(|id| self.entries.get(id as usize)?.as_ref());
                let what = match (other, waits_for.number) {
                    (Some(other), _) => {
                        format!("{} {}", waits_for.text, other.entry.runner().name())
                    }
                    (None, Some(number)) => format!("{} {number}", waits_for.text),
                    (None, None) => waits_for.text.to_owned(),
                };
                parked.push(Parked { who: entry.runner(), waits: what });
            }
        }
        (parked, count)
    }

    fn find(&self, address: usize) -> Option<&Listed> {
        self.entries.iter().flatten().find(|listed| listed.entry.asked.address() == address)
    }
}

#[cfg(target_os = "linux")]
fn this_thread() -> Option<u32> {
    Some(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs())
}

#[cfg(not(target_os = "linux"))]
fn this_thread() -> Option<u32> {
    None
}

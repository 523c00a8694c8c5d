//! Who belongs to a group now, each with its slot.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::slots::{Slot, Slots};
use crate::greenlet::{AnyGreenlet, LinkId};
use crate::sync::Event;

/// What all handles to one group share.
pub(super) struct Members {
    pub(super) slots: Slots,
    /// By their ids, which are unique among the living. Nobody else's code runs while this is
    /// borrowed.
    living: RefCell<HashMap<u32, Member>>,
    added: Cell<u64>,
    /// Set while there are no members.
    pub(super) empty: Event,
    pub(super) panics: RefCell<Panics>,
}

struct Member {
    greenlet: AnyGreenlet,
    /// Its place in the order in which they were added.
    number: u64,
    /// Takes it out when it ends.
    link: LinkId,
    /// Whether it has been killed by way of the group, which is done once.
    told: bool,
    /// `None` while it waits for one.
    slot: Option<Slot>,
}

/// The members that have panicked.
#[derive(Default)]
pub(super) struct Panics {
    pub(super) count: usize,
    pub(super) first: Option<String>,
}

impl Members {
    pub(super) fn new(slots: Slots) -> Rc<Members> {
        let empty = Event::new();
        empty.set();
        Rc::new(Members {
            slots,
            living: RefCell::default(),
            added: Cell::new(0),
            empty,
            panics: RefCell::default(),
        })
    }

    /// Makes a greenlet a member until it ends, unless it has ended, or is one.
    pub(super) fn add(self: &Rc<Self>, greenlet: &AnyGreenlet, slot: Option<Slot>) {
        if greenlet.is_finished() || self.contains(greenlet) {
            return;
        }
        let number = self.added.get();
        self.added.set(number + 1);
        let group = Rc::downgrade(self);
        let link = greenlet.at_end(move |greenlet| {
            if let Some(group) = group.upgrade() {
                group.ended(greenlet);
            }
        });
        let member = Member { greenlet: greenlet.clone(), number, link, told: false, slot };
        self.living.borrow_mut().insert(greenlet.id(), member);
        self.empty.clear();
    }

    /// Gives a member that has waited for a slot its slot. Of one that is no member any more it
    /// is free again.
    pub(super) fn give(&self, greenlet: &AnyGreenlet, slot: Slot) {
        let mut living = self.living.borrow_mut();
        let unused = match living.get_mut(&greenlet.id()) {
            Some(member) if member.greenlet == *greenlet => member.slot.replace(slot),
            _ => Some(slot),
        };
        drop(living);
        drop(unused);
    }

    /// Takes a greenlet out; its slot is free from now on. `false` if it was no member.
    pub(super) fn remove(&self, greenlet: &AnyGreenlet) -> bool {
        if !self.contains(greenlet) {
            return false;
        }
        let removed = self.living.borrow_mut().remove(&greenlet.id());
        if let Some(member) = removed {
            member.greenlet.unlink_at_end(member.link);
        }
        if self.living.borrow().is_empty() {
            self.empty.set();
        }
        true
    }

    /// Called in the moment in which a member ends.
    fn ended(&self, greenlet: &AnyGreenlet) {
        if !greenlet.is_successful() {
            let mut panics = self.panics.borrow_mut();
            panics.count += 1;
            panics.first.get_or_insert_with(|| format!("{greenlet:?}"));
        }
        self.remove(greenlet);
    }

    pub(super) fn contains(&self, greenlet: &AnyGreenlet) -> bool {
        let living = self.living.borrow();
        living.get(&greenlet.id()).is_some_and(|member| member.greenlet == *greenlet)
    }

    pub(super) fn len(&self) -> usize {
        self.living.borrow().len()
    }

    /// The members, in the order in which they were added.
    pub(super) fn list(&self) -> Vec<AnyGreenlet> {
        self.list_of(|_| true)
    }

    /// Those that have not been told to end.
    pub(super) fn untold(&self) -> Vec<AnyGreenlet> {
        self.list_of(|member| !member.told)
    }

    fn list_of(&self, wanted: impl Fn(&Member) -> bool) -> Vec<AnyGreenlet> {
        let living = self.living.borrow();
        let mut list: Vec<&Member> = living.values().filter(|member| wanted(member)).collect();
        list.sort_unstable_by_key(|member| member.number);
        list.into_iter().map(|member| member.greenlet.clone()).collect()
    }

    /// Notes that a member is told to end; `false` if it has been before, or is no member.
    pub(super) fn tell(&self, greenlet: &AnyGreenlet) -> bool {
        let mut living = self.living.borrow_mut();
        match living.get_mut(&greenlet.id()) {
            Some(member) if member.greenlet == *greenlet => {
                !std::mem::replace(&mut member.told, true)
            }
            _ => false,
        }
    }
}

impl Drop for Members {
    /// They run on, and nobody counts them.
    fn drop(&mut self) {
        for member in self.living.get_mut().values() {
            member.greenlet.unlink_at_end(member.link);
        }
    }
}

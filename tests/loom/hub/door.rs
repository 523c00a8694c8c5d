//! The door into a hub for other threads (`src/hub/inbox.rs`).

use loom::thread;
use std::sync::Arc;

use super::inbox::{Inbox, Message};
use super::reactor::Notifier;
use crate::explored::in_every_order;

/// A hub that has nothing to do but to read what comes.
struct Hub {
    inbox: &'static Inbox,
    notifier: Arc<Notifier>,
    first_number: u64,
    /// How often it was about to sleep.
    sleeps: u64,
    /// The numbers of the waits that were named.
    heard: Vec<u64>,
}

impl Hub {
    fn new() -> Hub {
        let notifier = Arc::new(Notifier::new());
        let (inbox, first_number) = Inbox::claim(Arc::clone(&notifier));
        Hub { inbox, notifier, first_number, sleeps: 0, heard: Vec::new() }
    }

    /// Once round the loop, as `hub/core.rs` goes: take what is there, and sleep if that was nothing.
    fn turn(&mut self) {
        if self.inbox.is_pending() {
            for message in self.inbox.take() {
                let Message::Wake { wait, .. } = message else { continue };
                if wait >= self.first_number {
                    self.heard.push(wait);
                }
            }
            return;
        }
        self.sleeps += 1;
        if self.inbox.begin_sleep() {
            self.notifier.sleep();
        }
        self.inbox.end_sleep();
    }

    fn hear(&mut self, messages: usize) {
        while self.heard.len() < messages {
            self.turn();
        }
    }
}

fn wake(wait: u64) -> Message {
    Message::Wake { id: 1, wait }
}

#[test]
fn a_hub_that_sleeps_hears_of_every_message() {
    in_every_order(|| {
        let mut hub = Hub::new();
        let inbox = hub.inbox;
        let sender = thread::spawn(move || {
            assert!(inbox.put(wake(1)));
            assert!(inbox.put(wake(2)));
        });
        hub.hear(2);
        sender.join().unwrap();
        assert_eq!(hub.heard, [1, 2]);
        assert!(inbox.alarms() <= hub.sleeps, "more than one write to the descriptor for a sleep");
    });
}

#[test]
fn of_two_that_find_a_hub_asleep_one_wakes_it() {
    in_every_order(|| {
        let mut hub = Hub::new();
        let inbox = hub.inbox;
        let senders = [1, 2].map(|wait| thread::spawn(move || assert!(inbox.put(wake(wait)))));
        hub.hear(2);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        hub.heard.sort();
        assert_eq!(hub.heard, [1, 2]);
        assert!(inbox.alarms() <= hub.sleeps, "more than one write to the descriptor for a sleep");
    });
}

#[test]
fn a_message_for_a_hub_that_ends_is_refused_or_dropped_and_the_next_hub_sleeps_well() {
    in_every_order(|| {
        let hub = Hub::new();
        let inbox = hub.inbox;
        let late = thread::spawn(move || inbox.put(wake(1)));
        inbox.resign(2);
        let mut next = Hub::new();
        assert!(std::ptr::eq(next.inbox, inbox) && next.first_number == 2);
        assert!(inbox.is_past(1) && !inbox.is_past(2));
        let sender = thread::spawn(move || assert!(inbox.put(wake(2))));
        next.hear(1);
        late.join().unwrap();
        sender.join().unwrap();
        assert_eq!(next.heard, [2]);
    });
}

#[test]
fn the_last_remote_handle_wakes_a_hub_that_would_sleep_for_ever() {
    in_every_order(|| {
        let mut hub = Hub::new();
        let inbox = hub.inbox;
        inbox.add_remote();
        inbox.add_remote();
        let others = [(); 2].map(|()| thread::spawn(move || inbox.remove_remote()));
        while inbox.has_remotes() {
            hub.turn();
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

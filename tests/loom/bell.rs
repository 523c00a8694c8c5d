//! Bells, of which one is heard or all (`src/hub/bell.rs`).

use loom::thread;

use crate::clock::Moment;
use crate::explored::in_every_order;
use crate::hub::bell::Listener;
use crate::raw::fiber::WaitKind;

static KIND: WaitKind = WaitKind;

#[test]
fn of_two_that_ring_for_one_who_hears_the_first_one_is_told_that_it_was_heard() {
    in_every_order(|| {
        let listener = Listener::of_first();
        let ringers = [0, 1].map(|place| {
            let bell = listener.bell(place);
            thread::spawn(move || {
                let claimed = bell.claim();
                if claimed {
                    bell.wake();
                }
                claimed
            })
        });
        let heard = loop {
            if let Some(place) = listener.next() {
                break place;
            }
            listener.park(&KIND, Moment::NEVER).unwrap();
        };
        let claimed = ringers.map(|ringer| ringer.join().unwrap());
        assert_eq!(claimed, [heard == 0, heard == 1]);
        assert_eq!(listener.next(), None);
    });
}

#[test]
fn one_who_hears_all_hears_what_is_rung_before_it_parks_and_while_it_does() {
    in_every_order(|| {
        let listener = Listener::of_all();
        let bells = [0, 1].map(|place| listener.bell(place));
        let ringer = thread::spawn(move || bells.iter().for_each(|bell| bell.ring()));
        for place in [0, 1] {
            loop {
                match listener.next() {
                    Some(next) => break assert_eq!(next, place),
                    None => drop(listener.park(&KIND, Moment::NEVER).unwrap()),
                }
            }
        }
        ringer.join().unwrap();
    });
}

//! Selects beside those of threads that have ended, or are busy with something else.

use std::cell::Cell;
use std::thread;

use greenhub::greenlet::Bell;
use greenhub::queue::{Channel, Queue};
use greenhub::sync::Event;
use greenhub::{Select, Waitable, sleep, spawn};

use crate::support::{bounded, millis, settle};

/// Never ready; counts how often it is asked.
#[derive(Default)]
struct Asked(Cell<u32>);

impl Asked {
    fn assert_few(&self) {
        let times = self.0.get();
        assert!(times < 100, "it looked {times} times instead of sleeping");
    }
}

impl Waitable for Asked {
    fn is_ready(&self) -> bool {
        self.0.set(self.0.get() + 1);
        false
    }

    fn watch(&self, _: Bell) {}

    fn unwatch(&self, _: &Bell) {}
}

#[test]
fn a_select_of_a_thread_that_ended_is_handed_nothing() {
    static QUEUE: Queue<u32> = Queue::new();
    bounded(|| {
        let ended = thread::spawn(|| {
            drop(spawn(|| Select::new().get(&QUEUE, |_| ()).run()));
            settle();
            assert_eq!(QUEUE.getters(), 1);
        });
        ended.join().unwrap();
        QUEUE.put(1).unwrap();
        assert_eq!(QUEUE.try_get(), Ok(1));
    });
}

#[test]
fn one_of_a_thread_that_ended_having_won_elsewhere_is_nobody_to_meet() {
    static EVENT: Event = Event::new();
    static CHANNEL: Channel<u32> = Channel::new();
    bounded(|| {
        let ended = thread::spawn(|| {
            drop(spawn(|| Select::new().get(&CHANNEL, |_| ()).wait(&EVENT, || ()).run()));
            settle();
            assert_eq!(CHANNEL.getters(), 1);
        });
        ended.join().unwrap();
        EVENT.set();
        let (asked, mut slot) = (Asked::default(), Some(1));
        let select = Select::new().put(&CHANNEL, &mut slot, |_| ()).wait(&asked, || ());
        select.after(millis(200), || ()).run().unwrap();
        asked.assert_few();
    });
}

#[test]
fn one_of_a_busy_thread_that_has_won_elsewhere_is_nobody_to_meet() {
    static EVENT: Event = Event::new();
    static CHANNEL: Channel<u32> = Channel::new();
    bounded(|| {
        let busy = thread::spawn(|| {
            let chooser =
                spawn(|| Select::new().get(&CHANNEL, |_| ()).wait(&EVENT, || ()).run().unwrap());
            settle();
            thread::sleep(millis(400));
            chooser.join().unwrap();
        });
        while CHANNEL.getters() == 0 {
            sleep(millis(1));
        }
        // The other thread is in the midst of its own sleep.
        sleep(millis(50));
        EVENT.set();
        let (asked, mut slot) = (Asked::default(), Some(1));
        let select = Select::new().put(&CHANNEL, &mut slot, |_| ()).wait(&asked, || ());
        select.after(millis(200), || ()).run().unwrap();
        asked.assert_few();
        busy.join().unwrap();
    });
}

#[test]
fn an_offer_that_is_promised_to_a_busy_thread_keeps_no_select_awake() {
    static CHANNEL: Channel<u32> = Channel::new();
    bounded(|| {
        let busy = thread::spawn(|| {
            let getter = spawn(|| CHANNEL.get());
            settle();
            thread::sleep(millis(400));
            getter.join().unwrap()
        });
        while CHANNEL.getters() == 0 {
            sleep(millis(1));
        }
        sleep(millis(50));
        let putter = spawn(|| CHANNEL.put(1));
        settle();
        let asked = Asked::default();
        let select = Select::new().get(&CHANNEL, |_| ()).wait(&asked, || ());
        select.after(millis(200), || ()).run().unwrap();
        asked.assert_few();
        assert_eq!(busy.join().unwrap(), Ok(1));
        putter.join().unwrap().unwrap();
    });
}

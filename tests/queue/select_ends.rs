//! A select that is killed, that comes too late, or that nothing can end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::greenlet::Bell;
use greenhub::queue::{Channel, Queue};
use greenhub::sync::{Event, WaitError};
use greenhub::{Greenlet, Hub, Select, Waitable, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, settle};

#[test]
fn one_that_is_killed_while_it_waits_leaves_every_line() {
    bounded(|| {
        let (queue, channel) = (Rc::new(Queue::<u32>::new()), Rc::new(Channel::new()));
        let event = Rc::new(Event::new());
        let (one, two, three) = (Rc::clone(&queue), Rc::clone(&channel), Rc::clone(&event));
        let item = Rc::new(());
        let theirs = Rc::clone(&item);
        let victim = spawn(move || {
            let mut slot = Some(theirs);
            let select = Select::new().get(&*one, |_| ()).put(&*two, &mut slot, |_| ());
            select.wait(&*three, || ()).run()
        });
        settle();
        assert_eq!((queue.getters(), channel.putters()), (1, 1));
        victim.kill();
        assert_eq!((queue.getters(), channel.putters()), (0, 0));
        assert_eq!(Rc::strong_count(&item), 1);
    });
}

#[test]
fn what_it_was_handed_before_it_was_killed_goes_to_the_next() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let victim = spawn(move || Select::new().get(&*theirs, |_| ()).run());
        let theirs = Rc::clone(&queue);
        let next = spawn(move || theirs.get());
        settle();
        queue.put("item").unwrap();
        victim.kill();
        assert_eq!(next.join().unwrap(), Ok("item"));
    });
}

#[test]
fn a_timeout_around_it_leaves_nothing_behind() {
    bounded(|| {
        let queue = Queue::<u32>::new();
        let late = with_timeout(millis(5), || {
            Select::new().get(&queue, |_| ()).after(Duration::from_secs(30), || ()).run()
        });
        assert!(late.is_err());
        assert_eq!((queue.getters(), Hub::current().stats().timers), (0, 0));
    });
}

#[test]
fn an_item_in_the_moment_of_its_deadline_counts() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let chooser =
            spawn(move || Select::new().get(&*theirs, Result::ok).after(millis(10), || None).run());
        let hog = spawn(|| std::thread::sleep(millis(20)));
        sleep(millis(5));
        queue.put(1).unwrap();
        assert_eq!(chooser.join().unwrap(), Ok(Some(1)));
        hog.join().unwrap();
    });
}

#[test]
fn while_it_unwinds_it_does_what_can_be_done_at_once() {
    struct Chooses(Rc<Queue<u32>>);
    impl Drop for Chooses {
        fn drop(&mut self) {
            let get = || Select::new().get(&*self.0, Result::ok).run();
            assert_eq!((get(), get()), (Ok(Some(1)), Err(WaitError::Unwinding)));
        }
    }
    bounded(|| {
        let queue = Rc::new(Queue::new());
        queue.put(1).unwrap();
        let chooses = Chooses(Rc::clone(&queue));
        let victim = spawn(move || {
            let _chooses = chooses;
            sleep(Duration::from_secs(30));
        });
        settle();
        victim.kill();
        assert!(queue.is_empty() && victim.is_successful());
    });
}

#[test]
fn who_began_to_watch_a_channel_while_it_entered_is_told_of_its_offer() {
    /// Never ready; has a greenlet watch the channel as soon as it is watched itself.
    struct Meanwhile(Rc<Channel<u32>>, RefCell<Option<Greenlet<usize>>>);
    impl Waitable for Meanwhile {
        fn is_ready(&self) -> bool {
            false
        }
        fn watch(&self, _: Bell) {
            let channel = Rc::clone(&self.0);
            let watcher = spawn(move || greenhub::wait([&*channel], Some(millis(500)), None).len());
            self.1.replace(Some(watcher));
            settle();
        }
        fn unwatch(&self, _: &Bell) {}
    }
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let meanwhile = Rc::new(Meanwhile(Rc::clone(&channel), RefCell::default()));
        let (theirs, first) = (Rc::clone(&channel), Rc::clone(&meanwhile));
        let putter = spawn(move || {
            let mut slot = Some(1);
            Select::new().wait(first, || ()).put(&*theirs, &mut slot, |_| ()).in_order().run()
        });
        while channel.putters() == 0 {
            yield_now();
        }
        let watcher = meanwhile.1.take().unwrap();
        assert_eq!(watcher.join().unwrap(), 1);
        assert_eq!(channel.get(), Ok(1));
        putter.join().unwrap().unwrap();
    });
}

//! What could go wrong in one moment: between a look and a line, a grant and a turn.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use greenhub::greenlet::Bell;
use greenhub::queue::{Channel, GetError, PriorityQueue, Queue};
use greenhub::sync::{Event, Lock};
use greenhub::{Select, Waitable, sleep, spawn, wait};

use crate::support::{bounded, millis, settle};

#[test]
fn one_who_watches_a_channel_is_told_of_a_select_that_puts() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let watcher = spawn(move || wait([&*theirs], Some(millis(300)), None).len());
        settle();
        let theirs = Rc::clone(&channel);
        let putter = spawn(move || {
            let mut slot = Some(1);
            Select::new().put(&*theirs, &mut slot, |_| ()).run().unwrap();
        });
        settle();
        assert!(channel.is_ready());
        assert_eq!(watcher.join().unwrap(), 1, "it was told");
        channel.get().unwrap();
        putter.join().unwrap();
    });
}

#[test]
fn one_who_watches_a_channel_is_told_of_a_select_that_enters_later() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        // Joins the line between the look of the select and its own entering.
        let watcher = Rc::new(RefCell::new(None));
        let sink = Rc::clone(&watcher);
        let watch = Meanwhile(RefCell::new(Some(move || {
            *sink.borrow_mut() =
                Some(spawn(move || wait([&*theirs], Some(millis(300)), None).len()));
            settle();
        })));
        let theirs = Rc::clone(&channel);
        let putter = spawn(move || {
            let mut slot = Some(1);
            Select::new().wait(&watch, || ()).put(&*theirs, &mut slot, |_| ()).in_order().run()
        });
        sleep(millis(20));
        assert!(channel.is_ready());
        let watcher = watcher.take().unwrap();
        assert_eq!(watcher.join().unwrap(), 1, "it was told");
        channel.get().unwrap();
        putter.join().unwrap().unwrap();
    });
}

#[test]
fn one_who_watches_a_channel_is_not_told_of_a_put_that_fails() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let watcher = spawn(move || wait([&*theirs], Some(millis(50)), None).len());
        settle();
        assert!(channel.try_put(1).is_err());
        assert_eq!(watcher.join().unwrap(), 0, "it was told of nothing");
    });
}

#[test]
fn a_plain_getter_of_a_thread_that_ended_is_granted_nothing() {
    static QUEUE: Queue<u32> = Queue::new();
    bounded(|| {
        thread::spawn(|| {
            drop(spawn(|| QUEUE.get().unwrap()));
            settle();
            assert_eq!(QUEUE.getters(), 1);
        })
        .join()
        .unwrap();
        QUEUE.put(1).unwrap();
        assert_eq!(QUEUE.get_for(millis(200)), Ok(1));
    });
}

#[test]
fn a_peek_into_a_queue_without_room_waits_for_an_item() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(0));
        let theirs = Rc::clone(&queue);
        let looker = spawn(move || theirs.peek());
        settle();
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || theirs.put(1));
        settle();
        assert_eq!(looker.join().unwrap(), Ok(1));
        assert_eq!(queue.get(), Ok(1));
        putter.join().unwrap().unwrap();
    });
}

#[test]
fn a_select_that_put_and_was_killed_before_it_ran_has_put() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let victim = spawn(move || {
            let mut slot = Some(1);
            Select::new().put(&*theirs, &mut slot, |_| ()).run().unwrap();
        });
        settle();
        assert_eq!(channel.try_get(), Ok(1));
        victim.kill();
    });
}

#[test]
fn two_selects_in_turn_starve_no_branch() {
    bounded(|| {
        let queues: Vec<Queue<u32>> = (0..4).map(|_| (0..1000).collect()).collect();
        let mut counts = [0; 4];
        for _ in 0..500 {
            for pair in [0, 2] {
                let got = Select::new()
                    .get(&queues[pair], |_| pair)
                    .get(&queues[pair + 1], |_| pair + 1)
                    .run()
                    .unwrap();
                counts[got] += 1;
            }
        }
        assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    });
}

/// It can be compared, or not.
struct Bad(u32, bool);

impl PartialEq for Bad {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Bad {}

impl PartialOrd for Bad {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bad {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert!(!self.1 && !other.1, "cannot compare");
        self.0.cmp(&other.0)
    }
}

#[test]
fn a_get_whose_comparison_panics_loses_no_item() {
    bounded(|| {
        let queue = Rc::new(PriorityQueue::bounded(2));
        queue.put(Bad(1, false)).unwrap();
        queue.put(Bad(2, false)).unwrap();
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || theirs.put(Bad(3, true)).is_ok());
        settle();
        // Takes 1, and lets 3 in, which panics.
        let got = catch_unwind(AssertUnwindSafe(|| queue.get().map(|item| item.0)));
        assert!(putter.join().unwrap());
        let left = queue.len();
        assert!(got.is_ok() || left == 3, "{got:?}, and {left} left of 3");
    });
}

/// Something that is never ready, and does something when it is watched.
struct Meanwhile<F: FnOnce()>(RefCell<Option<F>>);

impl<F: FnOnce()> Waitable for Meanwhile<F> {
    fn is_ready(&self) -> bool {
        false
    }

    fn watch(&self, _: Bell) {
        if let Some(f) = self.0.take() {
            f();
        }
    }

    fn unwatch(&self, _: &Bell) {}
}

#[test]
fn what_happens_between_the_look_and_the_line_is_seen() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(2));
        let theirs = Rc::clone(&queue);
        let put = Meanwhile(RefCell::new(Some(move || theirs.put(7).unwrap())));
        let got = Select::new().wait(&put, || None).get(&*queue, Result::ok).in_order().run();
        assert_eq!(got, Ok(Some(7)));
        let theirs = Rc::clone(&queue);
        let close = Meanwhile(RefCell::new(Some(move || theirs.shutdown())));
        let got = Select::new().wait(&close, || None).get(&*queue, Result::ok).in_order().run();
        assert_eq!(got, Ok(None));
        let channel = Rc::new(Channel::<u32>::new());
        let theirs = Rc::clone(&channel);
        let close = Meanwhile(RefCell::new(Some(move || theirs.shutdown())));
        let mut slot = Some(1);
        let got = Select::new()
            .wait(&close, || true)
            .put(&*channel, &mut slot, |put| put.is_ok())
            .in_order()
            .run();
        assert_eq!((got, slot), (Ok(false), Some(1)));
    });
}

/// Looks at its channel when it is dropped.
struct Touches(&'static Channel<Touches>);

impl Drop for Touches {
    fn drop(&mut self) {
        let _ = self.0.putters();
    }
}

#[test]
fn the_item_of_a_putter_whose_thread_ended_is_not_dropped_under_the_lock() {
    static CHANNEL: Channel<Touches> = Channel::new();
    bounded(|| {
        thread::spawn(|| {
            drop(spawn(|| CHANNEL.put(Touches(&CHANNEL)).is_ok()));
            settle();
            assert_eq!(CHANNEL.putters(), 1);
        })
        .join()
        .unwrap();
        assert!(matches!(CHANNEL.try_get(), Err(GetError::Empty)));
    });
}

#[test]
fn one_who_only_watches_does_not_count_as_one_who_gets() {
    bounded(|| {
        let queue = Rc::new(Queue::<u32>::new());
        let theirs = Rc::clone(&queue);
        let watcher = spawn(move || wait([&*theirs], None, None).len());
        settle();
        assert_eq!(queue.getters(), 0);
        queue.put(1).unwrap();
        watcher.join().unwrap();
    });
}

#[test]
fn a_comparison_that_panics_in_a_select_takes_no_right_from_another() {
    static QUEUE: PriorityQueue<Bad> = PriorityQueue::bounded(0);
    bounded(|| {
        let busy = thread::spawn(|| {
            let getter = spawn(|| QUEUE.get().map(|item| item.0));
            settle();
            thread::sleep(millis(300));
            getter.join().map_err(|error| error.to_string())
        });
        while QUEUE.getters() == 0 {
            sleep(millis(1));
        }
        QUEUE.try_put(Bad(1, false)).unwrap();
        let arrive = Meanwhile(RefCell::new(Some(|| {
            drop(spawn(|| QUEUE.put(Bad(3, true)).is_ok()));
            settle();
        })));
        let ran = catch_unwind(AssertUnwindSafe(|| {
            Select::new().wait(&arrive, || 0).get(&QUEUE, |item| item.unwrap().0).in_order().run()
        }));
        assert!(ran.is_err());
        assert_eq!(busy.join().unwrap(), Ok(Ok(1)));
        let before = QUEUE.len();
        QUEUE.set_capacity(Some(10));
        let put = catch_unwind(|| QUEUE.try_put(Bad(4, false)).is_ok());
        assert!(put.is_err(), "it is compared with the bad one");
        assert_eq!(QUEUE.len(), before + 1);
    });
}

#[test]
fn nobody_overtakes_one_who_was_promised_an_item() {
    bounded(|| {
        let (channel, event) = (Rc::new(Channel::new()), Rc::new(Event::new()));
        // One who has won elsewhere, and stands in the line as if it had something to give.
        let (theirs, told) = (Rc::clone(&channel), Rc::clone(&event));
        let chooser = spawn(move || {
            let mut slot = Some(0);
            Select::new().put(&*theirs, &mut slot, |_| ()).wait(&*told, || ()).run()
        });
        let theirs = Rc::clone(&channel);
        let first = spawn(move || theirs.get_for(millis(5_000)));
        settle();
        assert_eq!(first.join().unwrap(), Ok(0));
        chooser.join().unwrap().unwrap();
        let (theirs, told) = (Rc::clone(&channel), Rc::clone(&event));
        let chooser = spawn(move || {
            let mut slot = Some(0);
            Select::new().wait(&*told, || ()).put(&*theirs, &mut slot, |_| ()).run()
        });
        settle();
        event.set();
        let theirs = Rc::clone(&channel);
        let first = spawn(move || theirs.get_for(millis(5_000)));
        let theirs = Rc::clone(&channel);
        let putter = spawn(move || theirs.put(7));
        let theirs = Rc::clone(&channel);
        let late = spawn(move || theirs.try_get());
        settle();
        assert_eq!(late.join().unwrap(), Err(GetError::Empty));
        assert_eq!(first.join().unwrap(), Ok(7), "the first who waited has it");
        putter.join().unwrap().unwrap();
        chooser.join().unwrap().unwrap();
    });
}

#[test]
fn a_queue_for_one_that_was_peeked_into_holds_one() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        let theirs = Rc::clone(&queue);
        let looker = spawn(move || theirs.peek());
        settle();
        queue.try_put(1).unwrap();
        assert!(queue.try_put(2).is_err(), "nothing was taken out");
        looker.join().unwrap().unwrap();
        assert_eq!(queue.len(), 1);
    });
}

#[test]
fn a_failed_put_rings_nobody_in_a_select() {
    bounded(|| {
        let channel = Rc::new(Channel::<u32>::new());
        let theirs = Rc::clone(&channel);
        let watcher = spawn(move || {
            Select::new().wait(&*theirs, || true).after(millis(50), || false).run().unwrap()
        });
        settle();
        let _ = channel.put_for(1, millis(0));
        assert!(!watcher.join().unwrap());
    });
}

#[test]
fn one_that_was_woken_before_it_parked_is_not_woken_again_by_its_deadline() {
    bounded(|| {
        let (lock, other) = (Rc::new(Lock::new()), Lock::new());
        other.acquire().unwrap();
        let guard = lock.lock().unwrap();
        let theirs = Rc::clone(&lock);
        let waits = spawn(move || {
            // Its own item rings the second branch's bell, before it parks; another thread may as well.
            let (channel, mut item) = (Channel::new(), Some(1));
            let select = Select::new().put(&channel, &mut item, |_| ()).wait(&channel, || ());
            select.after(millis(1), || ()).run().unwrap();
            theirs.acquire().unwrap();
        });
        let busy = spawn(move || {
            thread::sleep(millis(5));
            // In the end it lets the others run, after the loop has looked at its timers.
            (0..64).for_each(|_| assert!(!other.try_acquire()));
        });
        sleep(millis(30));
        assert!(!waits.is_finished(), "it has a lock that main holds");
        drop(guard);
        waits.join().unwrap();
        busy.join().unwrap();
    });
}

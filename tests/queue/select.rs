//! The first of several, and only that.

use std::rc::Rc;
use std::time::Duration;

use greenhub::queue::{Channel, LifoQueue, PriorityQueue, Queue, ShutDown};
use greenhub::sync::{AsyncResult, Event, Semaphore};
use greenhub::{Select, sleep, spawn};

use crate::support::{bounded, millis, settle};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn only_the_winner_gets_an_item() {
    bounded(|| {
        let (left, right) = (Queue::new(), Queue::new());
        left.put(1).unwrap();
        right.put(2).unwrap();
        let got = Select::new().get(&left, |item| item).get(&right, |item| item).in_order().run();
        assert_eq!(got.unwrap(), Ok(1));
        assert_eq!((left.len(), right.len()), (0, 1));
    });
}

#[test]
fn one_that_waits_gets_what_comes_first() {
    bounded(|| {
        let (left, right) = (Rc::new(Channel::new()), Rc::new(PriorityQueue::new()));
        let (one, two) = (Rc::clone(&left), Rc::clone(&right));
        let chooser = spawn(move || {
            let select = Select::new().get(&*one, |item| ("left", item.unwrap()));
            select.get(&*two, |item| ("right", item.unwrap())).run().unwrap()
        });
        settle();
        assert_eq!((left.getters(), right.getters()), (1, 1));
        right.put(7).unwrap();
        assert_eq!(left.getters(), 0, "it is not there any more, though it has yet to run");
        assert!(left.try_put(8).is_err());
        assert_eq!(chooser.join().unwrap(), ("right", 7));
        assert_eq!((left.getters(), right.getters()), (0, 0));
    });
}

#[test]
fn an_item_is_put_only_if_its_branch_is_done() {
    bounded(|| {
        let (full, other) = (Queue::bounded(1), Queue::bounded(1));
        full.put(0).unwrap();
        let mut slot = Some(1);
        let late = Select::new().put(&full, &mut slot, |_| "put").after(millis(5), || "late").run();
        assert_eq!((late, slot), (Ok("late"), Some(1)));
        assert_eq!(full.putters(), 0);
        let mut empty = None;
        let put =
            Select::new().put(&full, &mut empty, |_| "full").put(&other, &mut slot, |_| "other");
        assert_eq!((put.run(), slot), (Ok("other"), None));
        assert_eq!(other.get(), Ok(1));
    });
}

#[test]
fn one_that_waits_to_put_is_let_in_when_there_is_room() {
    bounded(|| {
        let full = Rc::new(LifoQueue::bounded(1));
        full.put(0).unwrap();
        let theirs = Rc::clone(&full);
        let chooser = spawn(move || {
            let mut slot = Some(1);
            let put = Select::new().put(&*theirs, &mut slot, |put| put).run().unwrap();
            (put, slot)
        });
        settle();
        assert_eq!(full.get(), Ok(0));
        assert_eq!(full.len(), 1, "its item is in before it runs");
        assert_eq!(chooser.join().unwrap(), (Ok(()), None));
    });
}

#[test]
fn two_selects_that_face_each_other_meet() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let giver = spawn(move || {
            let mut slot = Some("hello");
            Select::new().put(&*theirs, &mut slot, |put| put.is_ok()).after(LONG, || false).run()
        });
        let theirs = Rc::clone(&channel);
        let taker =
            spawn(move || Select::new().get(&*theirs, Result::ok).after(LONG, || None).run());
        assert_eq!(taker.join().unwrap(), Ok(Some("hello")));
        assert_eq!(giver.join().unwrap(), Ok(true));
    });
}

#[test]
fn one_select_does_not_meet_itself() {
    bounded(|| {
        let channel = Channel::new();
        let mut slot = Some(1);
        let select = Select::new().put(&channel, &mut slot, |_| "put").get(&channel, |_| "got");
        assert_eq!(select.after(millis(5), || "late").run(), Ok("late"));
        assert_eq!((slot, channel.balance()), (Some(1), 0));
    });
}

#[test]
fn it_waits_for_greenlets_events_results_semaphores_and_queues() {
    bounded(|| {
        static EVENT: Event = Event::new();
        static RESULT: AsyncResult<u32> = AsyncResult::new();
        static SEMAPHORE: Semaphore = Semaphore::new(0);
        static QUEUE: Queue<u32> = Queue::new();
        let grants: [(&str, fn()); 4] = [
            ("event", || EVENT.set()),
            ("result", || RESULT.set(1)),
            ("semaphore", || SEMAPHORE.release()),
            ("queue", || QUEUE.put(1).unwrap()),
        ];
        let select = || {
            let sleeper = spawn(|| sleep(millis(20)));
            let select = Select::new().wait(&EVENT, || "event").wait(&RESULT, || "result");
            let select = select.wait(&SEMAPHORE, || "semaphore").wait(&QUEUE, || "queue");
            select.wait(sleeper, || "greenlet").run().unwrap()
        };
        assert_eq!(select(), "greenlet");
        for (name, grant) in grants {
            let chooser = spawn(select);
            settle();
            grant();
            assert_eq!(chooser.join().unwrap(), name);
            // Nothing was taken: it is still there for all.
            assert_eq!(select(), name);
            EVENT.clear();
            if name == "result" {
                break;
            }
        }
        assert!(SEMAPHORE.free() == 0 && QUEUE.is_empty());
    });
}

#[test]
fn to_wait_for_a_semaphore_takes_no_permit() {
    bounded(|| {
        let semaphore = Rc::new(Semaphore::new(0));
        let theirs = Rc::clone(&semaphore);
        let watcher = spawn(move || Select::new().wait(&*theirs, || ()).run().unwrap());
        let theirs = Rc::clone(&semaphore);
        let taker = spawn(move || theirs.acquire().unwrap());
        settle();
        semaphore.release();
        watcher.join().unwrap();
        taker.join().unwrap();
        assert_eq!(semaphore.free(), 0);
    });
}

#[test]
fn no_branch_starves() {
    bounded(|| {
        let queues: [Queue<usize>; 3] =
            std::array::from_fn(|queue| [queue; 100].into_iter().collect());
        let mut counts = [0; 3];
        for _ in 0..90 {
            let [a, b, c] = &queues;
            let select = Select::new().get(a, Result::unwrap).get(b, Result::unwrap);
            counts[select.get(c, Result::unwrap).run().unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| *count >= 15), "{counts:?}");
    });
}

#[test]
fn a_limit_of_zero_only_looks() {
    bounded(|| {
        let queue = Queue::new();
        let look = |queue: &Queue<u32>| {
            Select::new().get(queue, Result::ok).after(Duration::ZERO, || None).run()
        };
        assert_eq!(look(&queue), Ok(None));
        queue.put(1).unwrap();
        assert_eq!(look(&queue), Ok(Some(1)));
    });
}

#[test]
fn of_several_limits_the_shortest_counts() {
    bounded(|| {
        let select = Select::new().after(LONG, || "long").after(millis(2), || "short");
        assert_eq!(select.after(millis(500), || "middle").run(), Ok("short"));
    });
}

#[test]
fn a_queue_that_is_shut_down_wins_with_that() {
    bounded(|| {
        let queue = Rc::new(Queue::<u32>::bounded(0));
        let theirs = Rc::clone(&queue);
        let getter = spawn(move || Select::new().get(&*theirs, |item| item).run().unwrap());
        settle();
        queue.shutdown();
        assert_eq!(getter.join().unwrap(), Err(ShutDown));
        let mut slot = Some(1);
        let put = Select::new().put(&*queue, &mut slot, |put| put).run();
        assert_eq!((put, slot), (Ok(Err(ShutDown)), Some(1)));
    });
}

#[test]
fn a_queue_that_is_shut_down_wakes_who_waits_to_put() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(0));
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || {
            let mut slot = Some(1);
            (Select::new().put(&*theirs, &mut slot, |put| put).run().unwrap(), slot)
        });
        settle();
        queue.shutdown();
        assert_eq!(putter.join().unwrap(), (Err(ShutDown), Some(1)));
    });
}

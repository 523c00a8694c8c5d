//! wait and iwait.

use std::rc::Rc;
use std::time::Duration;

use greenhub::queue::Queue;
use greenhub::sync::{AsyncResult, Event};
use greenhub::{Greenlet, Waitable, iwait, sleep, spawn, wait};

use crate::support::{bounded, millis};

fn naps() -> Vec<Greenlet<u64>> {
    let nap = |n: u64| {
        spawn(move || {
            sleep(millis(n * 5));
            n
        })
    };
    [3, 1, 2].map(nap).into()
}

#[test]
fn all_are_returned_in_the_order_in_which_they_became_ready() {
    bounded(|| {
        let order: Vec<_> = wait(naps(), None, None).iter().filter_map(Greenlet::value).collect();
        assert_eq!(order, [1, 2, 3]);
    });
}

#[test]
fn a_count_is_enough() {
    bounded(|| {
        let mut all = naps();
        all[0] = spawn(|| {
            sleep(Duration::from_secs(600));
            0
        });
        for count in 1..=2 {
            let ready = wait(&all, None, Some(count));
            assert_eq!(ready.len(), count);
        }
        assert!(!all[0].is_finished());
    });
}

#[test]
fn a_limit_returns_what_is_ready() {
    bounded(|| {
        let slow = spawn(|| sleep(Duration::from_secs(60)));
        assert!(wait([&slow], Some(millis(2)), None).is_empty());
        assert!(wait([&slow], Some(Duration::ZERO), None).is_empty());
        assert!(!slow.has_links(), "it is forgotten");
    });
}

#[test]
fn what_is_ready_already_returns_at_once_and_again() {
    bounded(|| {
        let greenlet = spawn(|| ());
        greenlet.wait();
        for _ in 0..3 {
            assert_eq!(wait([&greenlet, &greenlet], None, None).len(), 2);
            assert_eq!(wait([&greenlet], Some(Duration::ZERO), None).len(), 1);
        }
    });
}

#[test]
fn an_iterator_can_be_left_before_its_end() {
    bounded(|| {
        let all = naps();
        let mut iter = iwait(&all);
        assert_eq!(iter.next().and_then(|g| g.value()), Some(1));
        sleep(millis(30));
        assert_eq!(iter.next().and_then(|g| g.value()), Some(2), "the order is kept meanwhile");
        drop(iter);
        assert_eq!(iwait(&all).count(), 3);
    });
}

#[test]
fn one_that_is_killed_while_it_waits_leaves_nothing_behind() {
    bounded(|| {
        let slow = spawn(|| sleep(Duration::from_secs(60)));
        let watched = slow.clone();
        let waiter = spawn(move || wait([&watched], None, None).len());
        sleep(millis(1));
        waiter.kill();
        slow.kill();
        assert!(waiter.is_successful() && slow.is_successful());
    });
}

#[test]
fn what_becomes_ready_in_other_threads_counts_as_well() {
    bounded(|| {
        static EVENT: Event = Event::new();
        static RESULT: AsyncResult<u32> = AsyncResult::new();
        static QUEUE: Queue<u32> = Queue::new();
        let greenlet = spawn(|| sleep(millis(5)));
        let all: [(&str, &dyn Waitable); 4] =
            [("event", &EVENT), ("result", &RESULT), ("queue", &QUEUE), ("greenlet", &greenlet)];
        let thread = std::thread::spawn(|| {
            std::thread::sleep(millis(20));
            QUEUE.put(1).unwrap();
            RESULT.set(1);
            EVENT.set();
        });
        let mut ready = iwait(all.map(|(_, object)| object));
        let first = ready.next().unwrap();
        assert!(std::ptr::addr_eq(first, all[3].1));
        assert_eq!(ready.count(), 3);
        assert_eq!(QUEUE.len(), 1, "nothing is taken");
        thread.join().unwrap();
    });
}

#[test]
fn what_watches_and_is_dropped_leaves_the_line() {
    bounded(|| {
        let queue = Queue::<u32>::new();
        assert!(wait([&queue], Some(millis(2)), None).is_empty());
        assert_eq!(queue.getters(), 0);
    });
}

#[test]
fn a_count_of_events_and_results_is_enough() {
    bounded(|| {
        let (event, result) = (Rc::new(Event::new()), Rc::new(AsyncResult::<u32>::new()));
        let (one, two) = (Rc::clone(&event), Rc::clone(&result));
        spawn(move || {
            sleep(millis(2));
            two.set(1);
            sleep(millis(20));
            one.set();
        });
        let all: [&dyn Waitable; 2] = [&*event, &*result];
        assert_eq!(wait(all, None, Some(1)).len(), 1);
        assert!(result.ready() && !event.is_set());
        assert_eq!(wait(all, None, Some(2)).len(), 2);
        assert_eq!(wait(all, Some(Duration::ZERO), None).len(), 2, "again, and at once");
    });
}

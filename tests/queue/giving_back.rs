//! Where an item goes that was handed to one who did not live to take it.

use std::rc::Rc;

use greenhub::queue::{Channel, Queue};
use greenhub::{Greenlet, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, settle};

fn getter<T: 'static>(queue: &Rc<Queue<T>>) -> Greenlet<Option<T>> {
    let queue = Rc::clone(queue);
    spawn(move || queue.get().ok())
}

#[test]
fn to_the_next_who_waits() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let (first, second) = (getter(&queue), getter(&queue));
        settle();
        queue.put("item").unwrap();
        first.kill();
        assert_eq!(second.join().unwrap(), Some("item"));
    });
}

#[test]
fn back_into_the_queue_if_nobody_waits() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        let victim = getter(&queue);
        settle();
        queue.put(1).unwrap();
        assert!(queue.is_empty());
        victim.kill();
        assert_eq!((queue.len(), queue.try_get()), (1, Ok(1)));
    });
}

#[test]
fn back_into_the_queue_if_a_timeout_ends_the_wait() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let hasty = spawn(move || with_timeout(millis(10), || theirs.get().unwrap()).is_err());
        let hog = spawn(|| std::thread::sleep(millis(20)));
        // Both are due in one turn, and main runs first.
        sleep(millis(5));
        queue.put("item").unwrap();
        assert!(hasty.join().unwrap());
        hog.join().unwrap();
        assert_eq!(queue.try_get(), Ok("item"));
    });
}

#[test]
fn one_whose_limit_was_over_does_not_eat_a_later_item() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let hasty = spawn(move || theirs.get_for(millis(5)).is_err());
        let patient = getter(&queue);
        sleep(millis(20));
        queue.put("item").unwrap();
        assert!(hasty.join().unwrap());
        assert_eq!(patient.join().unwrap(), Some("item"));
    });
}

#[test]
fn a_killed_sender_takes_its_item_along_and_leaves_its_place() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        let item = Rc::new("mine");
        queue.put(Rc::new("first")).unwrap();
        let (theirs, sent) = (Rc::clone(&queue), Rc::clone(&item));
        let victim = spawn(move || theirs.put(sent).is_ok());
        let theirs = Rc::clone(&queue);
        let next = spawn(move || theirs.put(Rc::new("next")).is_ok());
        settle();
        victim.kill();
        assert_eq!(Rc::strong_count(&item), 1, "it was dropped once");
        assert_eq!((*queue.get().unwrap(), *queue.get().unwrap()), ("first", "next"));
        assert!(next.join().unwrap());
    });
}

#[test]
fn a_channels_item_stays_with_its_sender_if_the_receiver_is_killed() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let receiver = spawn(move || theirs.get());
        settle();
        let theirs = Rc::clone(&channel);
        let sender = spawn(move || theirs.put("item"));
        yield_now();
        receiver.kill();
        settle();
        assert!(!sender.is_finished(), "nobody has taken it");
        assert_eq!(channel.get(), Ok("item"));
        sender.join().unwrap().unwrap();
    });
}

#[test]
fn what_was_put_without_waiting_into_a_channel_is_there_for_the_next() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let receiver = spawn(move || theirs.get());
        settle();
        channel.try_put("item").unwrap();
        receiver.kill();
        assert_eq!(channel.try_get(), Ok("item"));
    });
}

#[test]
fn one_that_is_killed_while_it_peeks_leaves_the_item() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let looker = spawn(move || theirs.peek());
        let taker = getter(&queue);
        settle();
        queue.put(1).unwrap();
        looker.kill();
        assert_eq!(taker.join().unwrap(), Some(1));
    });
}

#[test]
fn many_that_are_killed_lose_nothing() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(3));
        let mut got = Vec::new();
        for round in 0..500u32 {
            let getters: Vec<_> = (0..4).map(|_| getter(&queue)).collect();
            settle();
            for item in 0..4 {
                queue.put(round * 4 + item).unwrap();
            }
            getters.iter().skip(round as usize % 4).step_by(2).for_each(Greenlet::kill);
            settle();
            got.extend(getters.iter().filter_map(|getter| getter.value().flatten()));
            while let Ok(item) = queue.try_get() {
                got.push(item);
            }
            getters.iter().for_each(Greenlet::kill);
        }
        got.sort_unstable();
        assert_eq!(got, (0..2_000).collect::<Vec<_>>());
    });
}

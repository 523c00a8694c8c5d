//! Shutting down, gently and at once.

use std::rc::Rc;

use greenhub::queue::{Channel, GetError, PutError, Queue};
use greenhub::sync::WaitError;
use greenhub::{joinall, spawn};

use crate::support::{bounded, millis, settle};

#[test]
fn nothing_comes_in_and_what_is_in_comes_out() {
    let queue = Queue::new();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    queue.shutdown();
    queue.shutdown();
    assert!(queue.is_shut_down());
    assert_eq!(queue.put(3), Err(PutError::ShutDown(3)));
    assert_eq!(queue.try_put(3), Err(PutError::ShutDown(3)));
    assert_eq!(queue.put_for(3, millis(1)), Err(PutError::ShutDown(3)));
    assert_eq!((queue.peek(), queue.get()), (Ok(1), Ok(1)));
    assert_eq!(queue.get_for(millis(1)), Ok(2));
    assert_eq!(queue.get(), Err(GetError::ShutDown));
    assert_eq!(queue.try_get(), Err(GetError::ShutDown));
    assert_eq!(queue.peek(), Err(GetError::ShutDown));
    assert_eq!(queue.get_for(millis(1)), Err(GetError::ShutDown));
}

#[test]
fn at_once_it_gives_back_what_was_in_it() {
    let queue = Queue::new();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert_eq!(queue.shutdown_now(), [1, 2]);
    assert_eq!(queue.get(), Err(GetError::ShutDown));
    assert_eq!(queue.unfinished(), 0);
}

#[test]
fn those_who_wait_to_get_are_told() {
    bounded(|| {
        let queue = Rc::new(Queue::<u32>::new());
        let getters: Vec<_> = (0..3)
            .map(|_| {
                let queue = Rc::clone(&queue);
                spawn(move || queue.get())
            })
            .collect();
        settle();
        queue.put(1).unwrap();
        queue.shutdown();
        let told: Vec<_> = getters.iter().map(|getter| getter.join().unwrap()).collect();
        assert_eq!(told, [Ok(1), Err(GetError::ShutDown), Err(GetError::ShutDown)]);
        assert_eq!(queue.getters(), 0);
    });
}

#[test]
fn at_once_also_those_who_have_been_handed_an_item() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let getter = spawn(move || theirs.get());
        settle();
        queue.put(1).unwrap();
        assert_eq!(queue.shutdown_now(), [1]);
        assert_eq!(getter.join().unwrap(), Err(GetError::ShutDown));
    });
}

#[test]
fn those_who_wait_to_put_get_their_items_back() {
    bounded(|| {
        for channel in [false, true] {
            let queue = Rc::new(Queue::bounded(usize::from(!channel)));
            if !channel {
                queue.put(0).unwrap();
            }
            let theirs = Rc::clone(&queue);
            let putter = spawn(move || theirs.put(1));
            settle();
            queue.shutdown();
            assert_eq!(putter.join().unwrap(), Err(PutError::ShutDown(1)));
        }
    });
}

#[test]
fn iteration_ends() {
    bounded(|| {
        static CHANNEL: Channel<u32> = Channel::new();
        let sum = spawn(|| (&CHANNEL).into_iter().sum::<u32>());
        (1..=4).for_each(|item| CHANNEL.put(item).unwrap());
        CHANNEL.shutdown();
        assert_eq!(sum.join().unwrap(), 10);
    });
}

#[test]
fn those_who_wait_until_all_is_done_go_on_when_nothing_is_left() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        assert_eq!(queue.get(), Ok(1));
        let theirs = Rc::clone(&queue);
        let joiner = spawn(move || theirs.join());
        settle();
        queue.shutdown_now();
        assert_eq!(queue.join_for(millis(1)), Err(WaitError::TimedOut), "one is being worked on");
        queue.task_done().unwrap();
        assert_eq!(joiner.join().unwrap(), Ok(()));
        joinall(&[joiner]);
    });
}

#[test]
fn who_waits_to_put_gets_the_item_back_though_room_comes_before_it_runs() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        queue.put(1).unwrap();
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || theirs.put(2));
        settle();
        queue.shutdown();
        assert_eq!(queue.get(), Ok(1));
        assert_eq!(putter.join().unwrap(), Err(PutError::ShutDown(2)));
        assert_eq!(queue.get(), Err(GetError::ShutDown));
    });
}

#[test]
fn after_a_shutdown_now_nothing_is_had_from_who_waits_to_put() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        queue.put(1).unwrap();
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || theirs.put(2));
        settle();
        assert_eq!(queue.shutdown_now(), [1]);
        assert_eq!(queue.get(), Err(GetError::ShutDown));
        assert_eq!(putter.join().unwrap(), Err(PutError::ShutDown(2)));
        assert_eq!(queue.unfinished(), 0);
    });
}

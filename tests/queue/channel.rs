//! A queue without room.

use std::cell::RefCell;
use std::rc::Rc;

use greenhub::queue::{Channel, GetError, PutError, Queue};
use greenhub::{Hub, spawn, yield_now};

use crate::support::{bounded, millis, settle};

type Log = Rc<RefCell<Vec<&'static str>>>;

#[test]
fn to_put_is_over_when_the_item_has_been_taken_by_one_who_waited() {
    bounded(|| {
        let (channel, log) = (Rc::new(Channel::new()), Log::default());
        let (theirs, events) = (Rc::clone(&channel), Rc::clone(&log));
        let receiver = spawn(move || {
            for _ in 0..2 {
                let item = theirs.get().unwrap();
                events.borrow_mut().push(item);
            }
        });
        log.borrow_mut().push("sending");
        channel.put("hello").unwrap();
        log.borrow_mut().push("sent hello");
        channel.put("world").unwrap();
        log.borrow_mut().push("sent world");
        receiver.join().unwrap();
        assert_eq!(*log.borrow(), ["sending", "hello", "sent hello", "world", "sent world"]);
    });
}

#[test]
fn to_put_waits_for_one_who_comes_later() {
    bounded(|| {
        let (channel, log) = (Rc::new(Channel::new()), Log::default());
        let (theirs, events) = (Rc::clone(&channel), Rc::clone(&log));
        let sender = spawn(move || {
            events.borrow_mut().push("sending hello");
            theirs.put("hello").unwrap();
            events.borrow_mut().push("sending world");
            theirs.put("world").unwrap();
            events.borrow_mut().push("sent world");
        });
        log.borrow_mut().push("waiting");
        for _ in 0..2 {
            let item = channel.get().unwrap();
            log.borrow_mut().push(item);
        }
        let so_far = ["waiting", "sending hello", "hello", "sending world", "world"];
        assert_eq!(*log.borrow(), so_far);
        yield_now();
        assert_eq!(log.borrow().last(), Some(&"sent world"));
        sender.join().unwrap();
    });
}

#[test]
fn the_balance_tells_who_waits() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let getter = spawn(move || theirs.get());
        settle();
        assert_eq!(channel.balance(), -1);
        channel.put(1).unwrap();
        assert_eq!(getter.join().unwrap(), Ok(1));
        let theirs = Rc::clone(&channel);
        let putter = spawn(move || theirs.put(2));
        settle();
        assert_eq!(channel.balance(), 1);
        assert_eq!(channel.try_get(), Ok(2));
        putter.join().unwrap().unwrap();
        assert_eq!(channel.balance(), 0);
    });
}

#[test]
fn who_does_not_wait_finds_only_one_who_does() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        assert_eq!(channel.try_put(1), Err(PutError::Full(1)));
        assert_eq!(channel.try_get(), Err(GetError::Empty));
        assert_eq!(channel.put_for(1, millis(5)), Err(PutError::Full(1)));
        assert_eq!(channel.get_for(millis(5)), Err(GetError::Empty));
        let theirs = Rc::clone(&channel);
        let getter = spawn(move || theirs.get());
        settle();
        assert_eq!(channel.try_put(2), Ok(()));
        assert_eq!(channel.try_put(3), Err(PutError::Full(3)), "there was one");
        assert_eq!(getter.join().unwrap(), Ok(2));
    });
}

#[test]
fn a_callback_in_the_loop_finds_one_who_waits() {
    bounded(|| {
        static CHANNEL: Channel<u32> = Channel::new();
        static SEEN: Queue<Result<u32, GetError>> = Queue::new();
        let remote = Hub::current().remote();
        let getter = spawn(|| CHANNEL.get());
        settle();
        remote.run_callback(|| CHANNEL.try_put(1).unwrap());
        assert_eq!(getter.join().unwrap(), Ok(1));
        let putter = spawn(|| CHANNEL.put(2));
        settle();
        remote.run_callback(|| SEEN.put(CHANNEL.try_get()).unwrap());
        putter.join().unwrap().unwrap();
        assert_eq!(SEEN.get(), Ok(Ok(2)));
    });
}

#[test]
fn a_promise_is_not_taken_by_one_who_came_later() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let first = spawn(move || theirs.get());
        settle();
        let theirs = Rc::clone(&channel);
        let late = Rc::clone(&channel);
        let putter = spawn(move || theirs.put("item"));
        let hasty = spawn(move || late.try_get());
        assert_eq!(hasty.join().unwrap(), Err(GetError::Empty));
        assert_eq!(first.join().unwrap(), Ok("item"));
        putter.join().unwrap().unwrap();
    });
}

#[test]
fn a_callback_puts_for_one_who_waits_already() {
    bounded(|| {
        let channel = Rc::new(Channel::new());
        let theirs = Rc::clone(&channel);
        let receiver = spawn(move || theirs.get_for(millis(500)));
        settle();
        let theirs = Rc::clone(&channel);
        spawn(|| ()).raw_link(move |_| theirs.put(1).unwrap());
        assert_eq!(receiver.join().unwrap(), Ok(1));
    });
}

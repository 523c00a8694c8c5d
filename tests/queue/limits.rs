//! The laws of waiting, for every kind of queue, to get and to put.

use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::queue::{Channel, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenhub::{Hub, sleep, spawn, with_timeout};

use crate::support::{bounded, millis, settle};

const LONG: Duration = Duration::from_secs(30);

macro_rules! each_kind {
    ($law:ident) => {
        bounded(|| {
            $law!(Rc::new(Queue::bounded(1)), 1);
            $law!(Rc::new(LifoQueue::bounded(1)), 1);
            $law!(Rc::new(PriorityQueue::bounded(1)), 1);
            $law!(Rc::new(Channel::new()), 0);
            assert_eq!(Hub::current().stats().timers, 0);
            assert_eq!(Hub::current().stats().stacks_in_use, 0);
        });
    };
}

#[test]
fn a_limit_is_kept() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let (queue, start) = ($queue, Instant::now());
            assert_eq!(queue.get_for(millis(10)), Err(GetError::Empty));
            (0..$room).for_each(|item| queue.put(item).unwrap());
            assert_eq!(queue.put_for(7, millis(10)), Err(PutError::Full(7)));
            assert!((millis(20)..millis(2_000)).contains(&start.elapsed()));
            assert_eq!((queue.getters(), queue.putters()), (0, 0));
        };
    }
    each_kind!(law);
}

#[test]
fn an_outer_timeout_is_not_lost() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let queue = $queue;
            assert!(with_timeout(millis(5), || queue.get_for(LONG)).is_err());
            (0..$room).for_each(|item| queue.put(item).unwrap());
            assert!(with_timeout(millis(5), || queue.put_for(7, LONG)).is_err());
            assert_eq!((queue.getters(), queue.putters()), (0, 0));
        };
    }
    each_kind!(law);
}

#[test]
fn a_limit_that_is_not_needed_does_not_delay() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let (queue, start) = ($queue, Instant::now());
            let theirs = Rc::clone(&queue);
            let getter = spawn(move || theirs.get_for(LONG));
            settle();
            queue.put(7).unwrap();
            assert_eq!(getter.join().unwrap(), Ok(7));
            assert!(start.elapsed() < millis(2_000));
        };
    }
    each_kind!(law);
}

#[test]
fn a_grant_in_the_moment_of_the_deadline_counts() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let queue = $queue;
            let theirs = Rc::clone(&queue);
            let getter = spawn(move || theirs.get_for(millis(10)));
            let hog = spawn(|| std::thread::sleep(millis(20)));
            sleep(millis(5));
            assert_eq!(queue.try_put(7), Ok(()));
            assert_eq!(getter.join().unwrap(), Ok(7));
            hog.join().unwrap();
        };
    }
    each_kind!(law);
}

#[test]
fn putters_are_let_in_in_the_order_in_which_they_came() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let queue = $queue;
            (0..$room).for_each(|item| queue.put(item).unwrap());
            let putters: Vec<_> = (1..=3)
                .map(|item| {
                    let queue = Rc::clone(&queue);
                    spawn(move || queue.put(item).unwrap())
                })
                .collect();
            settle();
            for waiting in (0..3).rev() {
                queue.get().unwrap();
                settle();
                let left = putters.iter().filter(|putter| !putter.is_finished()).count();
                assert_eq!(left, waiting);
                assert!(putters[2 - waiting].is_finished());
            }
            (0..$room).for_each(|_| assert!(queue.get().is_ok()));
        };
    }
    each_kind!(law);
}

/// What it gets, and whether to put was refused too, while its greenlet unwinds.
struct UsesInDrop<Q: Fn() -> (GetError, bool)>(Q);

impl<Q: Fn() -> (GetError, bool)> Drop for UsesInDrop<Q> {
    fn drop(&mut self) {
        assert_eq!((self.0)(), (GetError::Unwinding, true));
    }
}

#[test]
fn one_that_unwinds_is_refused_and_does_not_panic() {
    macro_rules! law {
        ($queue:expr, $room:expr) => {
            let queue = $queue;
            let theirs = Rc::clone(&queue);
            let victim = spawn(move || {
                let _uses = UsesInDrop(move || {
                    let got = theirs.get().unwrap_err();
                    (0..$room).for_each(|item| theirs.put(item).unwrap());
                    (got, theirs.put(7) == Err(PutError::Unwinding(7)))
                });
                sleep(LONG);
            });
            settle();
            victim.kill();
            (0..$room).for_each(|_| assert!(queue.get().is_ok()));
        };
    }
    each_kind!(law);
}

//! Results that are yet to come.

use std::rc::Rc;

use greenhub::sync::{AsyncResult, GetError};
use greenhub::{Timeout, spawn, spawn_later};

use crate::support::{bounded, millis, settle};

type Answer = AsyncResult<u32, &'static str>;

#[test]
fn an_error_is_delivered_to_who_waits() {
    bounded(|| {
        let answer = Rc::new(Answer::new());
        let asks = Rc::clone(&answer);
        let asker = spawn(move || asks.get());
        settle();
        answer.set_error("lost");
        assert_eq!(asker.join().unwrap(), Err(GetError::Failed("lost")));
        assert!(answer.ready() && !answer.successful());
    });
}

#[test]
fn the_last_set_wins() {
    let answer = Answer::new();
    answer.set_error("first");
    answer.set(2);
    assert!(answer.successful());
    answer.set(3);
    assert_eq!(answer.get(), Ok(3));
}

#[test]
fn what_is_not_set_is_not_got() {
    let answer = Answer::new();
    assert_eq!(answer.get_nowait(), Err(GetError::TimedOut));
    assert_eq!(answer.get_for(millis(2)), Err(GetError::TimedOut));
    assert!(!answer.ready());
}

#[test]
fn a_wait_does_not_raise_the_error() {
    let answer = Answer::new();
    answer.set_error("lost");
    assert_eq!(answer.wait(), Ok(()));
}

#[test]
fn a_limit_with_an_error_of_its_own_wins_over_a_later_set() {
    bounded(|| {
        let answer = Rc::new(Answer::new());
        let sets = Rc::clone(&answer);
        let setter = spawn_later(millis(20), move || sets.set(7));
        let limit = Timeout::new(millis(2)).with_error("too late");
        assert_eq!(limit.run(|_| answer.get()), Err("too late"));
        setter.join().unwrap();
        assert_eq!(answer.get(), Ok(7));
    });
}

#[test]
fn a_value_may_come_from_another_thread() {
    bounded(|| {
        static ANSWER: Answer = Answer::new();
        let thread = std::thread::spawn(|| {
            std::thread::sleep(millis(5));
            ANSWER.set(7);
        });
        let asker = spawn(|| ANSWER.get());
        assert_eq!((ANSWER.get(), asker.join().unwrap()), (Ok(7), Ok(7)));
        thread.join().unwrap();
    });
}

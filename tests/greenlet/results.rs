//! Links that hand a greenlet's result on.

use std::panic::resume_unwind;
use std::rc::Rc;

use greenhub::sync::{AsyncResult, GetError};
use greenhub::{Greenlet, spawn};

use crate::support::{bounded, log_unhandled, message, millis, settle};

type Answer = Rc<AsyncResult<u32, String>>;

/// A link that hands the value or the error on to `answer`.
fn hand_on(answer: &Answer) -> impl FnOnce(Greenlet<u32>) + 'static {
    let answer = Rc::clone(answer);
    move |greenlet| match greenlet.value() {
        Some(value) => answer.set(value),
        None => answer.set_error(greenlet.with_error(message).unwrap_or_default()),
    }
}

#[test]
fn a_result_gets_the_value_of_a_link_also_when_it_is_linked_after_the_end() {
    bounded(|| {
        let greenlet = spawn(|| 7);
        for _ in 0..4 {
            let answer = Answer::default();
            greenlet.link(hand_on(&answer));
            assert_eq!(answer.get(), Ok(7));
        }
    });
}

#[test]
fn a_result_gets_the_error_of_a_link_also_when_it_is_linked_after_the_end() {
    bounded(|| {
        let unhandled = log_unhandled();
        let greenlet: Greenlet<u32> = spawn(|| resume_unwind(Box::new("boom")));
        for _ in 0..4 {
            let answer = Answer::default();
            greenlet.link(hand_on(&answer));
            assert_eq!(answer.get(), Err(GetError::Failed("boom".to_owned())));
        }
        drop(greenlet);
        assert!(unhandled.take().is_empty(), "it was handed on");
    });
}

#[test]
fn a_result_that_is_linked_to_the_other_end_stays_empty() {
    bounded(|| {
        let (value, error) = (Answer::default(), Answer::default());
        let returns = spawn(|| 7);
        returns.link_error(hand_on(&error));
        returns.link_value(hand_on(&value));
        settle();
        assert_eq!((value.get(), error.ready()), (Ok(7), false));

        let (value, error) = (Answer::default(), Answer::default());
        let panics: Greenlet<u32> = spawn(|| resume_unwind(Box::new("boom")));
        panics.link_value(hand_on(&value));
        panics.link_error(hand_on(&error));
        settle();
        assert_eq!(error.get(), Err(GetError::Failed("boom".to_owned())));
        assert_eq!(value.get_for(millis(1)), Err(GetError::TimedOut));
    });
}

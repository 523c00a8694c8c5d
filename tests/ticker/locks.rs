//! Calls of `sync` and of `io` that wait for another greenlet.

use std::io::BufRead;
use std::rc::Rc;

use greenhub::monkey::io::{Stdin, stdin};
use greenhub::monkey::sync::mpsc::channel;
use greenhub::monkey::sync::{Condvar, Mutex, Once};
use greenhub::spawn;

use crate::support::{bounded, millis, pause, ticks_beside};

#[test]
fn a_condition_that_becomes_true_within_a_limit() {
    bounded(|| {
        let (mutex, condvar) = (Rc::new(Mutex::new(false)), Rc::new(Condvar::new()));
        let (sets, notifies) = (Rc::clone(&mutex), Rc::clone(&condvar));
        let wake = move || {
            *sets.lock().unwrap() = true;
            notifies.notify_all();
        };
        ticks_beside(wake, || {
            let guard = mutex.lock().unwrap();
            let limit = millis(30_000);
            let waited = condvar.wait_timeout_while(guard, limit, |is_set| !*is_set).unwrap();
            assert!(*waited.0 && !waited.1.timed_out());
        });
        #[allow(deprecated)]
        let late =
            ticks_beside(|| (), || condvar.wait_timeout_ms(mutex.lock().unwrap(), 300).unwrap().1);
        assert!(!late);
    });
}

#[test]
fn what_is_done_once_whatever_came_before() {
    bounded(|| {
        let once = Rc::new(Once::new());
        let fails = Rc::clone(&once);
        let failing = spawn(move || fails.call_once(|| std::panic::resume_unwind(Box::new(()))));
        assert!(failing.join().is_err());
        let does = Rc::clone(&once);
        ticks_beside(
            move || does.call_once_force(|state| assert!(state.is_poisoned())),
            || {
                once.wait_force();
            },
        );
        let once = Rc::new(Once::new());
        let does = Rc::clone(&once);
        spawn(move || does.call_once(pause));
        greenhub::yield_now();
        ticks_beside(|| (), || once.call_once_force(|_| unreachable!("it is done")));
    });
}

#[test]
fn the_items_of_a_channel_one_after_the_other() {
    bounded(|| {
        let (sender, receiver) = channel();
        let send = move || {
            for item in 0..3 {
                sender.send(item).unwrap();
                pause();
            }
        };
        let items: Vec<_> = ticks_beside(send, || receiver.iter().collect());
        assert_eq!(items, [0, 1, 2]);
        let (sender, receiver) = channel();
        let items: Vec<_> =
            ticks_beside(move || sender.send(7).unwrap(), || receiver.into_iter().collect());
        assert_eq!(items, [7]);
    });
}

#[test]
fn standard_input_that_another_has() {
    bounded(|| {
        let lock = stdin().lock();
        // Dropped by the waker: who waits gets it then.
        let lock = ticks_beside(move || drop(lock), || stdin().lock());
        ticks_beside(move || drop(lock), || drop(Stdin::lines(stdin())));
        let lock = stdin().lock();
        ticks_beside(move || drop(lock), || stdin().lock().consume(0));
    });
}

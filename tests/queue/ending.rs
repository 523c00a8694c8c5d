//! What is left when a queue is dropped, and what is said when everything waits for one.

use std::panic;
use std::rc::Rc;

use greenhub::queue::Queue;
use greenhub::spawn;

use crate::support::{bounded, settle};

#[test]
fn items_are_dropped_with_their_queue() {
    let item = Rc::new(());
    let queue: Queue<_> = (0..3).map(|_| Rc::clone(&item)).collect();
    drop(queue);
    assert_eq!(Rc::strong_count(&item), 1);
}

#[test]
fn a_queue_that_its_waiters_own_is_dropped_with_them() {
    bounded(|| {
        let item = Rc::new(());
        let queue = Rc::new(Queue::bounded(1));
        queue.put(Rc::clone(&item)).unwrap();
        let (theirs, more) = (Rc::clone(&queue), Rc::clone(&item));
        let putter = spawn(move || theirs.put(more).is_ok());
        drop(queue);
        settle();
        assert_eq!(Rc::strong_count(&item), 3);
        putter.kill();
        assert_eq!(Rc::strong_count(&item), 1);
    });
}

#[test]
fn what_need_not_wait_lets_nobody_else_run() {
    bounded(|| {
        let ran = Rc::new(std::cell::Cell::new(false));
        let flag = Rc::clone(&ran);
        let other = spawn(move || flag.set(true));
        let queue = Queue::bounded(4);
        for item in 0..8 {
            queue.put(item).unwrap();
            assert_eq!(queue.get(), Ok(item));
        }
        assert!(!ran.get());
        other.join().unwrap();
    });
}

#[test]
fn in_a_destructor_a_full_queue_is_an_error_and_the_item_is_not_lost() {
    bounded(|| {
        let caught = panic::catch_unwind(|| {
            struct Puts;
            impl Drop for Puts {
                fn drop(&mut self) {
                    let queue = Queue::bounded(1);
                    queue.put(1).unwrap();
                    assert_eq!(queue.put(2).unwrap_err().into_item(), 2);
                }
            }
            let _puts = Puts;
            panic::resume_unwind(Box::new("out"));
        });
        assert!(caught.is_err());
    });
}

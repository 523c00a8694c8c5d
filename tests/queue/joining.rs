//! Waiting until every item is done.

use std::rc::Rc;

use greenhub::queue::{JoinableQueue, Queue};
use greenhub::sync::WaitError;
use greenhub::{joinall, sleep, spawn};

use crate::support::{bounded, millis};

#[test]
fn a_queue_that_was_never_used_is_done() {
    assert_eq!(Queue::<u32>::new().join(), Ok(()));
}

#[test]
fn it_waits_for_the_last_item_to_be_declared_done() {
    bounded(|| {
        let queue = Rc::new(JoinableQueue::bounded(2));
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Rc::clone(&queue);
                spawn(move || {
                    for nap in queue.iter() {
                        sleep(millis(nap));
                        queue.task_done().unwrap();
                    }
                })
            })
            .collect();
        for nap in [3, 1, 4, 1, 5, 9] {
            queue.put(nap).unwrap();
        }
        assert!(queue.unfinished() > 0);
        assert_eq!(queue.join_for(millis(0)), Err(WaitError::TimedOut));
        queue.join().unwrap();
        assert_eq!(queue.unfinished(), 0);
        queue.shutdown();
        joinall(&workers);
    });
}

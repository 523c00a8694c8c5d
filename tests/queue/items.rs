//! What comes out, in which order, and to whom.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenhub::queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue, TooManyDone};
use greenhub::{Hub, joinall, sleep, spawn};

use crate::support::{bounded, millis, settle};

#[test]
fn items_come_out_in_the_order_of_their_queue() {
    let items = [3, 1, 4, 1, 5];
    let (fifo, lifo): (Queue<_>, LifoQueue<_>) =
        (items.into_iter().collect(), items.into_iter().collect());
    let least_first: PriorityQueue<_> = items.into_iter().collect();
    fifo.shutdown();
    lifo.shutdown();
    least_first.shutdown();
    assert_eq!(fifo.iter().collect::<Vec<_>>(), [3, 1, 4, 1, 5]);
    assert_eq!(lifo.iter().collect::<Vec<_>>(), [5, 1, 4, 1, 3]);
    assert_eq!(least_first.iter().collect::<Vec<_>>(), [1, 1, 3, 4, 5]);
}

#[test]
fn of_equals_the_first_comes_first() {
    #[derive(Debug)]
    struct Task(u32, &'static str);
    impl PartialEq for Task {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }
    impl Eq for Task {}
    impl PartialOrd for Task {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Task {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    let tasks = [Task(1, "a"), Task(0, "b"), Task(1, "c"), Task(1, "d"), Task(0, "e")];
    let queue: PriorityQueue<_> = tasks.into_iter().collect();
    let order: Vec<_> = (0..5).map(|_| queue.try_get().unwrap().1).collect();
    assert_eq!(order, ["b", "e", "a", "c", "d"]);
}

#[test]
fn who_puts_into_a_full_queue_waits_for_room() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(2));
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (theirs, log) = (Rc::clone(&queue), Rc::clone(&seen));
        let producer = spawn(move || {
            for item in ["a", "b", "c"] {
                theirs.put(item).unwrap();
                log.borrow_mut().push(item);
            }
        });
        settle();
        assert_eq!(*seen.borrow(), ["a", "b"]);
        assert!(queue.is_full() && queue.putters() == 1);
        let got: Vec<_> = (0..3).map(|_| queue.get().unwrap()).collect();
        producer.join().unwrap();
        assert_eq!(got, ["a", "b", "c"]);
        assert_eq!(*seen.borrow(), ["a", "b", "c"]);
    });
}

#[test]
fn each_of_those_who_wait_gets_one_item_in_the_order_in_which_they_came() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let greenlets: Vec<_> = (0..4)
            .map(|_| {
                let queue = Rc::clone(&queue);
                spawn(move || queue.get().unwrap())
            })
            .collect();
        settle();
        assert_eq!(queue.getters(), 4);
        (0..4).for_each(|item| queue.put(item).unwrap());
        assert!(queue.is_empty(), "they are theirs already");
        let got: Vec<_> = greenlets.iter().map(|greenlet| greenlet.join().unwrap()).collect();
        assert_eq!(got, [0, 1, 2, 3]);
    });
}

#[test]
fn nobody_overtakes_one_who_has_been_handed_an_item() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let first = spawn(move || theirs.get().unwrap());
        settle();
        queue.put(1).unwrap();
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        queue.put(2).unwrap();
        assert_eq!(queue.try_get(), Ok(1), "a free item is the next in the order");
        assert_eq!(first.join().unwrap(), 2);
    });
}

#[test]
fn who_never_waits_fails_at_once() {
    let queue = Queue::bounded(1);
    assert_eq!(queue.try_put(1), Ok(()));
    assert_eq!(queue.try_put(2), Err(PutError::Full(2)));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(queue.try_get(), Err(GetError::Empty));
    assert_eq!(queue.put_for(3, millis(0)), Ok(()));
    assert_eq!(queue.put_for(4, millis(0)), Err(PutError::Full(4)));
    assert_eq!(queue.get_for(millis(0)), Ok(3));
    assert_eq!(queue.get_for(millis(0)), Err(GetError::Empty));
}

#[test]
fn who_never_waits_lets_others_run_all_the_same() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let theirs = Rc::clone(&queue);
        let producer = spawn(move || theirs.put(7).unwrap());
        let item = loop {
            if let Ok(item) = queue.try_get() {
                break item;
            }
        };
        assert_eq!(item, 7);
        producer.join().unwrap();
    });
}

#[test]
fn a_callback_in_the_loop_may_put_and_get_without_waiting() {
    bounded(|| {
        static QUEUE: Queue<u32> = Queue::bounded(1);
        static ANSWERS: Queue<(bool, bool)> = Queue::new();
        let remote = Hub::current().remote();
        let waiting = spawn(|| QUEUE.get().unwrap());
        settle();
        remote.run_callback(|| QUEUE.put(1).unwrap());
        assert_eq!(waiting.join().unwrap(), 1);
        QUEUE.put(2).unwrap();
        let waiting = spawn(|| QUEUE.put(3).unwrap());
        settle();
        remote.run_callback(|| {
            let full = QUEUE.try_put(4) == Err(PutError::Full(4));
            ANSWERS.put((full, QUEUE.get() == Ok(2))).unwrap();
        });
        assert_eq!(ANSWERS.get(), Ok((true, true)));
        waiting.join().unwrap();
        assert_eq!(QUEUE.get(), Ok(3));
    });
}

#[test]
fn to_peek_takes_nothing() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        assert_eq!(queue.peek_for(millis(0)), Err(GetError::Empty));
        let (one, two) = (Rc::clone(&queue), Rc::clone(&queue));
        let looker = spawn(move || one.peek().unwrap());
        let taker = spawn(move || two.get().unwrap());
        settle();
        queue.put("only").unwrap();
        assert_eq!((looker.join().unwrap(), taker.join().unwrap()), ("only", "only"));
        assert!(queue.is_empty());
    });
}

#[test]
fn room_can_be_made_while_others_wait_for_it() {
    bounded(|| {
        let queue = Rc::new(Queue::bounded(1));
        let producers: Vec<_> = (0..4)
            .map(|item| {
                let queue = Rc::clone(&queue);
                spawn(move || queue.put(item).unwrap())
            })
            .collect();
        settle();
        assert_eq!((queue.len(), queue.putters(), queue.capacity()), (1, 3, Some(1)));
        queue.set_capacity(Some(3));
        assert_eq!((queue.len(), queue.putters()), (3, 1));
        queue.set_capacity(None);
        joinall(&producers);
        queue.set_capacity(Some(0));
        assert!(queue.is_full());
        assert_eq!((0..4).map(|_| queue.get().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    });
}

#[test]
fn a_sender_may_have_ended_before_its_item_is_taken() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        for item in 0..3 {
            let queue = Rc::clone(&queue);
            spawn(move || queue.put(item).unwrap()).join().unwrap();
        }
        assert_eq!((0..3).map(|_| queue.get().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn a_comparison_that_panics_leaves_the_queue_in_order_and_nobody_waiting() {
    thread_local!(static PICKY: Cell<bool> = const { Cell::new(false) });
    #[derive(Debug, PartialEq, Eq)]
    struct Picky(u32);
    impl PartialOrd for Picky {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Picky {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            assert!(!PICKY.get(), "nothing can be compared now");
            self.0.cmp(&other.0)
        }
    }
    bounded(|| {
        let queue = Rc::new(PriorityQueue::bounded(2));
        queue.put(Picky(1)).unwrap();
        queue.put(Picky(2)).unwrap();
        let theirs = Rc::clone(&queue);
        let putter = spawn(move || theirs.put(Picky(0)));
        settle();
        PICKY.set(true);
        let theirs = Rc::clone(&queue);
        assert!(spawn(move || theirs.get()).join().is_err());
        PICKY.set(false);
        // To get lets the next one in, and that is where it panicked, or before.
        queue.shutdown();
        putter.wait();
        assert!(queue.iter().count() >= 1);
    });
}

#[test]
fn a_clone_that_uses_the_queue_panics_and_does_not_hang() {
    static QUEUE: Queue<Nosy> = Queue::new();
    struct Nosy;
    impl Clone for Nosy {
        fn clone(&self) -> Nosy {
            let _ = QUEUE.len();
            Nosy
        }
    }
    bounded(|| {
        QUEUE.put(Nosy).unwrap();
        let error = spawn(|| QUEUE.peek().is_ok()).join().unwrap_err();
        assert!(error.to_string().contains("must not wait, nor use the queue"), "{error}");
        assert_eq!(QUEUE.len(), 1);
    });
}

#[test]
fn to_declare_more_done_than_was_put_is_an_error() {
    let queue = Queue::new();
    queue.put(1).unwrap();
    assert_eq!((queue.task_done(), queue.task_done()), (Ok(()), Err(TooManyDone)));
}

#[test]
fn a_greenlets_result_can_be_linked_to_a_queue() {
    bounded(|| {
        let queue = Rc::new(Queue::new());
        let greenlet = spawn(|| 7);
        for _ in 0..2 {
            let queue = Rc::clone(&queue);
            greenlet.link(move |done| queue.put(done.value()).unwrap());
            sleep(millis(1));
        }
        assert_eq!((queue.get(), queue.get()), (Ok(Some(7)), Ok(Some(7))));
    });
}

#[test]
fn a_callback_in_the_loop_is_refused_what_it_would_have_to_wait_for() {
    bounded(|| {
        let (queue, answers) = (Rc::new(Queue::bounded(1)), Rc::new(Queue::new()));
        let (theirs, told) = (Rc::clone(&queue), Rc::clone(&answers));
        Hub::current().run_callback(move || {
            told.put((theirs.try_put(1), theirs.try_put(2))).unwrap();
        });
        assert_eq!(answers.get(), Ok((Ok(()), Err(PutError::Full(2)))));
        let (theirs, told) = (Rc::clone(&queue), Rc::new(Queue::new()));
        let got = Rc::clone(&told);
        Hub::current().run_callback(move || got.put((theirs.try_get(), theirs.try_get())).unwrap());
        assert_eq!(told.get(), Ok((Ok(1), Err(GetError::Empty))));
    });
}

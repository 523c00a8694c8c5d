use std::sync::Arc;
use std::time::{Duration, Instant};

use super::common::{millis, settle};
use super::world::sync::mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, Sender, TryRecvError, channel,
};
use super::world::thread;
use crate::support::bounded;

#[test]
fn items_come_in_the_order_in_which_they_were_sent() {
    let (sender, receiver) = channel();
    (0..100).for_each(|item| sender.send(item).unwrap());
    (0..100).for_each(|item| assert_eq!(receiver.recv(), Ok(item)));
}

#[test]
fn who_receives_waits_for_an_item() {
    bounded(|| {
        let (sender, receiver) = channel();
        let start = Instant::now();
        let sending = thread::spawn(move || {
            thread::sleep(millis(20));
            sender.send(7).unwrap();
        });
        assert_eq!(receiver.recv(), Ok(7));
        assert!(start.elapsed() >= millis(20));
        sending.join().unwrap();
    });
}

#[test]
fn what_was_sent_is_received_after_the_last_sender_is_gone() {
    let (sender, receiver) = channel();
    sender.send(1).unwrap();
    let other = sender.clone();
    drop(sender);
    other.send(2).unwrap();
    drop(other);
    assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_timeout(millis(1)), Err(RecvTimeoutError::Disconnected));
    assert_eq!(receiver.recv(), Err(RecvError), "and so it stays");
}

#[test]
fn the_last_sender_that_goes_wakes_who_waits() {
    bounded(|| {
        let (sender, receiver) = channel::<u32>();
        let receiving = thread::spawn(move || receiver.recv());
        let other = sender.clone();
        settle();
        drop(sender);
        settle();
        assert!(!receiving.is_finished(), "there is another sender");
        drop(other);
        assert_eq!(receiving.join().unwrap(), Err(RecvError));
    });
}

#[test]
fn an_item_that_finds_nobody_comes_back() {
    let (sender, receiver) = channel();
    sender.send("kept".to_owned()).unwrap();
    drop(receiver);
    let error = sender.send("lost".to_owned()).unwrap_err();
    assert_eq!(error, SendError("lost".to_owned()));
    assert_eq!(error.0, "lost");
    assert_eq!(error.to_string(), "sending on a closed channel");
}

#[test]
fn what_was_not_received_is_dropped_with_the_receiver() {
    let counted = Arc::new(());
    let (sender, receiver) = channel();
    (0..10).for_each(|_| sender.send(Arc::clone(&counted)).unwrap());
    receiver.recv().unwrap();
    assert_eq!(Arc::strong_count(&counted), 10);
    drop(receiver);
    assert_eq!(Arc::strong_count(&counted), 1);
    drop(sender);
}

#[test]
fn what_was_not_received_is_kept_without_senders_until_the_receiver_goes() {
    let counted = Arc::new(());
    let (sender, receiver) = channel();
    (0..10).for_each(|_| sender.send(Arc::clone(&counted)).unwrap());
    drop(sender);
    assert_eq!(Arc::strong_count(&counted), 11);
    drop(receiver);
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn an_item_may_hold_a_sender_of_its_own_channel() {
    struct Loop(#[allow(dead_code)] Sender<Loop>);
    let (sender, receiver) = channel();
    sender.send(Loop(sender.clone())).unwrap();
    drop(receiver);
    assert!(sender.send(Loop(sender.clone())).is_err());
}

#[test]
fn a_receiver_may_be_sent() {
    let (sender, receiver) = channel::<Receiver<u32>>();
    let (inner_sender, inner_receiver) = channel();
    inner_sender.send(7).unwrap();
    sender.send(inner_receiver).unwrap();
    assert_eq!(receiver.recv().unwrap().recv(), Ok(7));
    assert!(inner_sender.send(8).is_err());
}

#[test]
fn an_empty_channel_is_not_a_closed_one() {
    let (sender, receiver) = channel::<u32>();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(7).unwrap();
    assert_eq!(receiver.try_recv(), Ok(7));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_limit_of_zero_only_looks() {
    let (sender, receiver) = channel();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    sender.send(7).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(7));
    drop(sender);
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_limit_is_kept() {
    bounded(|| {
        let (sender, receiver) = channel::<u32>();
        let start = Instant::now();
        assert_eq!(receiver.recv_timeout(millis(30)), Err(RecvTimeoutError::Timeout));
        assert!(start.elapsed() >= millis(30));
        drop(sender);
    });
}

#[test]
fn an_item_or_the_end_comes_before_a_limit() {
    bounded(|| {
        let (sender, receiver) = channel();
        let sending = thread::spawn(move || {
            settle();
            sender.send(7).unwrap();
            settle();
        });
        let limit = Duration::from_secs(50);
        assert_eq!(receiver.recv_timeout(limit), Ok(7));
        assert_eq!(receiver.recv_timeout(limit), Err(RecvTimeoutError::Disconnected));
        sending.join().unwrap();
    });
}

#[test]
fn the_longest_limit_is_as_none() {
    bounded(|| {
        let (sender, receiver) = channel();
        let sending = thread::spawn(move || {
            settle();
            sender.send(7).unwrap();
        });
        assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(7));
        sending.join().unwrap();
    });
}

#[test]
fn eight_senders_lose_nothing_and_keep_their_order() {
    bounded(|| {
        let (sender, receiver) = channel();
        let senders: Vec<_> = (0..8)
            .map(|who| {
                let sender = sender.clone();
                thread::spawn(move || {
                    (0..200).for_each(|item| sender.send((who, item)).unwrap());
                })
            })
            .collect();
        drop(sender);
        let mut next = [0; 8];
        for (who, item) in receiver {
            assert_eq!(item, next[who]);
            next[who] += 1;
        }
        assert_eq!(next, [200; 8]);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn a_conversation_of_two_goes_to_and_fro() {
    bounded(|| {
        let ((to, at), (back, home)) = (channel(), channel());
        let other = thread::spawn(move || {
            for item in at {
                back.send(item + 1).unwrap();
            }
        });
        for item in 0..200 {
            to.send(item).unwrap();
            assert_eq!(home.recv(), Ok(item + 1));
        }
        drop(to);
        other.join().unwrap();
        assert_eq!(home.recv(), Err(RecvError));
    });
}

#[test]
fn polling_with_try_recv_ends_when_an_item_comes() {
    bounded(|| {
        let (sender, receiver) = channel();
        let sending = thread::spawn(move || {
            thread::sleep(millis(10));
            sender.send(7).unwrap();
        });
        let item = loop {
            match receiver.try_recv() {
                Ok(item) => break item,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => panic!("an item was to come"),
            }
        };
        assert_eq!(item, 7);
        sending.join().unwrap();
    });
}

#[test]
fn its_texts_are_these() {
    let (sender, receiver) = channel::<u32>();
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender { .. } Receiver { .. }");
    let (iter, try_iter) = (receiver.iter(), receiver.try_iter());
    assert_eq!(format!("{iter:?}"), "Iter { rx: Receiver { .. } }");
    assert_eq!(format!("{try_iter:?}"), "TryIter { rx: Receiver { .. } }");
    assert_eq!(format!("{:?}", receiver.into_iter()), "IntoIter { rx: Receiver { .. } }");
}

#[test]
fn ten_thousand_items_fit_while_nobody_receives() {
    let (sender, receiver) = channel();
    (0..10_000).for_each(|item| sender.send(item).unwrap());
    drop(sender);
    assert!(receiver.into_iter().eq(0..10_000));
}

#[test]
fn short_limits_lose_no_item_of_four_senders() {
    bounded(|| {
        let (sender, receiver) = channel();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for item in 0..25u64 {
                        sender.send(item).unwrap();
                        if item % 5 == 0 {
                            thread::sleep(Duration::from_micros(300));
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let mut sum = 0;
        loop {
            match receiver.recv_timeout(Duration::from_micros(100)) {
                Ok(item) => sum += item,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        assert_eq!(sum, 4 * 300);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn a_sender_that_is_cloned_while_one_waits_keeps_the_channel_open() {
    bounded(|| {
        let (sender, receiver) = channel();
        let receiving = thread::spawn(move || receiver.recv());
        settle();
        let mut last = sender.clone();
        for _ in 0..100 {
            last = last.clone();
        }
        drop(sender);
        last.send(7).unwrap();
        assert_eq!(receiving.join().unwrap(), Ok(7));
    });
}

#[test]
fn errors_come_again_and_again() {
    let (sender, receiver) = channel();
    drop(receiver);
    for item in 0..3 {
        assert_eq!(sender.send(item), Err(SendError(item)));
        assert_eq!(sender.clone().send(item), Err(SendError(item)));
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::common::{eventually, millis, settle};
use super::world::sync::mpsc::{
    RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError, sync_channel,
};
use super::world::thread;
use crate::support::bounded;

#[test]
fn who_sends_into_a_full_channel_waits() {
    bounded(|| {
        let (sender, receiver) = sync_channel(2);
        let sent = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&sent);
        let sending = thread::spawn(move || {
            for item in 0..4 {
                sender.send(item).unwrap();
                counts.fetch_add(1, Ordering::SeqCst);
            }
        });
        let count = |number| (sent.load(Ordering::SeqCst) == number).then_some(());
        eventually(|| count(2));
        settle();
        count(2).expect("there is no room");
        assert_eq!(receiver.recv(), Ok(0));
        eventually(|| count(3));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 3]);
        sending.join().unwrap();
    });
}

#[test]
fn try_send_into_a_full_channel_gives_the_item_back() {
    let (sender, receiver) = sync_channel(1);
    sender.try_send("first").unwrap();
    assert_eq!(sender.try_send("second"), Err(TrySendError::Full("second")));
    assert_eq!(receiver.recv(), Ok("first"));
    sender.try_send("third").unwrap();
    drop(receiver);
    assert_eq!(sender.try_send("fourth"), Err(TrySendError::Disconnected("fourth")));
    assert_eq!(sender.send("fifth"), Err(SendError("fifth")));
}

#[test]
fn try_send_to_nobody_is_disconnected_even_if_it_is_full() {
    let (sender, receiver) = sync_channel(1);
    sender.send(1).unwrap();
    drop(receiver);
    assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
}

#[test]
fn without_room_an_item_passes_from_hand_to_hand() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        let sent = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&sent);
        let sending = thread::spawn(move || {
            sender.send(7).unwrap();
            counts.fetch_add(1, Ordering::SeqCst);
        });
        settle();
        assert_eq!(sent.load(Ordering::SeqCst), 0, "nobody has taken it");
        assert_eq!(receiver.recv(), Ok(7));
        sending.join().unwrap();
        assert_eq!(receiver.recv(), Err(RecvError));
    });
}

#[test]
fn without_room_try_send_fails_unless_someone_waits() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        let receiving = thread::spawn(move || receiver.recv());
        eventually(|| sender.try_send(2).ok());
        assert_eq!(receiving.join().unwrap(), Ok(2));
        assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    });
}

#[test]
fn without_room_try_recv_takes_from_one_that_waits_to_send() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let sending = thread::spawn(move || sender.send(7));
        assert_eq!(eventually(|| receiver.try_recv().ok()), 7);
        assert_eq!(sending.join().unwrap(), Ok(()));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn without_room_a_receiver_that_goes_gives_the_item_back() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        let sending = thread::spawn(move || sender.send("back".to_owned()));
        settle();
        drop(receiver);
        assert_eq!(sending.join().unwrap(), Err(SendError("back".to_owned())));
    });
}

#[test]
fn a_receiver_that_goes_wakes_all_who_wait_to_send() {
    bounded(|| {
        let (sender, receiver) = sync_channel(1);
        sender.send(0).unwrap();
        let senders: Vec<_> = (1..4)
            .map(|item| {
                let sender = sender.clone();
                thread::spawn(move || sender.send(item))
            })
            .collect();
        settle();
        drop(receiver);
        let errors: Vec<_> = senders.into_iter().map(|sending| sending.join().unwrap()).collect();
        assert_eq!(errors, [Err(SendError(1)), Err(SendError(2)), Err(SendError(3))]);
    });
}

#[test]
fn what_was_not_received_is_dropped_with_the_receiver() {
    let counted = Arc::new(());
    let (sender, receiver) = sync_channel(3);
    (0..3).for_each(|_| sender.send(Arc::clone(&counted)).unwrap());
    drop(receiver);
    assert_eq!(Arc::strong_count(&counted), 1);
    assert!(sender.send(Arc::clone(&counted)).is_err());
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn what_was_sent_is_received_after_the_last_sender_is_gone() {
    let (sender, receiver) = sync_channel(2);
    sender.send(1).unwrap();
    let other = sender.clone();
    drop(sender);
    other.send(2).unwrap();
    drop(other);
    assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn without_room_the_last_sender_that_goes_wakes_who_waits() {
    bounded(|| {
        let (sender, receiver) = sync_channel::<u32>(0);
        let receiving = thread::spawn(move || receiver.recv());
        settle();
        drop(sender);
        assert_eq!(receiving.join().unwrap(), Err(RecvError));
    });
}

#[test]
fn limits_are_kept_with_and_without_room() {
    bounded(|| {
        for room in [0, 1] {
            let (sender, receiver) = sync_channel(room);
            assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
            assert_eq!(receiver.recv_timeout(millis(5)), Err(RecvTimeoutError::Timeout));
            let sending = thread::spawn(move || sender.send(7));
            assert_eq!(eventually(|| receiver.recv_timeout(Duration::ZERO).ok()), 7);
            assert_eq!(sending.join().unwrap(), Ok(()));
            let left = receiver.recv_timeout(Duration::ZERO);
            assert_eq!(left, Err(RecvTimeoutError::Disconnected));
        }
    });
}

#[test]
fn a_limit_that_is_over_leaves_nobody_to_send_to() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        assert_eq!(receiver.recv_timeout(millis(5)), Err(RecvTimeoutError::Timeout));
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    });
}

#[test]
fn senders_and_receiver_keep_their_order_through_any_room() {
    bounded(|| {
        for room in [0, 1, 3] {
            let (sender, receiver) = sync_channel(room);
            let senders: Vec<_> = (0..4)
                .map(|who| {
                    let sender = sender.clone();
                    thread::spawn(move || {
                        (0..100).for_each(|item| sender.send((who, item)).unwrap());
                    })
                })
                .collect();
            drop(sender);
            let mut next = [0; 4];
            for (who, item) in &receiver {
                assert_eq!(item, next[who]);
                next[who] += 1;
            }
            assert_eq!(next, [100; 4]);
            senders.into_iter().for_each(|sender| sender.join().unwrap());
        }
    });
}

#[test]
fn its_texts_are_these() {
    let (sender, receiver) = sync_channel::<u32>(0);
    assert_eq!(format!("{sender:?}"), "SyncSender { .. }");
    let full = sender.try_send(1).unwrap_err();
    assert_eq!(format!("{full} {full:?}"), "sending on a full channel TrySendError::Full(..)");
    drop(receiver);
    let gone = sender.try_send(1).unwrap_err();
    assert_eq!(
        format!("{gone} {gone:?}"),
        "sending on a closed channel TrySendError::Disconnected(..)"
    );
    assert_eq!(SendError(1), SendError(1));
    let closed: TrySendError<u32> = SendError(1).into();
    assert_eq!(closed, TrySendError::Disconnected(1));
}

#[test]
fn answers_through_another_full_channel_all_come() {
    bounded(|| {
        for _ in 0..50 {
            let (sender, receiver) = sync_channel::<()>(2);
            let (answers, answered) = sync_channel::<()>(2);
            let answering = thread::spawn(move || {
                receiver.recv().unwrap();
                answers.try_send(()).unwrap();
            });
            sender.try_send(()).unwrap();
            answered.recv().unwrap();
            answering.join().unwrap();
        }
    });
}

#[test]
fn a_receiver_that_goes_with_one_item_queued_and_one_waiting_drops_and_returns() {
    bounded(|| {
        let counted = Arc::new(());
        let (sender, receiver) = sync_channel(1);
        sender.send(Arc::clone(&counted)).unwrap();
        let item = Arc::clone(&counted);
        let sending = thread::spawn(move || sender.send(item).unwrap_err().0);
        settle();
        drop(receiver);
        let returned = sending.join().unwrap();
        assert_eq!(Arc::strong_count(&counted), 2, "only what was returned is left");
        drop(returned);
    });
}

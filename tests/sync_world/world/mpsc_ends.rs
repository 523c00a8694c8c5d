use super::common::{settle, unwind};
use super::world::sync::mpsc::{
    RecvError, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use super::world::thread;
use crate::support::bounded;

#[test]
fn an_iterator_ends_with_the_last_sender() {
    bounded(|| {
        let (sender, receiver) = channel();
        let summing = thread::spawn(move || receiver.iter().sum::<u32>());
        (1..=4).for_each(|item| sender.send(item).unwrap());
        settle();
        drop(sender);
        assert_eq!(summing.join().unwrap(), 10);
    });
}

#[test]
fn an_iterator_that_has_ended_stays_so() {
    let (sender, receiver) = channel::<u32>();
    drop(sender);
    let mut iter = receiver.iter();
    assert_eq!((iter.next(), iter.next()), (None, None));
    assert_eq!(receiver.into_iter().next(), None);
}

#[test]
fn a_loop_over_a_reference_leaves_the_receiver() {
    let (sender, receiver) = channel();
    (0..3).for_each(|item| sender.send(item).unwrap());
    for item in &receiver {
        if item == 1 {
            break;
        }
    }
    assert_eq!(receiver.recv(), Ok(2));
}

#[test]
fn try_iter_takes_what_is_there() {
    let (sender, receiver) = channel();
    assert_eq!(receiver.try_iter().count(), 0);
    (0..3).for_each(|item| sender.send(item).unwrap());
    let mut iter = receiver.try_iter();
    assert_eq!((iter.next(), iter.next(), iter.next()), (Some(0), Some(1), Some(2)));
    assert_eq!(iter.next(), None);
    sender.send(3).unwrap();
    assert_eq!(iter.next(), Some(3), "and goes on when more has come");
}

#[test]
fn a_dropped_iterator_that_owns_the_receiver_closes_the_channel() {
    let (sender, receiver) = channel();
    (0..3).for_each(|item| sender.send(item).unwrap());
    let mut iter = receiver.into_iter();
    assert_eq!(iter.next(), Some(0));
    drop(iter);
    assert!(sender.send(3).is_err());
}

#[test]
fn a_sender_that_panics_is_gone() {
    bounded(|| {
        let (sender, receiver) = channel();
        let sending = thread::spawn(move || {
            sender.send(7).unwrap();
            unwind();
        });
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(7), Err(RecvError)));
        assert!(sending.join().is_err());
    });
}

#[test]
fn a_receiver_that_panics_is_gone() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        let receiving = thread::spawn(move || {
            let item = receiver.recv();
            assert_eq!(item, Ok(7));
            unwind();
        });
        sender.send(7).unwrap();
        assert!(receiving.join().is_err());
        assert!(sender.send(8).is_err());
    });
}

#[test]
fn a_sender_is_shared_by_reference() {
    fn shared<T: Sync>(sender: T) -> T {
        sender
    }
    let (sender, receiver) = channel();
    let sender: Sender<u32> = shared(sender);
    sender.send(7).unwrap();
    assert_eq!(receiver.recv(), Ok(7));
    let (sender, receiver) = sync_channel(1);
    let sender: SyncSender<u32> = shared(sender);
    sender.send(7).unwrap();
    assert_eq!(receiver.recv(), Ok(7));
}

#[test]
fn errors_are_stds_own() {
    let error: std::sync::mpsc::RecvError = RecvError;
    assert_eq!(error.to_string(), "receiving on a closed channel");
    let error: std::sync::mpsc::TryRecvError = RecvError.into();
    assert_eq!(error, TryRecvError::Disconnected);
    let error: std::sync::mpsc::RecvTimeoutError = RecvError.into();
    assert_eq!(error, RecvTimeoutError::Disconnected);
    assert_eq!(RecvTimeoutError::Timeout.to_string(), "timed out waiting on channel");
}

//! Greenlets that are killed, or whose time is over, while they wait for something or hold it.

use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::sync::mpsc::{RecvError, TryRecvError, TrySendError, channel, sync_channel};
use greenhub::monkey::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use greenhub::{Greenlet, Hub, JoinError, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, settle};

fn for_ever() {
    sleep(Duration::from_secs(3600));
}

/// Runs `body` in a greenlet until it waits.
fn begun<T: 'static>(body: impl FnOnce() -> T + 'static) -> Greenlet<T> {
    let greenlet = spawn(body);
    settle();
    assert!(!greenlet.is_finished(), "it waits");
    greenlet
}

fn kill<T: 'static>(greenlet: &Greenlet<T>) {
    greenlet.kill();
    assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
}

#[test]
fn a_killed_waiter_leaves_nothing() {
    bounded(|| {
        let (mutex, lock, once) =
            (Rc::new(Mutex::new(7)), Rc::new(RwLock::new(7)), Rc::new(Once::new()));
        let (condvar, cell) = (Rc::new(Condvar::new()), Rc::new(OnceLock::<u32>::new()));
        for _ in 0..20 {
            let (guard, writing) = (mutex.lock().unwrap(), lock.write().unwrap());
            let (m, w, r, c, n, o, free) = (
                Rc::clone(&mutex),
                Rc::clone(&lock),
                Rc::clone(&lock),
                Rc::clone(&condvar),
                Rc::clone(&once),
                Rc::clone(&cell),
                Rc::new(Mutex::new(())),
            );
            let greenlets = [
                begun(move || drop(m.lock())),
                begun(move || drop(w.write())),
                begun(move || drop(r.read())),
                begun(move || drop(c.wait(free.lock().unwrap()))),
                begun(move || n.wait()),
                begun(move || {
                    o.wait();
                }),
            ];
            greenlets.iter().for_each(kill);
            drop((guard, writing));
            assert_eq!((*mutex.try_lock().unwrap(), *lock.try_write().unwrap()), (7, 7));
        }
        condvar.notify_all();
        once.call_once(|| ());
        cell.set(7).unwrap();
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_mutex_that_was_handed_to_one_that_is_killed_goes_to_the_next() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(7));
        let guard = mutex.lock().unwrap();
        let [first, second] = [(); 2].map(|()| {
            let mutex = Rc::clone(&mutex);
            begun(move || *mutex.lock().unwrap())
        });
        drop(guard);
        first.kill();
        assert!(matches!(first.join(), Err(JoinError::Killed)));
        assert_eq!(second.join().unwrap(), 7);
        assert!(!mutex.is_poisoned(), "the first never had it");
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_killed_holder_hands_it_on_and_poisons_it() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(7));
        let (holds, waits) = (Rc::clone(&mutex), Rc::clone(&mutex));
        let holder = begun(move || {
            let _guard = holds.lock().unwrap();
            for_ever();
        });
        let waiter = begun(move || waits.lock().is_err());
        kill(&holder);
        assert!(waiter.join().unwrap(), "it is poisoned");
        mutex.clear_poison();
        assert_eq!(*mutex.lock().unwrap(), 7);
    });
}

#[test]
fn a_limit_that_strikes_under_the_lock_poisons_it() {
    bounded(|| {
        let (mutex, lock) = (Mutex::new(7), RwLock::new(7));
        let limited = with_timeout(millis(5), || {
            let _guards = (mutex.lock().unwrap(), lock.write().unwrap());
            for_ever();
        });
        assert!(limited.is_err());
        assert!(mutex.is_poisoned() && lock.is_poisoned());
        assert_eq!(*mutex.lock().unwrap_err().into_inner(), 7);
    });
}

#[test]
fn a_limit_that_strikes_before_the_lock_or_while_one_reads_does_not_poison() {
    bounded(|| {
        let (mutex, lock) = (Mutex::new(7), RwLock::new(7));
        let guard = mutex.lock().unwrap();
        assert!(with_timeout(millis(5), || drop(mutex.lock())).is_err());
        drop(guard);
        let limited = with_timeout(millis(5), || {
            let _guard = lock.read().unwrap();
            for_ever();
        });
        assert!(limited.is_err());
        assert!(mutex.lock().is_ok() && lock.write().is_ok());
    });
}

#[test]
fn readers_behind_a_writer_that_is_killed_come_in() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(7));
        let reading = lock.read().unwrap();
        let (writes, reads) = (Rc::clone(&lock), Rc::clone(&lock));
        let writer = begun(move || drop(writes.write()));
        let reader = begun(move || *reads.read().unwrap());
        kill(&writer);
        assert_eq!(reader.join().unwrap(), 7, "beside the one that reads still");
        drop(reading);
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn readers_that_are_killed_as_they_are_let_in_do_not_keep_writers_out() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(7));
        let writing = lock.write().unwrap();
        let readers = [(); 3].map(|()| {
            let lock = Rc::clone(&lock);
            begun(move || drop(lock.read()))
        });
        let writes = Rc::clone(&lock);
        let writer = begun(move || *writes.write().unwrap() += 1);
        drop(writing);
        readers.iter().for_each(Greenlet::start_kill);
        readers.iter().for_each(kill);
        writer.join().unwrap();
        assert_eq!(*lock.try_read().unwrap(), 8);
    });
}

#[test]
fn one_that_is_killed_while_it_waits_for_a_condition_does_not_poison() {
    bounded(|| {
        let (mutex, condvar) = (Rc::new(Mutex::new(7)), Rc::new(Condvar::new()));
        let (locks, waits) = (Rc::clone(&mutex), Rc::clone(&condvar));
        let waiter = begun(move || drop(waits.wait(locks.lock().unwrap())));
        kill(&waiter);
        assert_eq!(*mutex.lock().unwrap(), 7);
        let limited = with_timeout(millis(5), || drop(condvar.wait(mutex.lock().unwrap())));
        assert!(limited.is_err());
        assert_eq!(*mutex.lock().unwrap(), 7);
    });
}

#[test]
fn a_notification_of_one_that_is_killed_goes_to_the_next() {
    bounded(|| {
        let (mutex, condvar) = (Rc::new(Mutex::new(7)), Rc::new(Condvar::new()));
        let [first, second] = [(); 2].map(|()| {
            let (mutex, condvar) = (Rc::clone(&mutex), Rc::clone(&condvar));
            begun(move || *condvar.wait(mutex.lock().unwrap()).unwrap())
        });
        condvar.notify_one();
        first.kill();
        assert_eq!(second.join().unwrap(), 7);

        let [first, second] = [(); 2].map(|()| {
            let (mutex, condvar) = (Rc::clone(&mutex), Rc::clone(&condvar));
            begun(move || *condvar.wait(mutex.lock().unwrap()).unwrap())
        });
        let guard = mutex.lock().unwrap();
        condvar.notify_one();
        settle();
        kill(&first);
        drop(guard);
        assert_eq!(second.join().unwrap(), 7, "the first waited for the mutex");
    });
}

#[test]
fn one_that_is_killed_at_a_barrier_is_counted_out() {
    bounded(|| {
        let barrier = Rc::new(Barrier::new(2));
        let [first, second] = [(); 2].map(|()| Rc::clone(&barrier));
        kill(&begun(move || first.wait().is_leader()));
        let second = begun(move || second.wait().is_leader());
        assert!(barrier.wait().is_leader());
        assert!(!second.join().unwrap());
    });
}

#[test]
fn what_a_killed_greenlet_was_doing_is_poisoned_or_left_to_the_next() {
    static LAZY: LazyLock<u32> = LazyLock::new(|| {
        for_ever();
        7
    });
    bounded(|| {
        let (once, cell) = (Rc::new(Once::new()), Rc::new(OnceLock::new()));
        let (does, waits) = (Rc::clone(&once), Rc::clone(&once));
        let doer = begun(move || does.call_once(for_ever));
        let waiter = begun(move || waits.call_once_force(|state| assert!(state.is_poisoned())));
        kill(&doer);
        waiter.join().unwrap();
        assert!(once.is_completed());

        let (sets, next) = (Rc::clone(&cell), Rc::clone(&cell));
        let setter = begun(move || {
            sets.get_or_init(|| {
                for_ever();
                7
            });
        });
        let next = begun(move || *next.get_or_init(|| 8));
        kill(&setter);
        assert_eq!((next.join().unwrap(), cell.get()), (8, Some(&8)));

        let maker = begun(|| *LAZY);
        let looker = begun(|| *LAZY);
        kill(&maker);
        assert!(matches!(looker.join(), Err(JoinError::Panicked(_))));
    });
}

#[test]
fn a_killed_receiver_leaves_its_item_to_the_next() {
    bounded(|| {
        for room in [None, Some(0), Some(1)] {
            let (sender, receiver) = match room {
                None => (None, channel()),
                Some(room) => (Some(sync_channel(room)), channel()),
            };
            // Either kind of channel, behind the same two closures.
            let (send, receiver): (Rc<dyn Fn(u32) -> bool>, _) = match sender {
                None => {
                    let (sender, receiver) = receiver;
                    (Rc::new(move |item| sender.send(item).is_ok()), receiver)
                }
                Some((sender, receiver)) => {
                    (Rc::new(move |item| sender.try_send(item).is_ok()), receiver)
                }
            };
            let receiver = Rc::new(receiver);
            let receives = Rc::clone(&receiver);
            let receiving = begun(move || receives.recv().is_ok());
            assert!(send(7));
            kill(&receiving);
            assert_eq!(receiver.recv(), Ok(7));
            drop(send);
            assert_eq!(receiver.recv(), Err(RecvError));
        }
    });
}

#[test]
fn a_killed_sender_takes_its_item_along_and_closes_the_channel() {
    bounded(|| {
        for room in [0, 1] {
            let (sender, receiver) = sync_channel(room);
            let counted = Rc::new(());
            (0..room).for_each(|_| sender.send(Rc::clone(&counted)).unwrap());
            let item = Rc::clone(&counted);
            let sending = begun(move || drop(sender.send(item)));
            kill(&sending);
            (0..room).for_each(|_| drop(receiver.recv().unwrap()));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
            assert_eq!(Rc::strong_count(&counted), 1);
        }
    });
}

#[test]
fn a_limit_that_strikes_in_a_channel_leaves_nobody_in_the_line() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        assert!(with_timeout(millis(5), || receiver.recv()).is_err());
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        assert!(with_timeout(millis(5), || sender.send(2)).is_err());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let sending = spawn(move || sender.send(3));
        assert_eq!(receiver.recv(), Ok(3));
        sending.join().unwrap().unwrap();
    });
}

#[test]
fn a_killed_receiver_end_wakes_who_waits_to_send() {
    bounded(|| {
        let (sender, receiver) = sync_channel(0);
        let owner = begun(move || {
            let _receiver = receiver;
            for_ever();
        });
        let sending = begun(move || sender.send(7).unwrap_err().0);
        kill(&owner);
        assert_eq!(sending.join().unwrap(), 7);
    });
}

#[test]
fn kills_of_all_kinds_leave_a_lock_that_works() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(0u32));
        for round in 0..200u32 {
            let greenlets: Vec<_> = (0..6u32)
                .map(|number| {
                    let lock = Rc::clone(&lock);
                    spawn(move || {
                        if (round + number).is_multiple_of(3) {
                            let mut value =
                                lock.write().unwrap_or_else(|poisoned| poisoned.into_inner());
                            *value += 1;
                            yield_now();
                        } else {
                            let _value =
                                lock.read().unwrap_or_else(|poisoned| poisoned.into_inner());
                            yield_now();
                        }
                    })
                })
                .collect();
            (0..round % 5).for_each(|_| yield_now());
            for (number, greenlet) in (0u32..).zip(&greenlets) {
                if (round / 7 + number).is_multiple_of(2) {
                    greenlet.start_kill();
                }
            }
            greenlets.iter().for_each(Greenlet::wait);
            assert!(!matches!(lock.try_write(), Err(std::sync::TryLockError::WouldBlock)));
        }
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

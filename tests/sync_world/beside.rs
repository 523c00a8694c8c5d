//! While one waits, the other greenlets of its hub go on.

use std::rc::Rc;
use std::sync::Arc;

use greenhub::monkey::sync::mpsc::{channel, sync_channel};
use greenhub::monkey::sync::{
    Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, RwLockWriteGuard,
};
use greenhub::{sleep, spawn, yield_now};

use crate::support::{Ticker, bounded, millis};

/// Far fewer than there is time for, since the machine may be busy.
const TICKS: u32 = 5;

/// Has another greenlet do `hold`, which takes its time, while `wait` waits for it.
fn ticks_beside(hold: impl FnOnce() + 'static, wait: impl FnOnce()) {
    let holder = spawn(hold);
    yield_now();
    let ticks = Ticker::beside(wait);
    holder.join().unwrap();
    assert!(ticks >= TICKS, "{ticks} ticks");
}

/// Takes its time in turns, in each of which others have theirs, however slow the machine is.
fn pause() {
    (0..20).for_each(|_| sleep(millis(2)));
}

#[test]
fn a_mutex() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(0));
        let held = Rc::clone(&mutex);
        let hold = move || {
            let _guard = held.lock().unwrap();
            pause();
        };
        ticks_beside(hold, || *mutex.lock().unwrap() += 1);
    });
}

#[test]
fn a_lock_to_read_and_to_write() {
    bounded(|| {
        let lock = Rc::new(RwLock::new(0));
        let held = Rc::clone(&lock);
        let write = move || {
            let guard = held.write().unwrap();
            pause();
            let _reading = RwLockWriteGuard::downgrade(guard);
            pause();
        };
        ticks_beside(write, || assert_eq!(*lock.read().unwrap(), 0));
        let held = Rc::clone(&lock);
        let read = move || {
            let _guard = held.read().unwrap();
            pause();
        };
        ticks_beside(read, || *lock.write().unwrap() += 1);
    });
}

#[test]
fn a_condition_with_and_without_a_limit() {
    bounded(|| {
        let (mutex, condvar) = (Rc::new(Mutex::new(false)), Rc::new(Condvar::new()));
        let (sets, notifies) = (Rc::clone(&mutex), Rc::clone(&condvar));
        let notify = move || {
            pause();
            *sets.lock().unwrap() = true;
            notifies.notify_one();
        };
        ticks_beside(notify, || {
            let is_set = condvar.wait_while(mutex.lock().unwrap(), |is_set| !*is_set).unwrap();
            assert!(*is_set);
        });
        ticks_beside(pause, || {
            let waited = condvar.wait_timeout(mutex.lock().unwrap(), millis(300)).unwrap();
            assert!(waited.1.timed_out());
        });
    });
}

#[test]
fn a_barrier() {
    bounded(|| {
        let barrier = Rc::new(Barrier::new(2));
        let meets = Rc::clone(&barrier);
        let meet = move || {
            pause();
            meets.wait();
        };
        ticks_beside(meet, || assert!(!barrier.wait().is_leader()));
    });
}

#[test]
fn what_is_done_once() {
    bounded(|| {
        let once = Rc::new(Once::new());
        let does = Rc::clone(&once);
        ticks_beside(move || does.call_once(pause), || once.call_once(|| unreachable!()));
        let once = Rc::new(Once::new());
        let does = Rc::clone(&once);
        ticks_beside(move || does.call_once(pause), || once.wait());
    });
}

#[test]
fn a_value_that_is_set_once() {
    bounded(|| {
        let cell = Rc::new(OnceLock::new());
        let sets = Rc::clone(&cell);
        let set = move || {
            sets.get_or_init(|| {
                pause();
                7
            });
        };
        ticks_beside(set, || assert_eq!(*cell.get_or_init(|| unreachable!()), 7));
        let cell = Rc::new(OnceLock::new());
        let sets = Rc::clone(&cell);
        let set = move || {
            pause();
            sets.set(7).unwrap();
        };
        ticks_beside(set, || assert_eq!(*cell.wait(), 7));
    });
}

#[test]
fn a_lazy_value() {
    static LAZY: LazyLock<u32> = LazyLock::new(|| {
        pause();
        7
    });
    bounded(|| ticks_beside(|| assert_eq!(*LAZY, 7), || assert_eq!(*LAZY, 7)));
}

#[test]
fn a_channel_with_and_without_a_limit() {
    bounded(|| {
        let (sender, receiver) = channel();
        let send = move || {
            pause();
            sender.send(7).unwrap();
            pause();
        };
        ticks_beside(send, || {
            assert_eq!(receiver.recv(), Ok(7));
            assert!(receiver.recv_timeout(millis(20)).is_err());
        });
    });
}

#[test]
fn a_channel_that_is_full_or_has_no_room() {
    bounded(|| {
        for room in [0, 1] {
            let (sender, receiver) = sync_channel(room);
            (0..room).for_each(|item| sender.send(item).unwrap());
            let receive = move || {
                pause();
                assert_eq!(receiver.iter().count(), room + 1);
            };
            ticks_beside(receive, move || sender.send(room).unwrap());
        }
    });
}

#[test]
fn attempts_that_fail() {
    bounded(|| {
        let mutex = Rc::new(Mutex::new(()));
        let held = Rc::clone(&mutex);
        let hold = move || {
            let _guard = held.lock().unwrap();
            pause();
        };
        ticks_beside(hold, || while mutex.try_lock().is_err() {});
        let lock = Rc::new(RwLock::new(()));
        let held = Rc::clone(&lock);
        let hold = move || {
            let _guard = held.write().unwrap();
            pause();
        };
        ticks_beside(hold, || while lock.try_read().is_err() || lock.try_write().is_err() {});
        let (sender, receiver) = sync_channel(1);
        let send = move || {
            pause();
            while sender.try_send(()).is_err() {}
            while sender.try_send(()).is_err() {}
        };
        ticks_beside(send, || {
            while receiver.try_recv().is_err() {}
            while receiver.try_recv().is_err() {}
        });
    });
}

#[test]
fn a_wait_for_a_plain_thread() {
    bounded(|| {
        let mutex = Arc::new(Mutex::new(()));
        let held = Arc::clone(&mutex);
        let (tells, told) = channel();
        let thread = std::thread::spawn(move || {
            let _guard = held.lock().unwrap();
            tells.send(()).unwrap();
            std::thread::sleep(millis(300));
        });
        told.recv().unwrap();
        let ticks = Ticker::beside(|| drop(mutex.lock().unwrap()));
        assert!(ticks >= TICKS, "{ticks} ticks");
        thread.join().unwrap();
    });
}

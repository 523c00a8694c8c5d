use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::common::{Flag, millis, settle, unwind, unwinds};
use super::world::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use super::world::thread;
use crate::support::bounded;

fn poisoned<T>(value: T) -> Mutex<T> {
    let mutex = Mutex::new(value);
    assert!(unwinds(|| {
        let _guard = mutex.lock().unwrap();
        unwind()
    }));
    mutex
}

#[test]
fn it_stands_in_a_static() {
    static SUM: Mutex<u32> = Mutex::new(1);
    *SUM.lock().unwrap() += 1;
    assert_eq!(*SUM.lock().unwrap(), 2);
}

#[test]
fn try_lock_of_a_held_mutex_would_block() {
    let mutex = Mutex::new(7);
    let guard = mutex.lock().unwrap();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 7);
}

#[test]
fn try_lock_of_a_held_and_poisoned_mutex_would_block() {
    let mutex = poisoned(7);
    let _guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
}

#[test]
fn a_panic_under_the_lock_poisons_it_and_unlocks() {
    let mutex = poisoned(7);
    assert!(mutex.is_poisoned());
    let error = mutex.lock().unwrap_err();
    assert_eq!(**error.get_ref(), 7);
    drop(error);
    let Err(TryLockError::Poisoned(error)) = mutex.try_lock() else { panic!("not poisoned") };
    assert_eq!(*error.into_inner(), 7);
}

#[test]
fn a_panic_before_or_after_the_lock_does_not_poison_it() {
    let mutex = Mutex::new(7);
    assert!(unwinds(|| {
        drop(mutex.lock().unwrap());
        unwind()
    }));
    assert!(!mutex.is_poisoned());
}

#[test]
fn a_panic_of_a_thread_poisons_it_for_the_others() {
    bounded(|| {
        let mutex = Arc::new(Mutex::new(7));
        let other = Arc::clone(&mutex);
        let died = thread::spawn(move || {
            *other.lock().unwrap() = 8;
            let _guard = other.lock().unwrap();
            unwind();
        });
        assert!(died.join().is_err());
        assert_eq!(*mutex.lock().unwrap_err().into_inner(), 8);
    });
}

#[test]
fn a_waiter_of_a_mutex_that_is_poisoned_gets_the_poison() {
    bounded(|| {
        let mutex = Arc::new(Mutex::new(7));
        let (holds, waits) = (Arc::clone(&mutex), Arc::clone(&mutex));
        let begun = Flag::default();
        let tells = begun.clone();
        let holder = thread::spawn(move || {
            let _guard = holds.lock().unwrap();
            tells.set();
            thread::sleep(millis(80));
            unwind();
        });
        begun.wait();
        let waiter = thread::spawn(move || waits.lock().is_err());
        assert!(waiter.join().unwrap());
        assert!(holder.join().is_err());
    });
}

struct LocksInDrop<'a>(&'a Mutex<u32>);

impl Drop for LocksInDrop<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_destructor_that_locks_while_unwinding_does_not_poison() {
    let mutex = Mutex::new(7);
    assert!(unwinds(|| {
        let _locks = LocksInDrop(&mutex);
        unwind()
    }));
    assert_eq!(*mutex.lock().unwrap(), 8);
}

#[test]
fn a_destructor_locks_what_its_own_frame_has_just_unlocked() {
    let mutex = Mutex::new(7);
    assert!(unwinds(|| {
        let _locks = Locks(&mutex);
        let _guard = mutex.lock().unwrap();
        unwind()
    }));
    assert_eq!(*mutex.lock().unwrap_err().into_inner(), 8);

    struct Locks<'a>(&'a Mutex<u32>);

    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap_err().into_inner() += 1;
        }
    }
}

#[test]
fn a_guard_of_a_poisoned_mutex_works_as_any() {
    let mutex = poisoned(7);
    *mutex.lock().unwrap_or_else(PoisonError::into_inner) = 8;
    assert!(mutex.is_poisoned(), "the poison stays");
    assert_eq!(**mutex.lock().unwrap_err().get_mut(), 8);
}

#[test]
fn cleared_poison_is_gone() {
    let mutex = poisoned(7);
    mutex.clear_poison();
    assert!(!mutex.is_poisoned());
    assert_eq!(*mutex.lock().unwrap(), 7);
    assert_eq!(*mutex.try_lock().unwrap(), 7);
}

#[test]
fn poison_can_be_cleared_while_it_is_held() {
    let mutex = poisoned(7);
    let guard = mutex.lock().unwrap_err().into_inner();
    mutex.clear_poison();
    drop(guard);
    assert!(mutex.lock().is_ok());
}

#[test]
fn into_inner_gives_the_value_also_out_of_a_poisoned_mutex() {
    assert_eq!(Mutex::new("value".to_owned()).into_inner().unwrap(), "value");
    let error = poisoned("value".to_owned()).into_inner().unwrap_err();
    assert_eq!(error.into_inner(), "value");
}

#[test]
fn into_inner_drops_the_value_once() {
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let mutex = Mutex::new(Counts(Arc::clone(&drops)));
    let inner = mutex.into_inner().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(inner);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    drop(Mutex::new(Counts(Arc::clone(&drops))));
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn get_mut_needs_no_lock_and_tells_of_poison() {
    let mut mutex = Mutex::new(7);
    *mutex.get_mut().unwrap() = 8;
    assert_eq!(*mutex.lock().unwrap(), 8);
    let mut mutex = poisoned(7);
    let error = mutex.get_mut().unwrap_err();
    assert_eq!(*error.into_inner(), 7);
}

#[test]
fn a_forgotten_guard_leaves_it_locked() {
    let mut mutex = Mutex::new(7);
    std::mem::forget(mutex.lock().unwrap());
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    assert_eq!(*mutex.get_mut().unwrap(), 7);
    assert_eq!(mutex.into_inner().unwrap(), 7);
}

#[test]
fn its_texts_are_these() {
    let mutex = Mutex::new(7);
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 7, poisoned: false, .. }");
    let guard = mutex.lock().unwrap();
    assert_eq!(format!("{guard:?} {guard}"), "7 7");
    assert_eq!(format!("{mutex:?}"), "Mutex { data: \"<locked>\", poisoned: false, .. }");
    drop(guard);
    assert_eq!(format!("{:?}", poisoned(7)), "Mutex { data: 7, poisoned: true, .. }");
    let mutex = poisoned(7);
    let error = mutex.lock().unwrap_err();
    assert_eq!(error.to_string(), "poisoned lock: another task failed inside");
    assert_eq!(format!("{error:?}"), "PoisonError { .. }");
}

#[test]
fn it_is_made_from_a_value_and_by_default() {
    assert_eq!(*Mutex::from(7).lock().unwrap(), 7);
    assert_eq!(*Mutex::<Vec<u8>>::default().lock().unwrap(), []);
}

#[test]
fn it_holds_what_has_no_size() {
    let mutex: &Mutex<[i32]> = &Mutex::new([1, 2, 3]);
    mutex.lock().unwrap()[0] = 4;
    assert_eq!(&*mutex.lock().unwrap(), [4, 2, 3]);
    let shown: Arc<Mutex<dyn std::fmt::Display>> = Arc::new(Mutex::new(7));
    assert_eq!(shown.lock().unwrap().to_string(), "7");
}

#[test]
fn a_question_mark_passes_the_poison_on() {
    fn read(mutex: &Mutex<u32>) -> Result<u32, PoisonError<MutexGuard<'_, u32>>> {
        Ok(*mutex.lock()?)
    }
    assert_eq!(read(&Mutex::new(7)).unwrap(), 7);
    assert!(read(&poisoned(7)).is_err());
    fn try_read(mutex: &Mutex<u32>) -> Result<u32, TryLockError<MutexGuard<'_, u32>>> {
        Ok(*mutex.try_lock()?)
    }
    assert_eq!(try_read(&poisoned(7)).unwrap_err().to_string().len(), 41);
}

#[test]
fn who_waits_gets_it_when_the_holder_is_done() {
    bounded(|| {
        let mutex = Arc::new(Mutex::new(0));
        let held = Arc::clone(&mutex);
        let guard = mutex.lock().unwrap();
        let start = Instant::now();
        let waiter = thread::spawn(move || {
            *held.lock().unwrap() += 1;
            start.elapsed()
        });
        thread::sleep(millis(30));
        drop(guard);
        assert!(waiter.join().unwrap() >= millis(30));
        assert_eq!(*mutex.lock().unwrap(), 1);
    });
}

#[test]
fn a_thousand_additions_of_each_of_eight_make_eight_thousand() {
    bounded(|| {
        static SUM: Mutex<u32> = Mutex::new(0);
        let workers: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(|| {
                    for number in 0..1_000 {
                        let mut sum = SUM.lock().unwrap();
                        let before = *sum;
                        if number % 100 == 0 {
                            thread::yield_now();
                        }
                        *sum = before + 1;
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        assert_eq!(*SUM.lock().unwrap(), 8_000);
    });
}

#[test]
fn polling_with_try_lock_ends_when_it_is_unlocked() {
    bounded(|| {
        let mutex = Arc::new(Mutex::new(()));
        let held = Arc::clone(&mutex);
        let holder = thread::spawn(move || {
            let _guard = held.lock().unwrap();
            thread::sleep(millis(20));
        });
        settle();
        while mutex.try_lock().is_err() {}
        holder.join().unwrap();
    });
}

#[test]
fn one_mutex_may_hold_another() {
    bounded(|| {
        let inner = Arc::new(Mutex::new(1));
        let outer = Arc::new(Mutex::new(Arc::clone(&inner)));
        let nested = thread::spawn(move || {
            let outer = outer.lock().unwrap();
            *outer.lock().unwrap() += 1;
        });
        nested.join().unwrap();
        assert_eq!(*inner.lock().unwrap(), 2);
    });
}

#[test]
fn guards_of_two_are_dropped_in_any_order() {
    let (one, other) = (Mutex::new(1), Mutex::new(2));
    let (first, second) = (one.lock().unwrap(), other.lock().unwrap());
    drop(first);
    assert!(one.try_lock().is_ok() && other.try_lock().is_err());
    drop(second);
    assert!(other.try_lock().is_ok());
}

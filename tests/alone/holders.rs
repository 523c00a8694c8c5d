//! Who holds what is waited for, and who waits for each other in a circle.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::sync::{Event, Lock, RLock, Semaphore};
use greenhub::{Builder, Greenlet, debug, monkey, spawn, yield_now};

use crate::report_of;

pub(crate) fn all() {
    who_holds_a_lock_is_named();
    one_to_whom_a_lock_was_handed_holds_it();
    who_writes_is_named_and_one_who_reads_and_of_several_how_many_they_are();
    who_took_a_permit_last_is_named();
    a_holder_that_is_not_there_any_more_is_not_named();
    one_of_another_thread_is_not_named();
    a_circle_of_a_lock_and_a_join_is_told();
    a_circle_of_locks_is_told_though_they_were_handed_over();
    a_lock_that_its_holder_wants_is_a_circle();
    who_only_waits_at_a_circle_is_no_part_of_it();
    a_permit_makes_no_circle();
    a_killed_waiter_leaves_the_holder_as_it_was();
    a_dump_tells_who_holds_what();
}

fn named(name: &str, body: impl FnOnce() + 'static) -> Greenlet<()> {
    let greenlet = Builder::new().name(name).spawn(body).unwrap();
    yield_now();
    greenlet
}

fn never() {
    Event::new().wait().unwrap();
}

/// What is told when main waits, too.
fn told() -> String {
    report_of(never)
}

fn who_holds_a_lock_is_named() {
    let (lock, rlock) = (Rc::new(Lock::new()), Rc::new(RLock::new()));
    let mutex = Rc::new(monkey::sync::Mutex::new(()));
    let held = (Rc::clone(&lock), Rc::clone(&rlock), Rc::clone(&mutex));
    let holder = named("holder", move || {
        let (lock, rlock, mutex) = held;
        let _lock = lock.lock().unwrap();
        let _rlock = (rlock.lock().unwrap(), rlock.lock().unwrap());
        let _mutex = mutex.lock().unwrap();
        never();
    });
    let waiters = [
        named("a", move || lock.acquire().unwrap()),
        named("b", move || rlock.acquire().unwrap()),
        named("c", move || drop(mutex.lock())),
    ];
    let told = told();
    for (name, what) in [("a", "a lock"), ("b", "a lock"), ("c", "a mutex")] {
        let line = format!("'{name}' waits for {what}, held by greenlet {} 'holder'", holder.id());
        assert!(told.contains(&line), "{told}");
    }
    assert!(told.contains("'holder' waits for an event (made at"), "{told}");
    greenhub::killall(&waiters);
    holder.kill();
}

fn one_to_whom_a_lock_was_handed_holds_it() {
    let (lock, mutex) = (Rc::new(Lock::new()), Rc::new(monkey::sync::Mutex::new(())));
    let (first, first_mutex) = (lock.lock().unwrap(), mutex.lock().unwrap());
    let greenlets = ["next", "last"].map(|name| {
        let (lock, mutex) = (Rc::clone(&lock), Rc::clone(&mutex));
        named(name, move || {
            let _held = (lock.lock().unwrap(), mutex.lock().unwrap());
            never();
        })
    });
    drop(first);
    let dumped = debug::dump().to_string();
    let handed = format!("'last' waits for a lock, held by greenlet {} 'next'", greenlets[0].id());
    assert!(dumped.contains(&handed), "before that has run: {dumped}");
    assert!(dumped.contains("'next' is ready, having waited for a lock,"), "{dumped}");
    yield_now();
    let told = report_of(|| drop(mutex.lock()));
    assert!(told.contains(&handed), "{told}");
    assert!(told.contains("in a circle: main waits for a mutex, held by main\n"), "{told}");
    drop(first_mutex);
    greenhub::killall(&greenlets);
}

fn who_writes_is_named_and_one_who_reads_and_of_several_how_many_they_are() {
    let lock = Rc::new(monkey::sync::RwLock::new(7));
    let holds = |name: &str, writes: bool| {
        let lock = Rc::clone(&lock);
        named(name, move || {
            let _write = writes.then(|| lock.write().unwrap());
            let _read = (!writes).then(|| lock.read().unwrap());
            never();
        })
    };
    let writer = holds("writer", true);
    let told = report_of(|| drop(lock.read()));
    let what = "main waits to read what another writes, held by greenlet";
    assert!(told.contains(&format!("{what} {} 'writer'", writer.id())), "{told}");
    writer.kill();
    lock.clear_poison();
    let reader = holds("reader", false);
    let what = "main waits to write what others read, held by";
    let told = report_of(|| drop(lock.write()));
    assert!(told.contains(&format!("{what} greenlet {} 'reader'", reader.id())), "{told}");
    let another = holds("another", false);
    let told = report_of(|| drop(lock.write()));
    assert!(told.contains(&format!("{what} 2 who read")), "{told}");
    reader.kill();
    let told = report_of(|| drop(lock.write()));
    assert!(told.contains(&format!("{what} 1 who read")), "it is not known who: {told}");
    another.kill();
    assert!(lock.try_write().is_ok());
}

fn who_took_a_permit_last_is_named() {
    let semaphore = Rc::new(Semaphore::new(1));
    let told = report_of(|| Semaphore::new(0).acquire().unwrap());
    assert!(told.contains("main waits for a semaphore") && !told.contains("taken"), "{told}");
    let takes = Rc::clone(&semaphore);
    let taker = named("taker", move || {
        let _permit = takes.permit().unwrap();
        never();
    });
    let told = report_of(|| semaphore.acquire().unwrap());
    let line = format!("a semaphore, taken last by greenlet {} 'taker'", taker.id());
    assert!(told.contains(&line), "{told}");
    taker.kill();
    assert_eq!(semaphore.free(), 1);
}

fn a_holder_that_is_not_there_any_more_is_not_named() {
    let lock: &'static Lock = Box::leak(Box::default());
    named("forgets", || lock.acquire().unwrap()).join().unwrap();
    let told = report_of(|| lock.acquire().unwrap());
    assert!(told.contains("main waits for a lock, held by one "), "{told}");
    assert!(!told.contains("circle"), "{told}");
}

fn one_of_another_thread_is_not_named() {
    static LOCK: Lock = Lock::new();
    static MUTEX: monkey::sync::Mutex<()> = monkey::sync::Mutex::new(());
    let holds = || {
        LOCK.acquire().unwrap();
        std::mem::forget(MUTEX.lock());
    };
    // One in a greenlet with the number that main has here, and one in a thread without a hub.
    std::thread::spawn(move || spawn(holds).join().unwrap()).join().unwrap();
    let told = report_of(|| LOCK.acquire().unwrap());
    assert!(told.contains("main waits for a lock, held by one of another thread, or"), "{told}");
    let told = report_of(|| drop(MUTEX.lock()));
    assert!(told.contains("main waits for a mutex, held by one of another thread, or"), "{told}");
    LOCK.release().unwrap();
    std::thread::spawn(|| LOCK.acquire().unwrap()).join().unwrap();
    let told = report_of(|| LOCK.acquire().unwrap());
    assert!(told.contains("main waits for a lock, held by one of another thread, or"), "{told}");
}

type Slot = Rc<RefCell<Option<Greenlet<()>>>>;

fn a_circle_of_a_lock_and_a_join_is_told() {
    let (lock, slot) = (Rc::new(Lock::new()), Slot::default());
    let (held, other) = (Rc::clone(&lock), Rc::clone(&slot));
    let ann = named("ann", move || {
        let _held = held.lock().unwrap();
        while other.borrow().is_none() {
            yield_now();
        }
        let bob = other.borrow().clone().unwrap();
        bob.wait();
    });
    let bob = named("bob", move || lock.acquire().unwrap());
    *slot.borrow_mut() = Some(bob.clone());
    let told = report_of(|| ann.wait());
    let (a, b) = (format!("greenlet {} 'ann'", ann.id()), format!("greenlet {} 'bob'", bob.id()));
    let circle = format!(
        "\n  in a circle: {a} waits for the end of {b}, which waits for a lock, held by {a}\n"
    );
    assert!(told.contains(&circle), "{told}");
    ann.kill();
    bob.join().unwrap();
}

fn a_circle_of_locks_is_told_though_they_were_handed_over() {
    let (one, other) = (Rc::new(RLock::new()), Rc::new(monkey::sync::Mutex::new(())));
    let (lock, mutex) = (Rc::clone(&one), Rc::clone(&other));
    let (keep, keep_too) = (Rc::clone(&one), Rc::clone(&other));
    let (first, second) = (keep.lock().unwrap(), keep_too.lock().unwrap());
    let romeo = named("romeo", move || {
        let _one = lock.lock().unwrap();
        drop(mutex.lock());
    });
    let juliet = named("juliet", move || {
        let _other = other.lock().unwrap();
        one.acquire().unwrap();
    });
    drop((first, second));
    let told = report_of(|| romeo.wait());
    let (r, j) = (romeo.id(), juliet.id());
    let circle = format!(
        "\n  in a circle: greenlet {r} 'romeo' waits for a mutex, held by greenlet {j} 'juliet', \
         which waits for a lock, held by greenlet {r} 'romeo'\n"
    );
    assert!(told.contains(&circle), "{told}");
    romeo.kill();
    juliet.kill();
}

fn a_lock_that_its_holder_wants_is_a_circle() {
    let lock = Lock::new();
    let _held = lock.lock().unwrap();
    let told = report_of(|| lock.acquire().unwrap());
    assert!(told.contains("in a circle: main waits for a lock, held by main\n"), "{told}");
}

fn who_only_waits_at_a_circle_is_no_part_of_it() {
    let lock = Rc::new(Lock::new());
    let (again, waits) = (Rc::clone(&lock), Rc::clone(&lock));
    let twice = named("twice", move || {
        again.acquire().unwrap();
        again.acquire().unwrap();
    });
    let behind = named("behind", move || waits.acquire().unwrap());
    let told = report_of(|| behind.wait());
    let name = format!("greenlet {} 'twice'", twice.id());
    let circle = format!("in a circle: {name} waits for a lock, held by {name}\n");
    assert!(told.contains(&circle), "{told}");
    twice.kill();
    behind.kill();
}

fn a_permit_makes_no_circle() {
    let semaphore = Semaphore::new(1);
    semaphore.acquire().unwrap();
    // Anyone may release it, so it is not main that it is waited for.
    let told = report_of(|| semaphore.acquire().unwrap());
    assert!(told.contains("a semaphore, taken last by main"), "{told}");
    assert!(!told.contains("circle"), "{told}");
}

fn a_killed_waiter_leaves_the_holder_as_it_was() {
    let (lock, mutex) = (Rc::new(Lock::new()), Rc::new(monkey::sync::Mutex::new(())));
    let (held, held_mutex) = (lock.lock().unwrap(), mutex.lock().unwrap());
    let (waits, waits_too) = (Rc::clone(&lock), Rc::clone(&mutex));
    let killed = [
        named("killed", move || waits.acquire().unwrap()),
        named("killed too", move || drop(waits_too.lock())),
    ];
    greenhub::killall(&killed);
    let limited = greenhub::with_timeout(Duration::from_millis(1), || lock.acquire().unwrap());
    assert!(limited.is_err());
    let told = report_of(|| lock.acquire().unwrap());
    assert!(told.contains("main waits for a lock, held by main\n"), "{told}");
    let told = report_of(|| drop(mutex.lock()));
    assert!(told.contains("main waits for a mutex, held by main\n"), "{told}");
    // One that is killed after it was handed the lock, and before it has run.
    let late = {
        let (lock, mutex) = (Rc::clone(&lock), Rc::clone(&mutex));
        [named("late", move || lock.acquire().unwrap()), named("later", move || drop(mutex.lock()))]
    };
    drop((held, held_mutex));
    greenhub::killall(&late);
    assert!(!lock.is_locked() && mutex.try_lock().is_ok());
}

fn a_dump_tells_who_holds_what() {
    let lock = Rc::new(Lock::new());
    let _held = lock.lock().unwrap();
    let waits = Rc::clone(&lock);
    let clerk = named("clerk", move || waits.acquire().unwrap());
    let dumped = debug::dump().to_string();
    assert!(dumped.contains("'clerk' waits for a lock, held by main"), "{dumped}");
    clerk.kill();
}

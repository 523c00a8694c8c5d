//! The laws of waiting, each for everything that can be waited for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::sync::{
    AsyncResult, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore, WaitError,
};
use greenhub::{Greenlet, Hub, joinall, sleep, spawn};

use crate::support::{bounded, millis, settle};

/// Something to wait for, and a way to end one wait of it.
#[derive(Clone)]
struct Subject {
    name: &'static str,
    wait: Rc<dyn Fn(Duration) -> Result<(), WaitError>>,
    grant: Rc<dyn Fn()>,
    /// A grant is for one waiter, and not for all.
    is_for_one: bool,
}

fn subject<P: 'static>(
    name: &'static str,
    is_for_one: bool,
    primitive: P,
    wait: fn(&P, Duration) -> Result<(), WaitError>,
    grant: fn(&P),
) -> Subject {
    let primitive = Rc::new(primitive);
    let same = Rc::clone(&primitive);
    let wait = Rc::new(move |limit| wait(&same, limit));
    Subject { name, wait, grant: Rc::new(move || grant(&primitive)), is_for_one }
}

fn subjects() -> Vec<Subject> {
    let taken = BoundedSemaphore::new(1);
    taken.acquire().unwrap();
    let locked = Lock::new();
    locked.acquire().unwrap();
    let owned = RLock::new();
    owned.acquire().unwrap();
    vec![
        subject("event", false, Event::new(), Event::wait_for, Event::set),
        subject(
            "result",
            false,
            AsyncResult::<u32>::new(),
            |result, limit| result.wait_for(limit),
            |result| result.set(1),
        ),
        subject("semaphore", true, Semaphore::new(0), Semaphore::acquire_for, Semaphore::release),
        subject("bounded", true, taken, BoundedSemaphore::acquire_for, |semaphore| {
            semaphore.release().unwrap();
        }),
        subject("lock", true, locked, Lock::acquire_for, |lock| lock.release().unwrap()),
        // Who gets it passes it on, as only its owner can.
        subject(
            "rlock",
            false,
            owned,
            |lock, limit| lock.acquire_for(limit).map(|()| lock.release().unwrap()),
            |lock| lock.release().unwrap(),
        ),
        subject(
            "condition",
            true,
            (Lock::new(), Condition::new()),
            |(lock, condition), limit| match condition.wait_for(lock.lock()?, limit)? {
                (_, true) => Ok(()),
                (_, false) => Err(WaitError::TimedOut),
            },
            |(_, condition)| condition.notify_one(),
        ),
    ]
}

fn each(law: fn(Subject)) {
    bounded(move || {
        for subject in subjects() {
            println!("{}", subject.name);
            law(subject);
            assert_eq!(Hub::current().stats().timers, 0);
            assert_eq!(Hub::current().stats().stacks_in_use, 0);
        }
    });
}

const LONG: Duration = Duration::from_secs(30);

type Done = Rc<RefCell<Vec<u32>>>;

/// So many greenlets that wait, and the list of those whose wait was ended by a grant.
fn waiters(subject: &Subject, count: u32) -> (Vec<Greenlet<()>>, Done) {
    let done = Done::default();
    let greenlets = (0..count).map(|number| {
        let (wait, done) = (Rc::clone(&subject.wait), Rc::clone(&done));
        spawn(move || {
            if wait(LONG).is_ok() {
                done.borrow_mut().push(number);
            }
        })
    });
    let greenlets = greenlets.collect();
    settle();
    (greenlets, done)
}

#[test]
fn a_limit_is_kept() {
    each(|subject| {
        let start = Instant::now();
        let wait = Rc::clone(&subject.wait);
        let timed = spawn(move || (wait(Duration::ZERO), wait(millis(10))));
        let timed_out = Err(WaitError::TimedOut);
        assert_eq!(timed.join().unwrap(), (timed_out, timed_out));
        assert!((millis(10)..millis(2_000)).contains(&start.elapsed()));
    });
}

#[test]
fn a_limit_that_is_not_needed_does_not_delay() {
    each(|subject| {
        let (greenlets, done) = waiters(&subject, 1);
        let start = Instant::now();
        (subject.grant)();
        joinall(&greenlets);
        assert!(start.elapsed() < millis(2_000));
        assert_eq!(*done.borrow(), [0]);
    });
}

#[test]
fn a_wake_is_neither_lost_nor_doubled() {
    each(|subject| {
        let (greenlets, done) = waiters(&subject, 5);
        for granted in 1..=5 {
            if subject.is_for_one || granted == 1 {
                (subject.grant)();
            }
            settle();
            let expected = if subject.is_for_one { granted } else { 5 };
            assert_eq!(done.borrow().len(), expected);
        }
        joinall(&greenlets);
    });
}

#[test]
fn first_come_first_served() {
    each(|subject| {
        let (greenlets, done) = waiters(&subject, 5);
        let grants = if subject.is_for_one { 5 } else { 1 };
        (0..grants).for_each(|_| (subject.grant)());
        joinall(&greenlets);
        assert_eq!(*done.borrow(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn one_that_is_killed_in_the_line_leaves_its_place() {
    each(|subject| {
        let (greenlets, done) = waiters(&subject, 3);
        greenlets[0].kill();
        (subject.grant)();
        settle();
        assert_eq!(done.borrow().first(), Some(&1));
        greenlets.iter().for_each(Greenlet::kill);
    });
}

#[test]
fn one_that_is_killed_after_the_grant_passes_it_on() {
    each(|subject| {
        let (greenlets, done) = waiters(&subject, 2);
        (subject.grant)();
        greenlets[0].kill();
        settle();
        assert_eq!(*done.borrow(), [1]);
        joinall(&greenlets);
    });
}

#[test]
fn one_that_timed_out_leaves_nothing_behind() {
    each(|subject| {
        let wait = Rc::clone(&subject.wait);
        let hasty = spawn(move || wait(millis(5)));
        settle();
        let (greenlets, done) = waiters(&subject, 1);
        assert_eq!(hasty.join().unwrap(), Err(WaitError::TimedOut));
        (subject.grant)();
        joinall(&greenlets);
        assert_eq!(*done.borrow(), [0]);
    });
}

#[test]
fn a_grant_in_the_moment_of_the_deadline_counts() {
    each(|subject| {
        let wait = Rc::clone(&subject.wait);
        let waiter = spawn(move || wait(millis(10)));
        let hog = spawn(|| std::thread::sleep(millis(20)));
        // Both are due in one turn, and main runs first.
        sleep(millis(5));
        (subject.grant)();
        assert_eq!(waiter.join().unwrap(), Ok(()));
        hog.join().unwrap();
    });
}

#[test]
fn one_that_unwinds_is_refused_and_does_not_panic() {
    struct WaitsInDrop(Subject, Rc<Cell<Option<WaitError>>>);
    impl Drop for WaitsInDrop {
        fn drop(&mut self) {
            self.1.set((self.0.wait)(LONG).err());
        }
    }
    each(|subject| {
        let refused = Rc::new(Cell::new(None));
        let waits = WaitsInDrop(subject, Rc::clone(&refused));
        let victim = spawn(move || {
            let _waits = waits;
            sleep(LONG);
        });
        settle();
        victim.kill();
        assert_eq!(refused.get(), Some(WaitError::Unwinding));
    });
}

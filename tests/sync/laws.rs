//! The laws of waiting, each for everything that can be waited for.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::queue::{Channel, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenhub::sync::{
    AsyncResult, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore, WaitError,
};
use greenhub::{Greenlet, Hub, JoinError, Select, joinall, sleep, spawn, with_timeout};

use crate::support::{bounded, millis, settle};

/// Something to wait for, and a way to end one wait of it.
#[derive(Clone)]
struct Subject {
    name: &'static str,
    wait: Rc<dyn Fn(Duration) -> Result<(), WaitError>>,
    grant: Rc<dyn Fn()>,
    /// A grant is for one waiter, and not for all.
    is_for_one: bool,
    /// To be granted, it has to be run: some greenlet has to end.
    takes_a_turn: bool,
    /// What was granted to one that is killed is for the next: it has not been used up.
    passes_on: bool,
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
    let grant = Rc::new(move || grant(&primitive));
    Subject { name, wait, grant, is_for_one, takes_a_turn: false, passes_on: true }
}

fn error_of_get(error: GetError) -> WaitError {
    match error {
        GetError::Unwinding => WaitError::Unwinding,
        _ => WaitError::TimedOut,
    }
}

fn error_of_put(error: PutError<u32>) -> WaitError {
    match error {
        PutError::Unwinding(_) => WaitError::Unwinding,
        _ => WaitError::TimedOut,
    }
}

/// To get from each kind of queue, and to put.
macro_rules! queues {
    ($($name:literal $queue:expr),* $(,)?) => {
        vec![$(
            subject(
                concat!($name, ", to get"),
                true,
                $queue,
                |queue, limit| queue.get_for(limit).map(drop).map_err(error_of_get),
                |queue| queue.try_put(1).unwrap(),
            ),
            Subject {
                passes_on: false,
                ..subject(
                    concat!($name, ", to put"),
                    true,
                    {
                        let queue = $queue;
                        while queue.try_put(1).is_ok() {}
                        queue
                    },
                    |queue, limit| queue.put_for(1, limit).map_err(error_of_put),
                    |queue| assert!(queue.try_get().is_ok()),
                )
            },
        )*]
    };
}

/// A greenlet that ends when it is told.
#[derive(Default)]
struct UntilTold {
    greenlet: OnceCell<Greenlet<()>>,
    told: Rc<Event>,
}

impl UntilTold {
    fn greenlet(&self) -> &Greenlet<()> {
        let told = Rc::clone(&self.told);
        self.greenlet.get_or_init(|| spawn(move || told.wait().unwrap()))
    }
}

impl Drop for UntilTold {
    fn drop(&mut self) {
        self.told.set();
    }
}

/// Those that are built on others.
fn compound() -> Vec<Subject> {
    let joined = Queue::new();
    joined.put(1).unwrap();
    vec![
        subject(
            "select",
            true,
            Queue::new(),
            |queue, limit| {
                let select = Select::new().get(queue, |item| item.map(drop).ok());
                let done = select.after(limit, || None).run()?;
                done.ok_or(WaitError::TimedOut)
            },
            |queue| queue.put(1).unwrap(),
        ),
        subject(
            "queue, to be done",
            false,
            joined,
            |queue, limit| queue.join_for(limit),
            |queue| queue.task_done().unwrap(),
        ),
        subject(
            "semaphore, to be free",
            false,
            Semaphore::new(0),
            Semaphore::wait_for,
            Semaphore::release,
        ),
        Subject {
            takes_a_turn: true,
            ..subject(
                "greenlet",
                false,
                UntilTold::default(),
                |subject, limit| match subject.greenlet().join_for(limit) {
                    Err(JoinError::TimedOut) => Err(WaitError::TimedOut),
                    Err(JoinError::Unwinding) => Err(WaitError::Unwinding),
                    _ => Ok(()),
                },
                |subject| subject.told.set(),
            )
        },
    ]
}

fn subjects() -> Vec<Subject> {
    let queues = queues![
        "queue" Queue::bounded(2),
        "stack" LifoQueue::bounded(1),
        "priority queue" PriorityQueue::bounded(1),
        "channel" Channel::new(),
    ];
    [primitives(), queues, compound()].concat()
}

fn primitives() -> Vec<Subject> {
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
            // One of them has a greenlet of its own, which has to end.
            settle();
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
fn an_outer_timeout_is_not_lost() {
    each(|subject| {
        let wait = Rc::clone(&subject.wait);
        let hasty = spawn(move || with_timeout(millis(5), || wait(LONG)).is_err());
        settle();
        let (greenlets, done) = waiters(&subject, 1);
        assert!(hasty.join().unwrap());
        (subject.grant)();
        joinall(&greenlets);
        assert_eq!(*done.borrow(), [0]);
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
        if subject.passes_on {
            assert_eq!(*done.borrow(), [1]);
        } else {
            assert_eq!(*done.borrow(), []);
            (subject.grant)();
        }
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
        let waited = waiter.join().unwrap();
        assert!(waited.is_ok() || subject.takes_a_turn);
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

//! Events, results, locks, semaphores, a condition and a barrier.
//!
//! The model of each is a count or a flag, and who stands in its line. What is checked: who has to wait and who
//! has not; who is granted what, first come first served; that who is killed or late leaves its line, and
//! passes on what it was granted; and what each says of itself after every step.

mod model;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use greenhub::sync::{
    AsyncResult, Barrier, BoundedSemaphore, Condition, Event, GetError, Lock, LockGuard, RLock,
    Semaphore, WaitError,
};

use self::model::{Changes, Flag, Owned, Parties, Permits};
use crate::play::{self, Play};
use crate::program::Limit;
use crate::stage::Stage;

const PERMITS: usize = 2;
const PARTIES: usize = 3;

#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    SetEvent,
    ClearEvent,
    WaitForEvent(Limit),
    SetResult(u8),
    FailResult(u8),
    GetResult(Limit),
    AcquireLock(Limit),
    TryLock,
    ReleaseLock,
    Acquire(Limit),
    TryAcquire,
    Release,
    AcquireBounded(Limit),
    ReleaseBounded,
    EnterTree(Limit),
    LeaveTree,
    WaitForChange(Limit),
    NotifyOne,
    NotifyAll,
    MeetOthers(Limit),
}

struct Primitives {
    stage: Rc<Stage>,
    event: (Event, Rc<Flag>),
    result: (AsyncResult<u8, u8>, Rc<Flag>),
    /// What was set last.
    set: RefCell<Result<u8, GetError<u8>>>,
    lock: (Lock, Rc<Permits>),
    semaphore: (Semaphore, Rc<Permits>),
    bounded: (BoundedSemaphore, Rc<Permits>),
    tree: (RLock, Rc<Owned>),
    condition: (Condition, Rc<Changes>),
    barrier: (Barrier, Rc<Parties>),
    /// How often each has entered the tree.
    entered: RefCell<Vec<usize>>,
}

/// Runs the program that `data` is.
pub fn run(data: &[u8]) {
    play::run::<Primitives>(data);
}

impl Play for Primitives {
    type Act = Act;

    fn new(stage: &Rc<Stage>, _: u8) -> Self {
        let permits = |free| Rc::new(Permits::new(stage, free));
        let lock = || Rc::new(Permits::of_lock(stage));
        let (lock, tree, flag) = (lock(), lock(), || Rc::new(Flag::new(stage)));
        let changes = Rc::new(Changes::new(stage, &lock));
        Primitives {
            stage: Rc::clone(stage),
            event: (Event::new(), flag()),
            result: (AsyncResult::new(), flag()),
            set: RefCell::new(Err(GetError::TimedOut)),
            lock: (Lock::new(), lock),
            semaphore: (Semaphore::new(PERMITS), permits(PERMITS)),
            bounded: (BoundedSemaphore::new(PERMITS), permits(PERMITS)),
            tree: (RLock::new(), Rc::new(Owned::new(tree))),
            condition: (Condition::new(), changes),
            barrier: (Barrier::new(PARTIES), Rc::new(Parties::new(stage, PARTIES))),
            entered: RefCell::new(vec![0; stage.count()]),
        }
    }

    fn act(self: &Rc<Self>, me: usize, act: &Act) {
        match act {
            Act::SetEvent => {
                self.event.1.set();
                self.event.0.set();
            }
            Act::ClearEvent => {
                self.event.1.clear();
                self.event.0.clear();
            }
            Act::WaitForEvent(limit) => self.wait_for_event(me, limit.0),
            Act::SetResult(value) => self.set_result(Ok(*value)),
            Act::FailResult(error) => self.set_result(Err(*error)),
            Act::GetResult(limit) => self.get_result(me, limit.0),
            Act::AcquireLock(limit) => self.acquire_lock(me, limit.0),
            Act::TryLock => self.try_lock(),
            Act::ReleaseLock => {
                let is_held = self.lock.1.release(1);
                self.same("whether the lock was held", self.lock.0.release().is_ok(), is_held);
            }
            Act::Acquire(limit) => self.acquire(me, limit.0),
            Act::TryAcquire => {
                let had = self.semaphore.1.take();
                self.same("whether a permit was free", self.semaphore.0.try_acquire(), had);
            }
            Act::Release => {
                self.semaphore.1.release(usize::MAX);
                self.semaphore.0.release();
            }
            Act::AcquireBounded(limit) => self.acquire_bounded(me, limit.0),
            Act::ReleaseBounded => {
                let has_room = self.bounded.1.release(PERMITS);
                self.same("whether it was taken", self.bounded.0.release().is_ok(), has_room);
            }
            Act::EnterTree(limit) => self.enter_tree(me, limit.0),
            Act::LeaveTree => self.leave_tree(me),
            Act::WaitForChange(limit) => self.wait_for_change(me, limit.0),
            Act::NotifyOne => {
                self.condition.1.notify_one();
                self.condition.0.notify_one();
            }
            Act::NotifyAll => {
                self.condition.1.notify_all();
                self.condition.0.notify_all();
            }
            Act::MeetOthers(limit) => self.meet_others(me, limit.0),
        }
    }

    fn leaves(&self, me: usize) {
        while self.entered.borrow()[me] > 0 {
            self.leave_tree(me);
        }
    }

    fn look(&self) {
        self.same("the event", self.event.0.is_set(), self.event.1.is_set());
        self.same("the result", self.result.0.get_nowait(), *self.set.borrow());
        self.same("the lock", self.lock.0.is_locked(), self.lock.1.free() == 0);
        self.same("the semaphore", self.semaphore.0.free(), self.semaphore.1.free());
        self.same("the bounded semaphore", self.bounded.0.free(), self.bounded.1.free());
        self.same("the recursive lock", self.tree.0.is_locked(), self.tree.1.is_locked());
        self.same("the barrier", self.barrier.0.waiting(), self.barrier.1.waiting());
    }

    fn end(&self) {
        self.same("whether nobody is in the tree", self.tree.0.is_locked(), false);
        self.same("how many wait at the barrier", self.barrier.0.waiting(), 0);
    }
}

impl Primitives {
    fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, real: T, model: T) {
        self.stage.same(what, real, model);
    }

    fn wait_for_event(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.event.1.clone(), limit, || match limit {
            Some(limit) => self.had(self.event.0.wait_for(limit)),
            None => self.had(self.event.0.wait()),
        });
    }

    /// Whether a wait was not late. There is no other error, as nobody waits while it unwinds.
    fn had(&self, waited: Result<(), WaitError>) -> bool {
        if waited == Err(WaitError::Unwinding) {
            self.stage.fault("a greenlet that does not unwind is told that it does".into());
        }
        waited.is_ok()
    }

    fn set_result(&self, result: Result<u8, u8>) {
        *self.set.borrow_mut() = result.map_err(GetError::Failed);
        self.result.1.set();
        match result {
            Ok(value) => self.result.0.set(value),
            Err(error) => self.result.0.set_error(error),
        }
        self.same("whether it succeeded", self.result.0.successful(), result.is_ok());
    }

    fn get_result(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.result.1.clone(), limit, || {
            let got = match limit {
                Some(limit) => self.result.0.get_for(limit),
                None => self.result.0.get(),
            };
            let has_got = got != Err(GetError::TimedOut);
            if has_got {
                self.same("what was got", got, *self.set.borrow());
            }
            has_got
        });
    }

    fn acquire_lock(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.lock.1.clone(), limit, || match limit {
            Some(limit) => self.had(self.lock.0.acquire_for(limit)),
            None => self.had(self.lock.0.acquire()),
        });
    }

    fn try_lock(&self) {
        let had = self.lock.1.take();
        self.same("whether the lock was free", self.lock.0.try_acquire(), had);
    }

    fn acquire(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.semaphore.1.clone(), limit, || match limit {
            Some(limit) => self.had(self.semaphore.0.acquire_for(limit)),
            None => self.had(self.semaphore.0.acquire()),
        });
    }

    fn acquire_bounded(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.bounded.1.clone(), limit, || match limit {
            Some(limit) => self.had(self.bounded.0.acquire_for(limit)),
            None => self.had(self.bounded.0.acquire()),
        });
    }

    fn enter_tree(&self, me: usize, limit: Option<Duration>) {
        let has_entered = self.stage.wait(me, self.tree.1.clone(), limit, || match limit {
            Some(limit) => self.had(self.tree.0.acquire_for(limit)),
            None => self.had(self.tree.0.acquire()),
        });
        self.entered.borrow_mut()[me] += usize::from(has_entered);
    }

    /// Only who has entered it may.
    fn leave_tree(&self, me: usize) {
        let may = self.tree.1.release(me);
        self.same("whether it was its own", self.tree.0.release().is_ok(), may);
        self.entered.borrow_mut()[me] -= usize::from(may);
    }

    fn wait_for_change(&self, me: usize, limit: Option<Duration>) {
        let mut guard = None;
        self.stage.wait(me, self.lock.1.clone(), None, || {
            guard = self.lock.0.lock().ok();
            guard.is_some()
        });
        let Some(guard) = guard else { return };
        let mut kept = None;
        self.stage.wait(me, self.condition.1.clone(), limit, || {
            let (guard, is_notified) = match limit {
                Some(limit) => self.condition.0.wait_for(guard, limit).expect("it can wait"),
                None => (self.condition.0.wait(guard).expect("it can wait"), true),
            };
            kept = Some(guard);
            is_notified
        });
        self.drop_guard(kept);
    }

    /// It may be somebody else's lock by now, or nobody's, as anyone may release it.
    fn drop_guard(&self, guard: Option<LockGuard<'_>>) {
        self.lock.1.release(1);
        drop(guard);
    }

    fn meet_others(&self, me: usize, limit: Option<Duration>) {
        let is_last = self.barrier.1.waiting() + 1 == PARTIES;
        self.stage.wait(me, self.barrier.1.clone(), limit, || {
            let met = match limit {
                Some(limit) => self.barrier.0.wait_for(limit),
                None => self.barrier.0.wait(),
            };
            if let Ok(was_last) = met {
                self.same("whether it was the last", was_last, is_last);
            }
            self.had(met.map(drop))
        });
    }
}

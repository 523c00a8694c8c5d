//! Having a pool do what the greenlet waits for.
//!
//! [`offload`] lends: its work may borrow from the greenlet's frame, so the greenlet stays
//! there until the work is done, whatever happens. [`offload_owned`] gives the work
//! away: the greenlet may be killed or time out meanwhile, and the result is dropped then.
//!
//! # Why this file is unsafe
//!
//! A job that borrows is sent to another thread as if it did not.
#![allow(unsafe_code)]

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::threads::{Job, Threads};
use crate::clock::Moment;
use crate::hub::waiter::{self, Waker};
use crate::raw::fiber::{Reach, WaitKind};

static JOB: WaitKind =
    WaitKind { text: "for a thread of a pool", numbered: false, reach: Reach::Outside };

/// Where the thread leaves its answer, and whom it wakes.
struct Desk<R> {
    answer: Option<thread::Result<R>>,
    waker: Option<Waker>,
}

type SharedDesk<R> = Arc<Mutex<Desk<R>>>;

/// Runs `work` on a thread of the pool; the greenlet cannot be killed meanwhile.
///
/// In a greenlet that unwinds, and so cannot wait, it runs here. So it does on a thread of the pool
/// itself, which others may be waiting for, and where the system has no threads to give.
pub(crate) fn offload<'a, R: Send + 'a>(
    pool: &'static Threads,
    work: impl FnOnce() -> R + Send + 'a,
) -> R {
    let (desk, job) = prepare(work);
    // SAFETY: the job may borrow what lives for `'a`, that is, at least until this function
    // returns. It returns, or unwinds, only after the job has run and has been dropped:
    //   1. From the moment a pool has the job, `Lent` holds this frame until the answer is there:
    //      the wait is shielded, so a kill does not leave it, and if it is left by a panic
    //      (of the loop, say) the thread itself waits in `Lent`'s drop.
    //   2. The job drops `work`, with all that it borrows, before it leaves the answer.
    //   3. If it is not given away, or the pool refuses it and it comes back, it is run here.
    //   4. If the greenlet is never resumed, its stack is never unmapped (see `StackPool`).
    let job: Job = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + 'a>, Job>(job) };
    run_or_submit(pool, job, &desk);
    take_answer(&desk)
}

fn run_or_submit<R>(pool: &'static Threads, job: Job, desk: &SharedDesk<R>) {
    if !can_give_away(pool) {
        return job();
    }
    if let Err(job) = Threads::submit(&pool, job) {
        return job();
    }
    let _lent = Lent(desk);
    while !is_answered(desk) {
        // Not refused: the greenlet does not begin to unwind here.
        let _ = waiter::park_shielded(&JOB, 0, |waker| call_when_answered(desk, waker));
    }
}

/// Whether the caller can wait, and would not wait for the pool that it works for itself.
fn can_give_away(pool: &Threads) -> bool {
    waiter::can_wait() && !pool.is_current()
}

/// A frame that a job borrows from. When this is dropped, the job is done.
struct Lent<'a, R>(&'a SharedDesk<R>);

impl<R> Drop for Lent<'_, R> {
    fn drop(&mut self) {
        while !is_answered(self.0) {
            // Only while a panic leaves the wait, which is rare and must not be made worse.
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// As [`offload`], for work that borrows nothing: a kill ends the wait.
///
/// If the greenlet is killed meanwhile, the work goes on and its result is dropped.
pub(crate) fn offload_owned<R: Send + 'static>(
    pool: &'static Threads,
    work: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (desk, job) = prepare(work);
    if !can_give_away(pool) {
        job();
    } else if let Err(job) = Threads::submit(&pool, job) {
        job();
    } else {
        while !is_answered(&desk) {
            // Not refused: the greenlet does not begin to unwind here.
            let _ = waiter::park(&JOB, 0, Moment::NEVER, |waker| call_when_answered(&desk, waker));
        }
    }
    take_answer(&desk)
}

/// A desk, and the job that does the work and leaves the answer there.
fn prepare<'a, R: Send + 'a>(
    work: impl FnOnce() -> R + Send + 'a,
) -> (SharedDesk<R>, Box<dyn FnOnce() + Send + 'a>) {
    let desk = Arc::new(Mutex::new(Desk { answer: None, waker: None }));
    let theirs = Arc::clone(&desk);
    let job = Box::new(move || {
        let answer = panic::catch_unwind(AssertUnwindSafe(work));
        let waker = {
            let mut desk = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            desk.answer = Some(answer);
            desk.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    (desk, job)
}

fn is_answered<R>(desk: &SharedDesk<R>) -> bool {
    desk.lock().unwrap_or_else(PoisonError::into_inner).answer.is_some()
}

/// Leaves the waker on the desk; if the answer came first, ends the wait at once.
fn call_when_answered<R>(desk: &SharedDesk<R>, waker: Waker) {
    let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
    if desk.answer.is_some() {
        waker.wake();
    } else {
        desk.waker = Some(waker);
    }
}

fn take_answer<R>(desk: &SharedDesk<R>) -> R {
    let answer = desk.lock().unwrap_or_else(PoisonError::into_inner).answer.take();
    match answer.expect("the job leaves an answer") {
        Ok(value) => value,
        Err(payload) => panic::resume_unwind(payload),
    }
}

//! A bounded pool of OS threads that take jobs from one queue.
//!
//! Threads are made when a job finds none idle, up to the bound, and end when they have had
//! nothing to do for some seconds. A pool is a `static` and lives as long as the process.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::config;
use crate::hub::threads::Helper;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Threads {
    name: &'static str,
    limit: usize,
    state: Mutex<State>,
    work_came: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Threads {
    pub(crate) const fn new(name: &'static str, limit: usize) -> Self {
        Threads {
            name,
            limit,
            state: Mutex::new(State { jobs: VecDeque::new(), threads: 0, idle: 0 }),
            work_came: Condvar::new(),
        }
    }

    /// Queues a job, which must not unwind.
    ///
    /// # Errors
    ///
    /// The job, if the pool has no thread and the system gives it none.
    pub(crate) fn submit(&'static self, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.idle <= state.jobs.len() && state.threads < self.limit {
            match thread::Builder::new().name(self.name.into()).spawn(|| self.work()) {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return Err(job),
                // The job is done by those that there are.
                Err(_) => {}
            }
        }
        state.jobs.push_back(job);
        drop(state);
        self.work_came.notify_one();
        Ok(())
    }

    /// What each thread does.
    fn work(&self) {
        let _helper = Helper::begin();
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.work_came.wait_timeout(state, config::IDLE_POOL_THREAD);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Nothing panics while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    static POOL: Threads = Threads::new("test-pool", 3);

    #[test]
    fn no_more_threads_are_made_than_the_bound() {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..50 {
            let sender = sender.clone();
            let job: Job = Box::new(move || {
                thread::sleep(Duration::from_millis(1));
                sender.send(thread::current().id()).unwrap();
            });
            assert!(POOL.submit(job).is_ok());
        }
        let mut seen: Vec<_> = receiver.iter().take(50).map(|id| format!("{id:?}")).collect();
        seen.sort();
        seen.dedup();
        assert!(seen.len() <= 3, "{seen:?}");
    }
}

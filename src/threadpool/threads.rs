//! A bounded crowd of OS threads that take jobs from one queue.
//!
//! Threads are made when a job finds none idle, up to the bound, and end when they have had
//! nothing to do for some seconds. The bound may change at any time: threads above it end when
//! their present job is done, and with a bound of zero jobs lie in the queue until it is
//! raised.
//!
//! A crowd is a `static`, or is counted; each of its threads keeps a handle of the same kind.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::ops::Deref;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::count::Count;
use crate::hub::threads::{Helper, Undone};
use crate::{config, hub};

pub(crate) type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Threads {
    name: &'static str,
    state: Mutex<State>,
    /// Work has come, or a reason to end.
    changed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    limit: usize,
    /// How long an idle thread stays; `None` is for ever.
    idle_limit: Option<Duration>,
    threads: usize,
    idle: usize,
    /// Counts the threads that were made since the last ones were retired.
    generation: Option<Arc<Count>>,
    /// Whether these are to end as well when there is no work.
    retired: bool,
    /// There while there is work that a thread does, or will do.
    undone: Option<Undone>,
    /// The process that the threads are in.
    forks: u32,
}

thread_local! {
    /// The address of the crowd that this thread belongs to.
    static BELONGS_TO: Cell<usize> = const { Cell::new(0) };
}

impl Threads {
    pub(crate) const fn new(name: &'static str, limit: usize) -> Self {
        Threads {
            name,
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                limit,
                idle_limit: Some(config::IDLE_POOL_THREAD),
                threads: 0,
                idle: 0,
                generation: None,
                retired: false,
                undone: None,
                forks: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Queues a job, which must not unwind.
    ///
    /// # Errors
    ///
    /// The job, if there is no thread and the system gives none.
    pub(crate) fn submit<H: Handle>(this: &H, job: Job) -> Result<(), Job> {
        let mut state = this.lock();
        if state.idle <= state.jobs.len() && state.threads < state.limit {
            match Threads::add(this, &mut state) {
                Err(_) if state.threads == 0 => return Err(job),
                // Without a new one, the job is done by those that there are.
                _ => {}
            }
        }
        state.jobs.push_back(job);
        state.recount();
        drop(state);
        this.changed.notify_one();
        Ok(())
    }

    /// Changes how many threads there may be.
    ///
    /// # Errors
    ///
    /// If jobs lie in the queue, and there is no thread and the system gives none.
    pub(super) fn set_limit<H: Handle>(this: &H, limit: usize) -> io::Result<()> {
        let mut state = this.lock();
        state.limit = limit;
        let mut added = Ok(());
        let wanted = state.jobs.len().saturating_sub(state.idle);
        for _ in 0..wanted.min(limit.saturating_sub(state.threads)) {
            added = added.and_then(|()| Threads::add(this, &mut state));
        }
        state.recount();
        let is_served = state.threads > 0;
        drop(state);
        this.changed.notify_all();
        if is_served { Ok(()) } else { added }
    }

    /// Adds a thread, which looks for work at once.
    fn add<H: Handle>(this: &H, state: &mut State) -> io::Result<()> {
        let generation = state.present_generation();
        let handle = this.clone();
        let own = Arc::clone(&generation);
        generation.add();
        let made = thread::Builder::new().name(this.name.into()).spawn(move || {
            handle.work(&own);
            own.remove();
        });
        match made {
            Ok(_) => state.threads += 1,
            Err(_) => generation.remove(),
        }
        made.map(drop)
    }

    /// What each thread does.
    fn work(&self, generation: &Arc<Count>) {
        let _helper = Helper::begin();
        BELONGS_TO.set(self.address());
        let mut state = self.lock();
        while state.threads <= state.limit {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
            } else if state.is_retired(generation) {
                break;
            } else {
                let timed_out;
                (state, timed_out) = self.idle(state);
                if timed_out && state.jobs.is_empty() {
                    break;
                }
            }
        }
        state.threads -= 1;
        state.recount();
        if !state.jobs.is_empty() {
            // It may have been this thread that was told of the work.
            self.changed.notify_one();
        }
    }

    /// Waits for a change; `true` if it has not come in time.
    fn idle<'a>(&self, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        state.idle += 1;
        state.recount();
        let (mut state, timed_out) = match state.idle_limit {
            Some(limit) => {
                let waited = self.changed.wait_timeout(state, limit);
                let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, timeout.timed_out())
            }
            None => (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), false),
        };
        state.idle -= 1;
        (state, timed_out)
    }

    /// Has the threads that there are end when there is no more work; returns what counts them. Until
    /// another is made it can be called again, for the same ones.
    pub(super) fn retire(&self) -> Option<Arc<Count>> {
        let mut state = self.lock();
        state.retired = true;
        let retired = state.generation.clone();
        drop(state);
        self.changed.notify_all();
        retired
    }

    /// Takes out the jobs that nobody has begun. To drop one may run code of the program.
    pub(super) fn take_jobs(&self) -> VecDeque<Job> {
        let mut state = self.lock();
        let jobs = std::mem::take(&mut state.jobs);
        state.recount();
        jobs
    }

    pub(super) fn limit(&self) -> usize {
        self.lock().limit
    }

    pub(super) fn set_idle_limit(&self, limit: Option<Duration>) {
        self.lock().idle_limit = limit;
        self.changed.notify_all();
    }

    /// How many threads there are.
    pub(super) fn len(&self) -> usize {
        self.lock().threads
    }

    /// Whether the current thread is one of these.
    pub(super) fn is_current(&self) -> bool {
        BELONGS_TO.get() == self.address()
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Locks the pool for the time of a fork: in the child it is as it was, and free.
    pub(super) fn freeze(&'static self) -> Frozen {
        Frozen(self.lock())
    }

    /// Nothing panics while the lock is held, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.forks != hub::threads::forks() {
            state.renew();
        }
        state
    }
}

impl State {
    /// What counts the threads that are made now.
    fn present_generation(&mut self) -> Arc<Count> {
        if std::mem::take(&mut self.retired) {
            self.generation = None;
        }
        Arc::clone(self.generation.get_or_insert_with(|| Arc::new(Count::new())))
    }

    /// In a forked child: there are no threads, and the jobs are left to the parent.
    fn renew(&mut self) {
        mem::forget((mem::take(&mut self.jobs), self.undone.take(), self.generation.take()));
        self.retired = false;
        self.threads = 0;
        self.idle = 0;
        self.forks = hub::threads::forks();
    }

    /// Whether the threads of a generation are to end when there is no work.
    fn is_retired(&self, generation: &Arc<Count>) -> bool {
        let is_present = self.generation.as_ref().is_some_and(|it| Arc::ptr_eq(it, generation));
        self.retired || !is_present
    }

    /// Notes whether there is work that will be done: if not, none can wake anyone.
    fn recount(&mut self) {
        let is_busy = self.threads > self.idle || self.limit > 0 && !self.jobs.is_empty();
        if is_busy != self.undone.is_some() {
            self.undone = is_busy.then(Undone::begin);
        }
    }
}

/// What the threads of a crowd keep it by.
pub(crate) trait Handle: Deref<Target = Threads> + Clone + Send + 'static {}

impl Handle for &'static Threads {}
impl Handle for Arc<Threads> {}

/// A pool that does nothing for the moment.
pub(crate) struct Frozen(MutexGuard<'static, State>);

impl Frozen {
    /// In the child: there are no threads, and the jobs are left to the parent.
    pub(super) fn renew(mut self) {
        self.0.renew();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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
            assert!(Threads::submit(&&POOL, job).is_ok());
        }
        let mut seen: Vec<_> = receiver.iter().take(50).map(|id| format!("{id:?}")).collect();
        seen.sort();
        seen.dedup();
        assert!(seen.len() <= 3, "{seen:?}");
    }
}

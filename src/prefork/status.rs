//! What there is to know of the workers, and how the parent is told what to do.

use std::fmt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::queue::Queue;

/// One worker process, as its parent knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// Which of the workers it is, from zero.
    pub index: usize,
    /// The number of its process.
    pub pid: u32,
    /// How often the workers had been replaced when it was started.
    pub generation: u64,
    /// What it does.
    pub state: WorkerState,
    /// How many of this index have died before without having been asked to.
    pub restarts: u64,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerState {
    /// It has not said yet that it is ready.
    Starting,
    /// It serves.
    Ready,
    /// It was asked to end.
    Ending,
}

/// Something has happened to a worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Its process was started.
    Started(WorkerStatus),
    /// It serves.
    Ready(WorkerStatus),
    /// It was asked to end: it is replaced, or there are to be fewer, or all is over.
    Ending(WorkerStatus),
    /// It was killed: it was not ready in time, or did not end in time.
    Overdue(WorkerStatus),
    /// Its process has ended.
    Ended {
        /// The worker; in the state [`Ending`](WorkerState::Ending) if it was asked to.
        worker: WorkerStatus,
        /// How; `None` if someone else has taken that.
        status: Option<ExitStatus>,
    },
    /// Its process could not be started.
    NotStarted {
        /// Which of the workers it would have been.
        index: usize,
        /// Why.
        error: String,
        /// When this is tried again.
        pause: Duration,
    },
}

/// What the parent is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Reload,
    More,
    Fewer,
    /// Gently; again, at once.
    Stop,
    StopNow,
}

/// What reaches the greenlet that supervises.
pub(super) enum News {
    Order(Order),
    Ready(u64),
    Ended(u64, Option<ExitStatus>),
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) news: Queue<News>,
    status: Mutex<Vec<WorkerStatus>>,
}

impl Shared {
    pub(super) fn tell(&self, news: News) {
        // It has no limit and is never shut down.
        let _ = self.news.put(news);
    }

    pub(super) fn publish(&self, status: Vec<WorkerStatus>) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

/// Asks the parent about its workers, and tells it what to do, from any greenlet or thread of the
/// parent process; made by [`Prefork::supervisor`](super::Prefork::supervisor).
///
/// What it is told before [`run`](super::Prefork::run) is done then. In a worker process nobody listens, and
/// there are no workers.
#[derive(Clone)]
pub struct Supervisor(pub(super) Arc<Shared>);

impl Supervisor {
    /// The workers that there are, by their index; of one index, the one that serves first.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerStatus> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the workers one by one, as `SIGHUP` does. Returns at once.
    pub fn reload(&self) {
        self.0.tell(News::Order(Order::Reload));
    }

    /// One worker more, as by `SIGTTIN`. Returns at once.
    pub fn add_worker(&self) {
        self.0.tell(News::Order(Order::More));
    }

    /// One worker less, as by `SIGTTOU`; the last one stays. Returns at once.
    pub fn remove_worker(&self) {
        self.0.tell(News::Order(Order::Fewer));
    }

    /// Ends the workers gently, as `SIGTERM` does; a second time, at once. Returns at once;
    /// [`run`](super::Prefork::run) returns when it is done.
    pub fn stop(&self) {
        self.0.tell(News::Order(Order::Stop));
    }

    /// Kills the workers, as `SIGINT` does. Returns at once.
    pub fn stop_now(&self) {
        self.0.tell(News::Order(Order::StopNow));
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("workers", &self.workers()).finish()
    }
}

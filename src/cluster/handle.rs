//! Giving things to a cluster.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::join::ClusterJoin;
use super::member;
use super::schedule::{Place, Shared};
use super::task::Task;
use crate::greenlet::JoinError;

/// What one gives things to a [`Cluster`](super::Cluster) by: from any thread, also its own.
///
/// Clones are handles to the same cluster. They do not keep it from ending.
///
/// # Examples
///
/// A greenlet of a cluster that gives it more to do:
///
/// ```
/// use greenhub::Cluster;
///
/// let cluster = Cluster::new(2)?;
/// let handle = cluster.handle();
/// let both = cluster.spawn(move || {
///     let other = handle.spawn(|| 20).expect("the cluster takes it");
///     22 + other.join().expect("it returns")
/// })?;
/// assert_eq!(both.join()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClusterHandle {
    pub(super) shared: Arc<Shared>,
}

impl ClusterHandle {
    /// The cluster that the current thread belongs to, if it does.
    #[must_use]
    pub fn current() -> Option<ClusterHandle> {
        member::here().map(|here| ClusterHandle { shared: Arc::clone(&here.shared) })
    }

    /// Has `body` run by the hub that is free first.
    ///
    /// Returns at once. Until it starts it belongs to no hub.
    ///
    /// # Errors
    ///
    /// [`SpawnError`], with `body`, if the cluster was shut down or has lost all its hubs.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::Cluster;
    ///
    /// let cluster = Cluster::new(4)?;
    /// let mut squares = Vec::new();
    /// for n in 1..=10_u64 {
    ///     squares.push(cluster.spawn(move || n * n)?);
    /// }
    /// let mut sum = 0;
    /// for square in squares {
    ///     sum += square.join()?;
    /// }
    /// assert_eq!(sum, 385);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn<T, F>(&self, body: F) -> Result<ClusterJoin<T>, SpawnError<F>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.spawn_at(Place::Anywhere, body, Location::caller())
    }

    /// Has `body` run by this hub, counted from zero, and no other.
    ///
    /// Returns at once.
    ///
    /// # Errors
    ///
    /// [`SpawnError`], with `body`, if the cluster was shut down, or has no such hub, or has lost it.
    #[track_caller]
    pub fn spawn_on<T, F>(&self, hub: usize, body: F) -> Result<ClusterJoin<T>, SpawnError<F>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.spawn_at(Place::On(hub), body, Location::caller())
    }

    /// Has `body` run by the hub that now has the fewest of what the cluster was given: of what runs there,
    /// and of what waits for that hub alone.
    ///
    /// Returns at once. It is for what waits for long, such as connections: the hub is chosen now, and
    /// stays. What greenlets of the cluster spawn by themselves is not counted.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::cluster::{Cluster, this_hub};
    /// use greenhub::sync::Event;
    ///
    /// static DONE: Event = Event::new();
    ///
    /// let cluster = Cluster::new(2)?;
    /// let long = cluster.spawn_on(0, || DONE.wait())?;
    /// assert_eq!(cluster.spawn_least_busy(this_hub)?.join()?, Some(1));
    /// DONE.set();
    /// long.join()??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_least_busy<T, F>(&self, body: F) -> Result<ClusterJoin<T>, SpawnError<F>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.spawn_at(Place::LeastBusy, body, Location::caller())
    }

    fn spawn_at<T, F>(
        &self,
        place: Place,
        body: F,
        made_at: &'static Location<'static>,
    ) -> Result<ClusterJoin<T>, SpawnError<F>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self.shared.submit(place, body, |body| Task::new(body, made_at)) {
            Ok(task) => Ok(ClusterJoin::of(task)),
            Err((kind, body)) => Err(SpawnError { kind, body }),
        }
    }

    /// Calls `f` in a greenlet of each hub, and returns what it returned, in the order of the hubs.
    ///
    /// It returns when all have ended: so one hub that computes holds it up. It is for values that
    /// each hub has of its own, in a [`thread_local!`](std::thread_local).
    ///
    /// # Errors
    ///
    /// That of the first hub whose call gave no value: [`JoinError::Lost`] if the hub is gone or the cluster
    /// was shut down, else as [`ClusterJoin::join`]. The other calls go on.
    ///
    /// # Panics
    ///
    /// In a callback of the hub.
    #[track_caller]
    pub fn run_on_each<T, F>(&self, f: F) -> Result<Vec<T>, JoinError>
    where
        T: Send + 'static,
        F: Fn() -> T + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let made_at = Location::caller();
        let calls: Vec<_> = (0..self.hubs())
            .map(|hub| {
                let f = Arc::clone(&f);
                self.spawn_at(Place::On(hub), move || f(), made_at)
            })
            .collect();
        calls.into_iter().map(|call| call.map_err(|_| JoinError::Lost)?.join()).collect()
    }

    /// How many hubs it was made with.
    #[must_use]
    pub fn hubs(&self) -> usize {
        self.shared.seats.len()
    }

    /// What its hubs have to do now.
    #[must_use]
    pub fn stats(&self) -> ClusterStats {
        self.shared.stats()
    }
}

impl fmt::Debug for ClusterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterHandle")
            .field("name", &self.shared.name())
            .field("hubs", &self.hubs())
            .finish_non_exhaustive()
    }
}

/// What a cluster has to do at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterStats {
    /// What each hub has.
    pub hubs: Vec<HubStats>,
    /// What waits for any of them.
    pub queued: usize,
}

/// What a hub of a cluster has to do at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Of what the cluster was given: what has been taken by this hub, and has not ended.
    pub running: usize,
    /// What waits for this hub and no other.
    pub queued: usize,
    /// How often another thread has had to write to a descriptor to wake it, since it was made. That is so
    /// only while it sleeps, and once for all that come until it is awake.
    pub alarms: u64,
    /// Whether it takes nothing any more.
    pub is_gone: bool,
}

/// A cluster did not take what it was given; this is that, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpawnError<F> {
    /// Why.
    pub kind: SpawnErrorKind,
    /// What was to run.
    pub body: F,
}

/// Why a cluster does not take what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnErrorKind {
    /// It was shut down.
    ShutDown,
    /// It has no hub of this number.
    NoSuchHub,
    /// The hub, or each of them, has ended by a panic; or this process is a fork of the one that has them.
    Lost,
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SpawnErrorKind::ShutDown => "the cluster was shut down",
            SpawnErrorKind::NoSuchHub => "the cluster has no hub of this number",
            SpawnErrorKind::Lost => "the hub has gone that was to run it",
        })
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<F> std::error::Error for SpawnError<F> {}

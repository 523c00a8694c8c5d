//! Making a cluster.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use super::handle::ClusterHandle;
use super::owner::Cluster;
use super::schedule::Shared;
use super::{member, pinning};
use crate::hub::{Hub, core};

type OnStart = Arc<dyn Fn(usize) + Send + Sync>;

/// Settings for a [`Cluster`]. Mirrors [`std::thread::Builder`], for several threads.
///
/// # Examples
///
/// ```
/// use greenhub::cluster::Builder;
///
/// let cluster = Builder::new(2)
///     .name("worker")
///     .stack_size(64 * 1024)
///     .on_start(|hub| println!("hub {hub} begins"))
///     .build()?;
/// let name = cluster.spawn_on(1, || std::thread::current().name().map(str::to_owned))?;
/// assert_eq!(name.join()?.as_deref(), Some("worker-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder makes nothing until it is told to"]
pub struct Builder {
    hubs: usize,
    name: String,
    stack_bytes: Option<usize>,
    pinned: bool,
    on_start: Option<OnStart>,
}

impl Builder {
    /// A builder of so many hubs, made as [`Cluster::new`] does.
    pub fn new(hubs: usize) -> Builder {
        Builder {
            hubs,
            name: "cluster".to_owned(),
            stack_bytes: None,
            pinned: false,
            on_start: None,
        }
    }

    /// Names the cluster; its threads are called by it and their numbers, as in `cluster-0`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the size of the stacks of greenlets that have none of their own, in bytes; see
    /// [`Hub::set_stack_size`].
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Keeps each thread to one processor: the first to the first of those that the thread may use that
    /// builds the cluster, and so on, and round again if there are fewer.
    pub fn pinned(mut self, pinned: bool) -> Self {
        self.pinned = pinned;
        self
    }

    /// Has each hub call `hook` with its number, counted from zero, before it takes anything.
    ///
    /// It runs in the thread's main, may wait and spawn, and may set the hub's
    /// [error hook](Hub::set_error_hook). If it panics that is the end of its hub. What it waits for must
    /// not be for its own hub to take: that begins when it has returned. Nor does a shutdown end the hook.
    pub fn on_start(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.on_start = Some(Arc::new(hook));
        self
    }

    /// Makes the cluster; returns when every thread has its hub.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for no hubs at all, or a name with a zero byte; and
    /// what the system says if it gives no thread, no descriptor or not the processor. With
    /// [`pinned`](Self::pinned), [`Unsupported`](io::ErrorKind::Unsupported) on other systems than
    /// Linux.
    pub fn build(self) -> io::Result<Cluster> {
        if self.hubs == 0 || self.name.contains('\0') {
            let wrong = "a cluster has at least one hub, and a name without zero bytes";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, wrong));
        }
        let processors = if self.pinned { pinning::processors()? } else { Vec::new() };
        let shared = Arc::new(Shared::new(self.name.clone(), self.hubs));
        let (begun, answers) = mpsc::channel();
        let mut threads = Vec::with_capacity(self.hubs);
        for hub in 0..self.hubs {
            let processor = (!processors.is_empty()).then(|| processors[hub % processors.len()]);
            // One that got no hub is enough: the next thousands would get none either.
            let so_far = answers.try_iter().collect::<io::Result<()>>();
            let start = || self.start_thread(&shared, hub, processor, begun.clone());
            match so_far.and_then(|()| start()) {
                Ok(thread) => threads.push((hub, thread)),
                Err(error) => {
                    // Those that have none have ended, and the others are told to.
                    (hub..self.hubs).for_each(|hub| shared.leave(hub, 0));
                    drop(Cluster::of(shared, threads));
                    return Err(error);
                }
            }
        }
        drop(begun);
        let cluster = Cluster::of(shared, threads);
        answers.into_iter().collect::<io::Result<()>>()?;
        Ok(cluster)
    }

    fn start_thread(
        &self,
        shared: &Arc<Shared>,
        hub: usize,
        processor: Option<usize>,
        begun: Sender<io::Result<()>>,
    ) -> io::Result<thread::JoinHandle<()>> {
        let shared = Arc::clone(shared);
        let (stack_bytes, on_start) = (self.stack_bytes, self.on_start.clone());
        let body = move || {
            let prepared = prepare(&shared, hub, processor, stack_bytes);
            let is_prepared = prepared.is_ok();
            // Who builds it may have given up.
            let _ = begun.send(prepared);
            drop(begun);
            if is_prepared {
                member::run(shared, hub, || on_start.iter().for_each(|hook| hook(hub)));
            } else {
                shared.leave(hub, 0);
            }
        };
        thread::Builder::new().name(format!("{}-{hub}", self.name)).spawn(body)
    }
}

/// Gives the current thread its hub.
fn prepare(
    shared: &Shared,
    hub: usize,
    processor: Option<usize>,
    stack_bytes: Option<usize>,
) -> io::Result<()> {
    if let Some(processor) = processor {
        pinning::pin(processor)?;
    }
    core::make()?;
    shared.seats[hub].open(core::with(|core| core.number()));
    if let Some(bytes) = stack_bytes {
        Hub::current().set_stack_size(bytes);
    }
    Ok(())
}

impl Cluster {
    pub(super) fn of(
        shared: Arc<Shared>,
        threads: Vec<(usize, thread::JoinHandle<()>)>,
    ) -> Cluster {
        Cluster { handle: ClusterHandle { shared }, threads: Mutex::new(threads) }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("hubs", &self.hubs)
            .field("name", &self.name)
            .field("stack_bytes", &self.stack_bytes)
            .field("pinned", &self.pinned)
            .finish_non_exhaustive()
    }
}

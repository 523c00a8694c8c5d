//! Several hubs at once: one on each of a number of OS threads.
//!
//! A [`Cluster`] is made of so many threads, each with a hub. What is given to it is a closure that is
//! `Send`; it runs as a greenlet of one of the hubs, and its result comes back through a
//! [`ClusterJoin`], in whatever thread that is asked.
//!
//! | to have it run | use |
//! | --- | --- |
//! | by whichever hub is free first | [`ClusterHandle::spawn`] |
//! | by a certain hub | [`ClusterHandle::spawn_on`] |
//! | by the hub that runs the fewest | [`ClusterHandle::spawn_least_busy`] |
//! | by each hub | [`ClusterHandle::run_on_each`] |
//!
//! **What has not started moves, what has started stays.** [`spawn`](ClusterHandle::spawn) puts a closure
//! into one queue, and a hub takes it out when it is its turn there: so a hub that computes for a second
//! holds up only what it has started. From its start to its end a greenlet belongs to one thread, and may
//! have and spawn what is not `Send`.
//!
//! **First come, first served.** Each hub takes what has waited longest, one for each time round those
//! that it runs already, and starts it before those go on.
//!
//! **A value for each hub** is an ordinary [`thread_local!`](std::thread_local): greenlets of one hub share
//! it. [`run_on_each`](ClusterHandle::run_on_each) collects such values.
//!
//! ```
//! use std::cell::Cell;
//!
//! use greenhub::Cluster;
//!
//! thread_local!(static SERVED: Cell<u32> = const { Cell::new(0) });
//!
//! let cluster = Cluster::new(2)?;
//! for _ in 0..10 {
//!     cluster.spawn(|| SERVED.set(SERVED.get() + 1))?.join()?;
//! }
//! let served = cluster.run_on_each(|| SERVED.get())?;
//! assert_eq!(served.iter().sum::<u32>(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **A wait for ever is not reported** while there is a cluster, in any thread: each of its threads could
//! end it. So two greenlets of different hubs that join each other wait until one is killed.
//!
//! gevent has no such thing: there one starts several processes.

mod builder;
mod handle;
mod join;
mod member;
mod owner;
mod pinning;
mod schedule;
mod task;

pub use self::builder::Builder;
pub use self::handle::{ClusterHandle, ClusterStats, HubStats, SpawnError, SpawnErrorKind};
pub use self::join::ClusterJoin;
pub use self::member::this_hub;
pub use self::owner::Cluster;

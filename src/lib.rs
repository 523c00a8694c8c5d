#![doc = include_str!("../README.md")]

// Each floor uses only the floors listed before it; `tests/it/layers.rs` checks this.

// Floor 0. Ground: no greenlets yet.
mod atomics;
mod clock;
mod config;
mod masked;
mod random;
#[cfg(feature = "sanitizer")]
mod sanitizer;

// Floor 1. A place to run on, how threads share a value, and someone who looks whether it goes on.
mod guarded;
mod pulse;
mod stack;

// Floor 2. One switch.
pub mod raw;

// Floor 3. The hub: who runs next, who waits for what.
pub mod hub;

// Floor 4. What programs are made of.
pub mod greenlet;
pub mod io;
pub mod queue;
pub mod sync;
pub mod timeout;

// Floor 5. Many at once, on one hub and on several; the first of several; what the kernel cannot
// wait for, and what it says unasked.
pub mod cluster;
pub mod pool;
pub mod select;
pub mod signal;
pub mod threadpool;

// Floor 6. std and the system, cooperative; what goes on, and who holds up a hub.
pub mod debug;
pub mod monitor;
pub mod monkey;
pub mod os;
#[cfg(feature = "tracing")]
pub mod spans;

// Floor 7. What is built of all that.
pub mod server;
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;

// Floor 8. Several processes; a door to look in by.
pub mod backdoor;
pub mod prefork;

pub use cluster::{Cluster, ClusterHandle, ClusterJoin};
pub use greenlet::{
    AnyGreenlet, Builder, EndError, Exit, Greenlet, Join, JoinAll, JoinError, SpawnTree, Timer,
    Unstarted, Waitable, add_spawn_hook, current, iwait, joinall, joinall_for, killall,
    killall_for, remove_spawn_hook, scope, set_trace, sleep, spawn, spawn_later, start_killall,
    trace, wait, yield_now,
};
pub use hub::{Callback, Hub, idle};
pub use pool::{Group, JoinSet, Pool, PoolFull};
pub use select::Select;
pub use threadpool::{Future, FutureError, ThreadPool, ThreadPoolExecutor, offload};
pub use timeout::{TimedOut, Timeout, with_timeout};

#[cfg(any(doc, doctest))]
pub mod notes;

#[cfg(any(doc, doctest))]
#[doc = include_str!("../arch-notes/promises.md")]
pub mod promises {}

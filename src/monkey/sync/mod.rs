//! [`std::sync`], cooperative: who waits for a lock lets the other greenlets run.
//!
//! All of it has std's names and signatures, stands in a `static`, and is shared between greenlets
//! of one hub, of several hubs, and plain OS threads.
//!
//! | what | here |
//! | --- | --- |
//! | [`Mutex`], [`RwLock`], [`Condvar`], [`Barrier`], [`Once`], [`OnceLock`], [`LazyLock`] | green: a wait is the greenlet's |
//! | [`mpsc`] | green; its errors are std's own |
//! | [`PoisonError`], [`TryLockError`], [`Arc`], [`Weak`], [`atomic`] | the same: nothing in them waits |
//!
//! **Order.** Locks are handed on first come, first served. Who reads does not overtake one that waits
//! to write, so writers do not starve; and as with std, one that reads twice may wait for ever
//! for a writer in between, which is reported if everything waits.
//!
//! **Poison.** As in std, a lock is poisoned by a greenlet that unwinds while it holds it. That is
//! a panic; but also a [kill](crate::Greenlet::kill) and a [limit](crate::with_timeout), if they strike
//! in a wait under the lock: what it guards may be half changed. They strike only in waits, so a
//! lock that is not held over one is never poisoned by them. Nor is a mutex by one that
//! is killed while it waits for a [`Condvar`], as it does not hold it then.
//!
//! **While unwinding,** a greenlet cannot wait. A destructor that runs because of a panic, a kill
//! or a limit has at once what nobody holds, even if others wait for it. If another thread holds it, the
//! OS thread waits, with all its greenlets. If another greenlet of the thread holds it, no wait
//! could ever end, and that is a panic, which in a destructor ends the process, with a message that
//! says so. `try_lock` never waits. What happens with the others, each one's documentation tells.
//!
//! **Callbacks** in the hub's loop ([`Remote::run_callback`](crate::hub::Remote::run_callback)) cannot
//! wait either: to have to is a panic, and the hub's error hook is told.
//!
//! A loop that only looks at what a lock guards holds up its hub, as any loop does that does not wait;
//! `try_lock` and `try_recv` let others run now and then.

pub use std::sync::*;

mod barrier;
mod condvar;
mod lazy_lock;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
mod rwlock;

pub use self::barrier::{Barrier, BarrierWaitResult};
pub use self::condvar::{Condvar, WaitTimeoutResult};
pub use self::lazy_lock::LazyLock;
pub use self::mutex::{Mutex, MutexGuard};
#[expect(deprecated, reason = "std has it too")]
pub use self::once::ONCE_INIT;
pub use self::once::{Once, OnceState};
pub use self::once_lock::OnceLock;
pub use self::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

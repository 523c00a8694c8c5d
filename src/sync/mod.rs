//! Locks, events and their kin: greenlets wait for each other, across threads as well.
//!
//! | to | use | as gevent's |
//! | --- | --- | --- |
//! | tell everyone that something has happened | [`Event`] | `event.Event` |
//! | hand a value, or an error, to all who ask for it | [`AsyncResult`] | `event.AsyncResult` |
//! | let in so many at a time | [`Semaphore`] | `lock.Semaphore` |
//! | the same, and notice one release too many | [`BoundedSemaphore`] | `lock.BoundedSemaphore` |
//! | let in one at a time | [`Lock`] | `thread.LockType` |
//! | the same, where who is in may enter again | [`RLock`] | `lock.RLock` |
//! | wait, under a lock, until someone has changed what it guards | [`Condition`] | `threading.Condition` |
//! | wait until all have come | [`Barrier`] | `threading.Barrier` |
//!
//! All of them are `Send` and `Sync`, stand in a `static` without more, and work between
//! greenlets of one hub, of several hubs, and plain OS threads, which need no greenlets: who
//! waits, waits alone, and its thread's other greenlets run. What need not wait does not
//! allocate.
//!
//! **First come, first served.** What is released goes to the one that has waited longest, and
//! to nobody else, even if that one has yet to run. One that times out leaves its place; one
//! that is killed passes on what it was just given.
//!
//! **Limits.** A limit of zero only looks.
//!
//! **While unwinding,** that is in a destructor that runs because of a panic or a kill, a greenlet
//! cannot wait: what can be had at once is had, and for the rest there is
//! [`WaitError::Unwinding`]. Nothing panics.
//!
//! **Waiting for ever.** If everything waits, and the process has no other thread, main panics with
//! a report, as elsewhere. While there is another thread that could help there is no report.
//!
//! Between two waits a greenlet of one hub is alone: what only they share needs no lock.

mod barrier;
mod condition;
mod event;
mod hold;
mod lock;
pub(crate) mod locked;
pub(crate) mod once;
mod result;
mod rlock;
mod semaphore;

pub use self::barrier::Barrier;
pub use self::condition::Condition;
pub use self::event::Event;
pub use self::lock::{Lock, LockGuard, NotHeld};
pub use self::result::{AsyncResult, GetError};
pub use self::rlock::{NotOwner, RLock, RLockGuard};
pub use self::semaphore::{BoundedSemaphore, OverRelease, Permit, Semaphore};
pub use crate::hub::turn::WaitError;

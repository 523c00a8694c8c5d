//! Locks, cells and channels of `greenhub::monkey::sync`.
//!
//! `world/` holds bodies that are compiled twice, on std and on `greenhub::monkey`: both must give the
//! same values, errors, texts and panics. The other files are about greenhub alone.

mod beside;
mod hubs;
mod killing;
mod order;
mod support;
mod traits;
mod unwinding;

#[path = "."]
mod on_std {
    use std as world;

    #[path = "world/barrier.rs"]
    mod barrier;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/condvar.rs"]
    mod condvar;
    #[path = "world/lazy_lock.rs"]
    mod lazy_lock;
    #[path = "world/mpsc.rs"]
    mod mpsc;
    #[path = "world/mpsc_bounded.rs"]
    mod mpsc_bounded;
    #[path = "world/mpsc_ends.rs"]
    mod mpsc_ends;
    #[path = "world/mutex.rs"]
    mod mutex;
    #[path = "world/once.rs"]
    mod once;
    #[path = "world/once_lock.rs"]
    mod once_lock;
    #[path = "world/rwlock.rs"]
    mod rwlock;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;

    #[path = "world/barrier.rs"]
    mod barrier;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/condvar.rs"]
    mod condvar;
    #[path = "world/lazy_lock.rs"]
    mod lazy_lock;
    #[path = "world/mpsc.rs"]
    mod mpsc;
    #[path = "world/mpsc_bounded.rs"]
    mod mpsc_bounded;
    #[path = "world/mpsc_ends.rs"]
    mod mpsc_ends;
    #[path = "world/mutex.rs"]
    mod mutex;
    #[path = "world/once.rs"]
    mod once;
    #[path = "world/once_lock.rs"]
    mod once_lock;
    #[path = "world/rwlock.rs"]
    mod rwlock;
}

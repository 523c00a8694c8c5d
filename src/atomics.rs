//! What threads share memory by, under one roof.
//!
//! These are std's, and here that is all. `tests/loom` compiles the files that use them a second
//! time, with loom's in their place, and goes through the orders in which threads may run.

pub(crate) use std::cell::UnsafeCell;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, compiler_fence};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::{hint, thread};

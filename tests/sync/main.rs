//! What `greenhub::sync` promises: the laws of waiting for all of it, and each one's own.

mod support;

mod laws;

mod event;
mod lock;
mod result;
mod semaphore;
mod together;

mod across_threads;

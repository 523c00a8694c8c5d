//! What `greenhub::threadpool` promises: pools, their tasks' futures, executors.

mod support;

mod completed;
mod drops;
mod executor;
mod future;
mod limits;
mod mapping;
mod panics;
mod pool;

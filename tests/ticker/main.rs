//! Nothing of `monkey` that waits holds up the hub: beside each such call a greenlet that sleeps for a
//! millisecond at a time goes on.
//!
//! Those calls that have a test of this kind with their own kind are not here again:
//! `tests/sync_world/beside.rs` (locks and channels), `tests/process/beside.rs` and `limits.rs`
//! (children, their pipes, standard input), `tests/process/input.rs` (a terminal),
//! `tests/fs/green.rs` (a listing, a copy, a tree, a lock), `tests/net/unix.rs` (Unix sockets).

mod files;
mod locks;
mod names;
mod sockets;
mod support;
mod threads;

//! The examples, run as programs: what they print, how they end, and whom they put up with.
//!
//! `cargo test` builds the examples and then this. When only this is asked for
//! (`cargo test --test examples`), build them before: `cargo build --examples`.
//!
//! Every wait is bounded. All talk goes over loopback, to ports that the kernel chose. A test
//! whose other program is not installed says so and passes.

mod backdoor;
mod chat;
mod echo;
mod fifty_thousand;
mod files;
mod forward;
mod hello;
mod jobs;
mod lessons;
mod manners;
mod ported;
mod prefork;
mod programs;
mod rooms;
mod short;
mod sockets;
mod web;

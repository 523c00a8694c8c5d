//! Signals, told to greenlets. Each test has a process of its own, since signals belong to that.

mod ending;
mod handlers;
mod support;
mod waiting;

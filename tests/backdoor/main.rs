//! The backdoor, talked to as clients do. Linux alone tells who a client is.
#![cfg(target_os = "linux")]

mod commands;
mod doors;
mod ending;
mod files;
mod support;

//! Servers.

mod datagram;
mod ending;
mod failing;
mod life;
mod limits;
mod pool;
#[cfg(target_os = "linux")]
mod starved;
mod support;

//! Servers.

mod datagram;
mod ending;
mod failing;
mod life;
mod limits;
mod over_cluster;
mod over_cluster_ending;
mod over_cluster_failing;
mod pool;
#[cfg(target_os = "linux")]
mod starved;
mod support;

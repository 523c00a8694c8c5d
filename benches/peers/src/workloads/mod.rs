//! What the peers are measured with: a file for each kind of work.

mod limits;
mod lock;
mod ping_pong;
mod spawning;
mod stream;
mod yielding;

use crate::rounds::Workload;

/// All of them, in the order in which they are measured.
pub(crate) fn all() -> Vec<Workload> {
    let groups = [
        yielding::workloads(),
        spawning::workloads(),
        ping_pong::workloads(),
        stream::workloads(),
        lock::workloads(),
        limits::workloads(),
    ];
    groups.into_iter().flatten().collect()
}

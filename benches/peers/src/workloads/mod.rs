//! What the peers are measured with: a file for each kind of work.

mod across;
mod children;
mod files;
mod limits;
mod lock;
mod parked;
mod ping_pong;
mod sleepers;
mod spawning;
mod stream;
mod ticker;
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
        across::workloads(),
        files::workloads(),
        children::workloads(),
        ticker::workloads(),
        parked::workloads(),
        sleepers::workloads(),
    ];
    groups.into_iter().flatten().collect()
}

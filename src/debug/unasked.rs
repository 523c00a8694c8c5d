//! A dump when a signal comes.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;
use std::thread;

use super::asking::Survey;
use crate::hub::threads::Helper;
use crate::signal::{self, Told};

/// Has a dump of all hubs, with traces, written to standard error each time `signal` comes.
///
/// It is taken by a thread of its own, so that it comes also while all hubs are busy, or blocked: each
/// of those is told to be. It goes on until the guard is dropped. In a forked child it is over.
/// Mirrors gevent's `print_run_info` on a signal.
///
/// # Errors
///
/// As [`on_signal`](signal::on_signal).
///
/// # Examples
///
/// ```
/// use greenhub::debug::dump_on;
/// use greenhub::signal::SIGUSR2;
///
/// dump_on(SIGUSR2)?.keep();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn dump_on(signal: i32) -> io::Result<DumpGuard> {
    let told = signal::tell_on(signal, Arc::new(|_| begin()))?;
    Ok(DumpGuard { signal, told })
}

/// The thread that tells of signals is not to be kept by this.
fn begin() {
    let dump = || {
        let _helper = Helper::begin();
        print();
    };
    if let Err(error) = thread::Builder::new().name("greenhub-dump".into()).spawn(dump) {
        let _ = writeln!(io::stderr(), "greenhub: there is no thread for a dump: {error}");
    }
}

fn print() {
    let dump = Survey::new().traces(true).stacks(true).take();
    // In one piece, or those of others would come between. Whoever has closed it does not want to know.
    let text = format!("greenhub: all hubs of process {}\n{dump}\n", std::process::id());
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Dumps when a signal comes, until this is dropped; made by [`dump_on`].
#[must_use = "there are no more dumps when this is dropped"]
pub struct DumpGuard {
    signal: i32,
    told: Told,
}

impl DumpGuard {
    /// Leaves it so for as long as the process lives.
    pub fn keep(self) {
        mem::forget(self.told);
    }
}

impl fmt::Debug for DumpGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DumpGuard").field("signal", &self.signal).finish_non_exhaustive()
    }
}

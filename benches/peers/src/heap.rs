//! Keeps glibc from giving memory back between rounds.
//!
//! It does so whenever much is free at the top of the heap, and whether it is there is luck. A peer that
//! is unlucky has a page fault for every 4 KiB of what it allocates in each round, which is more than
//! many a peer takes for its work. So the program starts itself anew, once, with a setting
//! under which nobody's heap is given back. Other allocators and other systems ignore it.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const SETTINGS: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "4294967296"), ("MALLOC_TOP_PAD_", "16777216")];

/// Returns in a process that has the settings.
pub(crate) fn keep() -> Result<(), String> {
    if SETTINGS.iter().all(|(name, _)| env::var_os(name).is_some()) {
        return Ok(());
    }
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let failed = Command::new(program).args(env::args_os().skip(1)).envs(SETTINGS).exec();
    Err(format!("the program could not be started anew: {failed}"))
}

//! How servers among the examples end.

use std::io;
use std::time::Duration;

use greenhub::server::StillRunning;
use greenhub::signal::{SIGINT, SIGTERM, Signals};
use greenhub::spawn;

/// Calls `stop` with `limit` when this process is told to end by `SIGTERM` or `SIGINT`, and with no
/// time at all when it is told once more.
pub(crate) fn when_told(
    limit: Duration,
    stop: impl Fn(Duration) -> Result<(), StillRunning> + Clone + 'static,
) -> io::Result<()> {
    let signals = Signals::new([SIGTERM, SIGINT])?;
    spawn(move || -> io::Result<()> {
        signals.wait()?;
        let stop_at_once = stop.clone();
        spawn(move || -> io::Result<()> {
            signals.wait()?;
            stop_at_once(Duration::ZERO).map_err(io::Error::other)
        });
        stop(limit).map_err(io::Error::other)
    });
    Ok(())
}

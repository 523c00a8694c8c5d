//! Trying again, where the kernel does not tell when to.

use std::io;
use std::time::Duration;

use crate::clock::Moment;
use crate::greenlet;

const FIRST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(20);

/// Tries `operation` until it no longer would block, or `limit` is over, which is `WouldBlock` as
/// in std.
pub(super) fn try_again<R>(
    limit: Option<Duration>,
    mut operation: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    let deadline = limit.map_or(Moment::NEVER, Moment::after);
    let mut pause = FIRST;
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Moment::now() >= deadline {
                    return Err(error);
                }
            }
            answer => return answer,
        }
        greenlet::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

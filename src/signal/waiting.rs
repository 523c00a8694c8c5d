//! Waiting for a signal, as for anything else.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::watch;
use crate::clock::Moment;
use crate::hub::Hub;
use crate::sync::{Event, WaitError};

/// Signals to wait for, from the moment this is made until it is dropped.
///
/// One that comes while nobody waits is kept; one that comes again before it is taken is
/// taken once. Greenlets of any thread may wait, and each signal goes to one of them. A greenlet
/// that waits here is not taken for one that waits for ever.
///
/// # Examples
///
/// ```
/// use greenhub::signal::{SIGUSR1, Signals};
/// use std::process::Command;
///
/// let signals = Signals::new([SIGUSR1])?;
/// let me = std::process::id().to_string();
/// let sent = greenhub::offload(|| Command::new("kill").args(["-USR1", &me]).status())?;
/// assert!(sent.success());
/// assert_eq!(signals.wait()?, SIGUSR1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Signals {
    arrivals: Arc<Arrivals>,
    subscriptions: Vec<u64>,
}

#[derive(Default)]
struct Arrivals {
    /// A bit for each signal that has come and was not taken, by its number less one.
    pending: [AtomicU64; 2],
    came: Event,
}

impl Signals {
    /// Has `signals` kept for [`wait`](Self::wait) from now on.
    ///
    /// # Errors
    ///
    /// As [`on_signal`](super::on_signal).
    pub fn new(signals: impl IntoIterator<Item = i32>) -> io::Result<Signals> {
        let mut made = Signals { arrivals: Arc::default(), subscriptions: Vec::new() };
        for signal in signals {
            let arrivals = Arc::clone(&made.arrivals);
            let tell = |_| -> watch::Tell { Arc::new(move |signal| arrivals.put(signal)) };
            made.subscriptions.push(watch::subscribe(signal, tell)?);
        }
        Ok(made)
    }

    /// Waits until one of the signals has come, and takes it. Of several, the lowest number first.
    ///
    /// # Errors
    ///
    /// If none has come and the greenlet is unwinding, and so cannot wait.
    ///
    /// # Panics
    ///
    /// In a callback of the hub's loop, if it would have to wait.
    pub fn wait(&self) -> io::Result<i32> {
        self.wait_until(None)
    }

    /// As [`wait`](Self::wait), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if none has come in time; else as `wait`.
    ///
    /// # Panics
    ///
    /// As `wait`.
    pub fn wait_for(&self, limit: Duration) -> io::Result<i32> {
        self.wait_until(Some(limit))
    }

    /// The signals as they come, for ever; it ends only where the greenlet is unwinding.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        std::iter::from_fn(|| self.wait().ok())
    }

    fn wait_until(&self, limit: Option<Duration>) -> io::Result<i32> {
        let deadline = limit.map(Moment::after);
        loop {
            if let Some(signal) = self.arrivals.take() {
                return Ok(signal);
            }
            if let Some(signal) = self.arrivals.take_or_clear() {
                return Ok(signal);
            }
            // While it exists, the hub knows that it can be woken from outside.
            let _awaited = Hub::current().remote();
            let waited = match (limit, deadline) {
                (Some(limit), _) if limit.is_zero() => Err(WaitError::TimedOut),
                (_, Some(deadline)) => self.arrivals.came.wait_for(deadline.since(Moment::now())),
                (_, None) => self.arrivals.came.wait(),
            };
            waited.map_err(|error| match error {
                WaitError::TimedOut => io::Error::new(ErrorKind::TimedOut, "no signal in time"),
                unwinding => io::Error::other(unwinding),
            })?;
        }
    }
}

impl Arrivals {
    fn put(&self, signal: i32) {
        let (word, bit) = place(signal);
        self.pending[word].fetch_or(bit, Ordering::AcqRel);
        self.came.set();
    }

    /// As [`take`](Self::take); if there is none, the event is not set afterwards.
    fn take_or_clear(&self) -> Option<i32> {
        // Before the look: one that comes after it sets the event again.
        self.came.clear();
        let taken = self.take();
        if taken.is_some() {
            // There may be more, of which another thread that is about to wait would not hear.
            self.came.set();
        }
        taken
    }

    /// Takes the lowest that has come.
    fn take(&self) -> Option<i32> {
        for (word, pending) in (0..).zip(&self.pending) {
            let lowest = |bits: u64| (bits != 0).then(|| bits & (bits - 1));
            if let Ok(bits) = pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, lowest) {
                return Some(word * 64 + bits.trailing_zeros().cast_signed() + 1);
            }
        }
        None
    }
}

/// The word and the bit of a signal, which the kernel has accepted: 1 to 128.
fn place(signal: i32) -> (usize, u64) {
    let index = usize::try_from(signal - 1).unwrap_or(0);
    (index / 64, 1 << (index % 64))
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.subscriptions.drain(..).for_each(watch::unsubscribe);
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").finish_non_exhaustive()
    }
}

/// Waits until `signal` comes, for at most `limit`.
///
/// It must come during the call: one that came before is not known of. To miss none between two
/// waits, keep a [`Signals`].
///
/// # Errors
///
/// [`TimedOut`](ErrorKind::TimedOut) if it has not come in time; else as [`Signals::new`] and
/// [`Signals::wait`].
///
/// # Panics
///
/// As [`Signals::wait`].
///
/// # Examples
///
/// ```
/// use greenhub::signal::{self, SIGUSR2};
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let waited = signal::wait(SIGUSR2, Some(Duration::from_millis(1)));
/// assert_eq!(waited.unwrap_err().kind(), ErrorKind::TimedOut);
/// ```
pub fn wait(signal: i32, limit: Option<Duration>) -> io::Result<()> {
    Signals::new([signal])?.wait_until(limit).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_one_of_two_does_not_hide_the_other_from_those_about_to_wait() {
        let arrivals = Arrivals::default();
        arrivals.put(libc::SIGHUP);
        arrivals.put(libc::SIGTERM);
        assert_eq!(arrivals.take_or_clear(), Some(libc::SIGHUP));
        assert!(arrivals.came.is_set());
        assert_eq!(arrivals.take_or_clear(), Some(libc::SIGTERM));
        assert_eq!(arrivals.take_or_clear(), None);
        assert!(!arrivals.came.is_set());
    }
}

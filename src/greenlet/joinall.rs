//! Joining many greenlets, with options.

use std::fmt;
use std::time::Duration;

use super::joining::text;
use super::packet::Ended;
use super::{AnyGreenlet, Join, iwait};
use crate::raw::thread;

/// Waits for greenlets, with options; see [`joinall`](super::joinall) for the plain case.
///
/// Mirrors `gevent.joinall(greenlets, timeout, raise_error, count)`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenhub::JoinAll;
///
/// let slow = greenhub::spawn(|| greenhub::sleep(Duration::from_secs(60)));
/// let fast = greenhub::spawn(|| ());
/// let finished = JoinAll::new([&slow, &fast]).count(1).raise_error().wait()?;
/// assert_eq!(finished, [fast.any()]);
/// # Ok::<(), greenhub::greenlet::Failed>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it waits only when it is told to"]
pub struct JoinAll {
    greenlets: Vec<AnyGreenlet>,
    limit: Option<Duration>,
    count: usize,
    raise_error: bool,
}

impl JoinAll {
    /// Will wait until all `greenlets` have ended. One that is named twice counts twice.
    pub fn new<'a, J: Join + ?Sized + 'a>(greenlets: impl IntoIterator<Item = &'a J>) -> Self {
        let greenlets = greenlets.into_iter().map(|greenlet| greenlet.without_type()).collect();
        JoinAll { greenlets, limit: None, count: usize::MAX, raise_error: false }
    }

    /// Will wait for at most `limit`. A limit of zero only looks.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Will wait until `count` of them have ended.
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Will end at the first that panicked, with an error. The others run on.
    pub fn raise_error(mut self) -> Self {
        self.raise_error = true;
        self
    }

    /// Waits, and returns those that have ended, in the order in which they did.
    ///
    /// Their results stay to be taken.
    ///
    /// # Errors
    ///
    /// [`Failed`], only with [`raise_error`](Self::raise_error), that names the greenlet that
    /// panicked first *in time*: wherever it stands in the list, and also if it had ended before
    /// this call.
    ///
    /// # Panics
    ///
    /// If the current greenlet is among them, or main or a raw one; and in main, with a report,
    /// if everything waits for ever.
    pub fn wait(self) -> Result<Vec<AnyGreenlet>, Failed> {
        let mut greenlets = self.greenlets;
        for greenlet in &greenlets {
            assert!(
                !thread::is_current(&greenlet.fiber().head),
                "a greenlet cannot join itself: it would wait for ever"
            );
        }
        // Those that have ended come first, in the order in which they did.
        greenlets.sort_by_key(|greenlet| match greenlet.ended().map_or(0, Ended::place) {
            0 => u64::MAX,
            place => place,
        });
        let mut coming = iwait(greenlets);
        if let Some(limit) = self.limit {
            coming = coming.limit(limit);
        }
        let mut finished = Vec::new();
        while finished.len() < self.count {
            let Some(greenlet) = coming.next() else { break };
            if self.raise_error && greenlet.with_error(|_| ()).is_some() {
                return Err(Failed { greenlet });
            }
            finished.push(greenlet);
        }
        Ok(finished)
    }
}

/// A greenlet panicked; see [`JoinAll::raise_error`].
///
/// What it panicked with is left with the greenlet, to be [seen](AnyGreenlet::with_error) or taken
/// by a join; it does not count as unjoined any more.
#[derive(Clone, Debug)]
pub struct Failed {
    greenlet: AnyGreenlet,
}

impl Failed {
    /// The greenlet that panicked.
    #[must_use]
    pub fn greenlet(&self) -> &AnyGreenlet {
        &self.greenlet
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.greenlet.with_error(|payload| text(payload).map(str::to_owned));
        match message.flatten() {
            Some(message) => write!(f, "{:?} panicked: {message}", self.greenlet),
            None => write!(f, "{:?} panicked", self.greenlet),
        }
    }
}

impl std::error::Error for Failed {}

//! Whether a block lets others run.

use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Moment;
use crate::greenlet;
use crate::hub::{core, report};
use crate::raw::thread;
use crate::raw::trace::{self, Slice};

/// Calls `body`, and panics if it has not let others run even once.
///
/// For tests of code that must not hold up the hub. If `body` panics, its panic passes and nothing is
/// asserted. For a limit on how long it may run without letting others, see [`AssertSwitches`].
/// Mirrors `gevent.util.assert_switches`.
///
/// # Panics
///
/// If `body` has neither waited, yielded nor switched.
///
/// # Examples
///
/// ```
/// use greenhub::debug::assert_switches;
///
/// let seven = assert_switches(|| greenhub::spawn(|| 7).join())?;
/// assert_eq!(seven, 7);
/// let blocked = std::panic::catch_unwind(|| assert_switches(|| 2 + 2));
/// assert!(blocked.is_err());
/// # Ok::<(), greenhub::JoinError>(())
/// ```
#[track_caller]
pub fn assert_switches<R>(body: impl FnOnce() -> R) -> R {
    AssertSwitches::new().run(body)
}

/// How long a block may run without letting others.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenhub::debug::AssertSwitches;
///
/// let strict = AssertSwitches::new().max_blocking(Duration::from_secs(1));
/// strict.run(|| greenhub::sleep(Duration::from_millis(1)));
/// strict.run(|| ()); // it did not switch, and was quick
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "it asserts nothing until a block is run"]
pub struct AssertSwitches {
    max_blocking: Option<Duration>,
    hub_only: bool,
}

impl AssertSwitches {
    /// Asserts that the block switches at least once.
    pub fn new() -> AssertSwitches {
        AssertSwitches::default()
    }

    /// Asserts instead that nobody runs for longer than `limit` while the block does: neither the
    /// block itself between two switches nor any greenlet that runs meanwhile. A block that is quick
    /// need not switch. Mirrors gevent's `max_blocking_time`.
    pub fn max_blocking(mut self, limit: Duration) -> AssertSwitches {
        self.max_blocking = Some(limit);
        self
    }

    /// Counts only switches to the hub, so that greenlets that switch to each other by
    /// [raw](crate::raw) switches are taken for one. Without a limit it means nothing. Mirrors
    /// gevent's `hub_only`.
    pub fn hub_only(mut self, hub_only: bool) -> AssertSwitches {
        self.hub_only = hub_only;
        self
    }

    /// Calls `body`, and panics if it does not keep to this.
    ///
    /// With a limit, the current greenlet yields before that, for the clock to be looked at from the
    /// beginning.
    ///
    /// # Panics
    ///
    /// With a sentence that says who did not let others run, for how long, and where this was called. A
    /// panic of `body` passes instead. And with a limit, in a callback of the hub, which cannot yield.
    #[track_caller]
    pub fn run<R>(self, body: impl FnOnce() -> R) -> R {
        let place = Location::caller();
        let watch = Watch::begin(self);
        let result = body();
        if let Err(fault) = watch.end() {
            panic!("{fault} (in the block at {place})");
        }
        result
    }
}

/// What is seen while a block runs.
struct Watch {
    rules: AssertSwitches,
    noted: Rc<Noted>,
    watcher: u64,
    began: Moment,
    switched: u64,
}

#[derive(Default)]
struct Noted {
    slices: Cell<u64>,
    /// How long the hub had nothing to say, up to the last slice that has ended.
    held: Cell<Duration>,
    longest: Cell<Duration>,
    longest_of: Cell<Option<String>>,
}

impl Watch {
    fn begin(rules: AssertSwitches) -> Watch {
        let noted = Rc::new(Noted::default());
        let began = Rc::new(Cell::new(Moment::NEVER));
        let (sink, since) = (Rc::clone(&noted), Rc::clone(&began));
        let watcher = trace::watch(Rc::new(move |slice| {
            // Those that were over before the block began are not its.
            if slice.ended >= since.get() {
                sink.note(slice, since.get(), rules.hub_only);
            }
        }));
        // It is dropped, and so forgotten, if the greenlet is killed here.
        let mut watch = Watch { rules, noted, watcher, began: Moment::NEVER, switched: 0 };
        if rules.max_blocking.is_some() && trace::slice_began().is_none() {
            greenlet::yield_now();
        }
        watch.began = Moment::now();
        began.set(watch.began);
        watch.switched = switched();
        watch
    }

    fn end(self) -> Result<(), String> {
        let noted = &self.noted;
        let Some(limit) = self.rules.max_blocking else {
            let has_switched = noted.slices.get() > 0 || switched() != self.switched;
            let me = thread::current_head(report::name);
            return if has_switched {
                Ok(())
            } else {
                Err(format!("{me} did not let others run for {:?}", self.since(self.began)))
            };
        };
        // The last slice is not over.
        let began = trace::slice_began().map_or(self.began, |began| began.max(self.began));
        let held = noted.held.take() + self.since(began);
        thread::current_head(|head| noted.hold(held, || report::name(head)));
        let longest = noted.longest.get();
        if longest <= limit {
            return Ok(());
        }
        let who = noted.longest_of.take().unwrap_or_default();
        Err(format!("{who} did not let others run for {longest:?}, and {limit:?} are allowed"))
    }

    fn since(&self, moment: Moment) -> Duration {
        Moment::now().since(moment)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        trace::unwatch(self.watcher);
    }
}

impl Noted {
    fn note(&self, slice: &Slice<'_>, since: Moment, hub_only: bool) {
        self.slices.set(self.slices.get() + 1);
        let held = self.held.take() + slice.ended.since(slice.began.max(since));
        self.hold(held, || report::name(slice.head));
        if hub_only && slice.is_direct {
            self.held.set(held);
        }
    }

    fn hold(&self, held: Duration, name: impl FnOnce() -> String) {
        if held > self.longest.get() {
            self.longest.set(held);
            self.longest_of.set(Some(name()));
        }
    }
}

/// How often the hub has run someone, if there is one.
fn switched() -> u64 {
    core::try_with(|core| core.switched()).unwrap_or(0)
}

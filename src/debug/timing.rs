//! How long greenlets run before they let others run, and since when they do not run.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Moment;
use crate::hub::inbox::Message;
use crate::hub::inboxes;
use crate::hub::{core, report};
use crate::raw::fiber::Head;
use crate::raw::trace::{self, Slice};

/// So many limits: a microsecond, two, four, and so on up to about four seconds.
const LIMITS: usize = 23;

/// How long the greenlets of one thread ran each time, before they let others run.
///
/// A slice begins when a greenlet is run and ends when it waits, yields, switches or ends. What the
/// hub itself does between slices is not counted, and neither is sleep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slices {
    /// How many there were.
    pub count: u64,
    /// How long all of them were together.
    pub total: Duration,
    /// The longest of them.
    pub longest: Option<Longest>,
    counts: [u64; LIMITS + 1],
}

/// A slice, and whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Longest {
    /// What the greenlet is called in messages: `greenlet 7 'reader'`.
    pub name: String,
    /// Where it was spawned: file, line and column. `None` for main.
    pub spawned_at: Option<String>,
    /// How long it ran.
    pub length: Duration,
}

impl Slices {
    /// How many slices were shorter than a limit and not shorter than the one before: the limits are
    /// 1, 2, 4, … microseconds, and at last [`Duration::MAX`].
    pub fn below(&self) -> impl Iterator<Item = (Duration, u64)> {
        let limits = (0..LIMITS).map(|power| Duration::from_micros(1 << power));
        limits.chain([Duration::MAX]).zip(self.counts)
    }

    fn add(&mut self, head: &Head, length: Duration) {
        self.count += 1;
        self.total += length;
        // The power of two above the whole microseconds.
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let place = (u64::BITS - micros.leading_zeros()) as usize;
        self.counts[place.min(LIMITS)] += 1;
        if self.longest.as_ref().is_none_or(|longest| longest.length < length) {
            self.longest = Some(Longest {
                name: report::name(head),
                spawned_at: (!head.is_main()).then(|| head.made_at.to_string()),
                length,
            });
        }
    }
}

impl fmt::Display for Slices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:.1?}", self.count, self.total)?;
        if let Some(longest) = &self.longest {
            write!(f, ", the longest {:.1?} of {}", longest.length, longest.name)?;
        }
        let mut before = Duration::ZERO;
        for (limit, count) in self.below().filter(|(_, count)| *count > 0) {
            match limit {
                Duration::MAX => write!(f, "; {count} from {before:?} on")?,
                _ => write!(f, "; {count} below {limit:?}")?,
            }
            before = limit;
        }
        Ok(())
    }
}

/// What one thread has seen since its timing was switched on.
struct Times {
    watcher: u64,
    seen: Rc<RefCell<Noted>>,
}

#[derive(Default)]
struct Noted {
    slices: Slices,
    /// Who has had the number, and when it ran last, by numbers.
    left: Vec<Option<(u64, Moment)>>,
}

thread_local! {
    static TIMES: RefCell<Option<Times>> = const { RefCell::new(None) };
}

/// Switches on, or off, that the lengths of slices are noted, and when each greenlet ran last.
///
/// For this thread at once; for the hubs that other threads have now, when they come round. While it
/// is on, each slice costs two looks at the clock. To switch it on where it is on changes nothing;
/// off forgets what was noted.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// greenhub::debug::set_timing(true);
/// greenhub::spawn(|| std::thread::sleep(Duration::from_millis(5))).wait();
/// let slices = greenhub::debug::slices().expect("it is on");
/// assert!(slices.longest.unwrap().length >= Duration::from_millis(5));
/// greenhub::debug::set_timing(false);
/// ```
pub fn set_timing(on: bool) {
    set_here(on);
    let own = core::try_with(|core| core.number());
    for (inbox, _) in inboxes::all() {
        if Some(inbox.number()) != own {
            inbox.put(Message::Call(Box::new(move || set_here(on))));
        }
    }
}

/// Whether timing is on in this thread.
#[must_use]
pub fn is_timing() -> bool {
    TIMES.with_borrow(Option::is_some)
}

/// The lengths of this thread's slices since [timing](set_timing) was switched on, if it is.
#[must_use]
pub fn slices() -> Option<Slices> {
    TIMES.with_borrow(|times| Some(times.as_ref()?.seen.borrow().slices.clone()))
}

/// How long a fiber has not run, if that is known.
pub(super) fn idle(head: &Head) -> Option<Duration> {
    TIMES.with_borrow(|times| {
        let seen = times.as_ref()?.seen.borrow();
        let (serial, left) = (*seen.left.get(head.id.get() as usize)?)?;
        (serial == head.serial.get()).then(|| Moment::now().since(left))
    })
}

fn set_here(on: bool) {
    if on == is_timing() {
        return;
    }
    let times = on.then(|| {
        let seen = Rc::new(RefCell::new(Noted::default()));
        let sink = Rc::clone(&seen);
        let watcher = trace::watch(Rc::new(move |slice| sink.borrow_mut().note(slice)));
        Times { watcher, seen }
    });
    if let Some(before) = TIMES.replace(times) {
        trace::unwatch(before.watcher);
    }
}

impl Noted {
    fn note(&mut self, slice: &Slice<'_>) {
        let head = slice.head;
        self.slices.add(head, slice.ended.since(slice.began));
        let place = head.id.get() as usize;
        if self.left.len() <= place {
            self.left.resize(place + 1, None);
        }
        self.left[place] = Some((head.serial.get(), slice.ended));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_counted_below_the_next_power_of_two() {
        let head = crate::raw::thread::with(|thread| thread.main());
        let mut slices = Slices::default();
        for (nanos, below) in
            [(0, 1), (999, 1), (1_000, 2), (1_999, 2), (2_000, 4), (1_000_000, 1024)]
        {
            let before: Vec<_> = slices.below().collect();
            slices.add(&head.head, Duration::from_nanos(nanos));
            let grown = slices.below().zip(before).find(|(now, before)| now.1 != before.1);
            assert_eq!(grown.unwrap().0.0, Duration::from_micros(below), "{nanos} ns");
        }
        slices.add(&head.head, Duration::from_secs(3600));
        assert_eq!(slices.below().last(), Some((Duration::MAX, 1)));
        assert_eq!((slices.count, slices.longest.unwrap().length.as_secs()), (7, 3600));
    }
}

//! One run of a closure under control.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::config;
use crate::hub::simulated::{self, Rules};
use crate::hub::{Hub, Unhandled};

/// How closures are run: the order of those who are ready, and whether they are disturbed.
///
/// # Examples
///
/// ```
/// use greenhub::testing::{self, Simulation};
/// use std::time::Duration;
///
/// let week = Duration::from_secs(7 * 86_400);
/// let passed = Simulation::new().run(|| {
///     greenhub::sleep(week);
///     testing::now()
/// });
/// assert_eq!(passed, week);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing runs before `run` or `check`"]
pub struct Simulation {
    rules: Rules,
}

impl Simulation {
    /// First come, first served, as everywhere; and a virtual clock.
    pub fn new() -> Simulation {
        let patience = config::SWITCHES_IN_VAIN;
        Simulation { rules: Rules { seed: None, is_disturbing: false, patience } }
    }

    /// Has `seed` decide who of those who are ready runs next.
    pub fn seed(mut self, seed: u64) -> Simulation {
        self.rules.seed = Some(seed);
        self
    }

    /// Has greenlets let others run more often where they do what need not wait.
    ///
    /// A greenlet that gets item after item from a queue, reads from a stream that is never empty, or locks
    /// a mutex of [`monkey`](crate::monkey) again and again, yields now and then, so that others are not
    /// held up: everywhere after 64 such operations, here after one to eight.
    pub fn disturbed(mut self) -> Simulation {
        self.rules.is_disturbing = true;
        self
    }

    /// Has main panic after so many switches at one moment of the clock, if no deadline is ahead.
    ///
    /// Then somebody yields for ever, or it looks like that. Ten million, unless this is called.
    pub fn patience(mut self, switches: u64) -> Simulation {
        self.rules.patience = switches;
        self
    }

    /// Runs `body` as the main of a hub of its own, on a thread of its own, and returns what it
    /// returns.
    ///
    /// The thread has the name of the caller's. It waits, also if the caller is a greenlet, and
    /// with it all greenlets of its hub. What `body` leaves running is killed when it has returned.
    ///
    /// # Panics
    ///
    /// If `body` does, with the same payload, or waits for ever. If a greenlet panicked and nobody
    /// joined it, unless `body` has set an [error hook](Hub::set_error_hook). If a greenlet goes on
    /// for 10 s of the clock after its kill. If there is no memory for a thread, or no
    /// descriptor for its hub.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::testing::Simulation;
    ///
    /// let order = |seed| {
    ///     Simulation::new().seed(seed).run(|| {
    ///         let names = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    ///         let pushing = |name| {
    ///             let names = std::rc::Rc::clone(&names);
    ///             greenhub::spawn(move || names.borrow_mut().push(name))
    ///         };
    ///         greenhub::joinall(&["a", "b", "c", "d"].map(pushing));
    ///         names.take()
    ///     })
    /// };
    /// assert_eq!(order(1), order(1));
    /// assert!((2..100).any(|seed| order(seed) != order(1)));
    /// ```
    pub fn run<R: Send>(self, body: impl FnOnce() -> R + Send) -> R {
        match self.try_run(body) {
            Ok(result) => result,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    /// The seed of the first run of a check.
    pub(super) fn first_seed(self) -> u64 {
        self.rules.seed.unwrap_or(0)
    }

    pub(super) fn try_run<R: Send>(self, body: impl FnOnce() -> R + Send) -> thread::Result<R> {
        let caller = thread::current();
        thread::scope(|scope| {
            let builder = thread::Builder::new().name(caller.name().unwrap_or("test").to_owned());
            let thread = builder
                .spawn_scoped(scope, || self.run_here(body))
                .expect("a simulation needs a thread");
            thread.join()
        })
    }

    fn run_here<R>(self, body: impl FnOnce() -> R) -> R {
        simulated::begin(self.rules);
        let hub = Hub::current();
        let untold = Rc::new(RefCell::new(None));
        let keeper = Rc::clone(&untold);
        hub.set_error_hook(move |unhandled| {
            keeper.borrow_mut().get_or_insert_with(|| describe(unhandled));
        });
        // Caught here, so that the others can be unwound as usual.
        let result = panic::catch_unwind(AssertUnwindSafe(body));
        let ended = hub.end(config::SIMULATION_GRACE);
        let result = result.unwrap_or_else(|payload| panic::resume_unwind(payload));
        if let Some(untold) = untold.take() {
            panic!("{untold}");
        }
        if let Err(left) = ended {
            panic!("the simulation is over, but {left}");
        }
        result
    }
}

impl Default for Simulation {
    fn default() -> Self {
        Simulation::new()
    }
}

fn describe(unhandled: &Unhandled<'_>) -> String {
    let message = message(unhandled.payload);
    match unhandled.made_at {
        Some(place) => {
            format!("{}, spawned at {place}, panicked unjoined: {message}", unhandled.origin)
        }
        None => format!("{} panicked: {message}", unhandled.origin),
    }
}

/// What a panic says, if it says anything.
pub(super) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(a payload that is not a text)")
}

/// Runs `body` in a simulation in which `seed` decides the order.
///
/// That is `Simulation::new().seed(seed).run(body)`: see [`Simulation::run`].
///
/// # Panics
///
/// As there.
///
/// # Examples
///
/// ```
/// use greenhub::{spawn, testing};
///
/// let sum = testing::run(3, || spawn(|| 1 + 2).join());
/// assert_eq!(sum?, 3);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
pub fn run<R: Send>(seed: u64, body: impl FnOnce() -> R + Send) -> R {
    Simulation::new().seed(seed).run(body)
}

/// How much time has passed in this thread's simulation since it began.
///
/// # Panics
///
/// Outside of a simulation.
#[must_use]
pub fn now() -> Duration {
    inside(simulated::with(|simulated| simulated.elapsed()))
}

/// The seed that decides the order in this thread's simulation, if there is one.
///
/// # Panics
///
/// Outside of a simulation.
#[must_use]
pub fn seed() -> Option<u64> {
    inside(simulated::with(|simulated| simulated.seed()))
}

/// A number below `bound`, which the seed of this thread's simulation decides.
///
/// So a test can vary sizes, limits and moments from run to run, and repeat them. Without a seed
/// the numbers are the same in each run.
///
/// # Panics
///
/// If `bound` is zero; and outside of a simulation.
///
/// # Examples
///
/// ```
/// use greenhub::testing;
///
/// let dice = |seed| testing::run(seed, || [(); 5].map(|()| testing::random_below(6) + 1));
/// assert_eq!(dice(1), dice(1));
/// assert_ne!(dice(1), dice(2));
/// ```
#[must_use]
pub fn random_below(bound: u64) -> u64 {
    assert!(bound > 0, "no number is below zero");
    inside(simulated::with(|simulated| simulated.random(|random| random.below(bound))))
}

#[track_caller]
fn inside<T>(answer: Option<T>) -> T {
    answer.expect("this is to be called in a simulation, on the thread that runs it")
}

//! Many runs, each with a seed of its own.

use std::env;
use std::thread;

use super::simulation::{Simulation, message};

/// The variable that has a check do one run only, with this seed.
const SEED: &str = "GREENHUB_SEED";

/// Runs `body` in so many simulations, with the seeds from 0, in each of which greenlets are
/// [disturbed](Simulation::disturbed).
///
/// That is `Simulation::new().disturbed().check(runs, body)`: see [`Simulation::check`].
///
/// # Panics
///
/// As there.
///
/// # Examples
///
/// ```
/// use greenhub::sync::Semaphore;
/// use greenhub::{joinall, spawn, testing, yield_now};
/// use std::{cell::Cell, rc::Rc};
///
/// testing::check(50, || {
///     let (inside, most) = (Rc::new(Semaphore::new(2)), Rc::new(Cell::new((0, 0))));
///     let guests = [(); 6].map(|()| {
///         let (inside, most) = (Rc::clone(&inside), Rc::clone(&most));
///         spawn(move || {
///             inside.acquire().expect("a place");
///             let (now, so_far) = most.get();
///             most.set((now + 1, so_far.max(now + 1)));
///             yield_now();
///             most.update(|(now, so_far)| (now - 1, so_far));
///             inside.release();
///         })
///     });
///     joinall(&guests);
///     assert_eq!(most.get(), (0, 2));
/// });
/// ```
#[track_caller]
pub fn check(runs: u64, body: impl Fn() + Sync) {
    Simulation::new().disturbed().check(runs, body);
}

impl Simulation {
    /// Runs `body` so many times, with the seeds from 0, or up from that of [`seed`](Self::seed).
    ///
    /// Always the same seeds: what has passed once passes again. If the environment has `GREENHUB_SEED`,
    /// there is one run, with that seed.
    ///
    /// # Panics
    ///
    /// If a [run](Self::run) does: the message tells its seed, how to repeat it, and what the run
    /// said. And if `GREENHUB_SEED` is not a number.
    #[track_caller]
    pub fn check(self, runs: u64, body: impl Fn() + Sync) {
        if let Some(seed) = wished_seed() {
            return self.check_one(seed, 1, 1, &body);
        }
        let first = self.first_seed();
        for run in 0..runs {
            self.check_one(first.wrapping_add(run), run + 1, runs, &body);
        }
    }

    #[track_caller]
    fn check_one(self, seed: u64, run: u64, runs: u64, body: &(impl Fn() + Sync)) {
        if let Err(payload) = self.seed(seed).try_run(body) {
            let name = thread::current().name().map(|name| format!(" cargo test {name}"));
            panic!(
                "run {run} of {runs} failed, with seed {seed} (to repeat it: {SEED}={seed}{}): {}",
                name.unwrap_or_default(),
                message(&*payload)
            );
        }
    }
}

#[track_caller]
fn wished_seed() -> Option<u64> {
    let wish = env::var_os(SEED)?;
    let seed = wish.to_str().and_then(|wish| wish.trim().parse().ok());
    Some(seed.unwrap_or_else(|| panic!("{SEED} is to be a number below 2^64, and is {wish:?}")))
}

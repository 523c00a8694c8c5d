//! All at once, for long: spawns, kills, limits, sockets that are closed under their readers, messages
//! between hubs, and hubs that come and go. In the end every count balances, and nothing has grown.
//!
//! `GREENHUB_SOAK_SECONDS` says for how long (3 unless it is set), `GREENHUB_SOAK_SEED` where the random
//! numbers begin. Twenty times in a run, memory and descriptors are looked at and printed. From 60 s on,
//! memory must not have grown from the second fifth of the run to the last.

#[path = "../support/bounded.rs"]
mod bounded;
#[path = "../stress/counted.rs"]
mod counted;
#[path = "../stress/random.rs"]
mod random;

mod growth;
mod hub;
mod sockets;
mod worker;
mod world;

use std::env;
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::yield_now;

use self::bounded::{bounded, bounded_by};
use self::growth::Growth;
use self::random::Random;
use self::world::World;

/// Those that run all the time.
const HUBS: u64 = 2;

/// Shorter runs are too short to tell growth from noise.
const TELLING: Duration = Duration::from_secs(60);

fn setting<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn after_a_long_run_every_count_balances_and_nothing_has_grown() {
    let length = Duration::from_secs(setting("GREENHUB_SOAK_SECONDS", 3));
    let seed: u64 = setting("GREENHUB_SOAK_SEED", 2026);
    println!("{length:?} from seed {seed}");
    // What std opens, once.
    bounded(yield_now);
    let before = growth::descriptors();
    let until = Instant::now() + length;
    let growth = bounded_by(length + Duration::from_secs(90), move || {
        let world = Arc::new(World::new(HUBS as usize));
        let hubs: Vec<_> = (0..HUBS)
            .map(|number| {
                let world = Arc::clone(&world);
                let random = Random::new(seed.wrapping_mul(1_000).wrapping_add(number));
                thread::spawn(move || hub::run(&world, number as usize, random, until))
            })
            .collect();
        let guests = {
            let world = Arc::clone(&world);
            thread::spawn(move || hub::invite(&world, Random::new(!seed), until))
        };
        let mut growth = Growth::new(length / 20);
        while Instant::now() < until {
            growth.wait_and_look(until);
        }
        hubs.into_iter().for_each(|hub| hub.join().expect("a hub's thread"));
        guests.join().expect("the thread of the guests");
        world.drain();
        println!("{world}");
        world.is_as_it_was();
        growth
    });
    assert_eq!(growth::descriptors(), before, "descriptors");
    if length >= TELLING {
        growth.is_none();
    }
}

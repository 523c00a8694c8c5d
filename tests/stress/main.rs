//! Random spawns, kills, limits, puts and gets, on two hubs at once; in the end nothing is left.
//!
//! `GREENHUB_STRESS_SECONDS` says for how long (2 unless it is set), `GREENHUB_STRESS_SEED` where
//! the random numbers begin. Both are printed.

#[path = "../support/bounded.rs"]
mod bounded;

mod counted;
mod random;
mod worker;
mod world;

use std::env;
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::{Greenlet, Hub, joinall, killall, sleep, yield_now};

use self::bounded::{bounded, bounded_by};
use self::random::Random;
use self::world::World;

fn setting<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn after_a_long_random_run_nothing_is_left() {
    let seconds = setting("GREENHUB_STRESS_SECONDS", 2);
    let seed = setting("GREENHUB_STRESS_SEED", 2026);
    println!("{seconds} s from seed {seed}");
    // The hub of the test's own thread, and what std opens, once.
    bounded(yield_now);
    let before = open_descriptors();
    let world = Arc::new(World::new());
    let shared = Arc::clone(&world);
    let until = Instant::now() + Duration::from_secs(seconds);
    bounded_by(Duration::from_secs(seconds + 60), move || {
        let threads = [1, 2].map(|number| {
            let world = Arc::clone(&shared);
            thread::spawn(move || run_hub(&world, Random::new(seed * 1_000 + number), until))
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a hub's thread"));
    });
    world.drain();
    println!("{world}");
    world.is_as_it_was();
    assert_eq!(open_descriptors(), before, "descriptors");
}

/// One hub: it keeps some hundred workers alive, kills some, and in the end all.
fn run_hub(world: &Arc<World>, mut random: Random, until: Instant) {
    let mut workers: Vec<Greenlet<()>> = Vec::new();
    while Instant::now() < until {
        for _ in 0..random.below(20) {
            workers.push(worker::spawn(world, random.fork()));
        }
        let victims = if workers.is_empty() { 0 } else { random.below(8) };
        for _ in 0..victims {
            let victim = &workers[random.below(workers.len())];
            match random.below(3) {
                0 => victim.kill(),
                1 => victim.start_kill(),
                _ => drop(victim.kill_for(Duration::from_micros(200))),
            }
        }
        sleep(Duration::from_micros(random.below(400) as u64));
        workers.retain(|worker| !worker.is_finished());
        if workers.len() > 400 {
            killall(&workers[..200]);
        }
    }
    killall(&workers);
    joinall(&workers);
    // Their children are nobody's: they end by themselves, as each waits with a limit.
    let patience = Instant::now() + Duration::from_secs(20);
    while Hub::current().stats().stacks_in_use > 0 {
        assert!(Instant::now() < patience, "greenlets hang: {:?}", Hub::current().stats());
        sleep(Duration::from_millis(1));
    }
    let stats = Hub::current().stats();
    assert_eq!((stats.ready, stats.timers, stats.sources), (0, 0, 0), "{stats:?}");
}

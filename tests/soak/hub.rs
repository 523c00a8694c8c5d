//! A hub with some hundred workers; and hubs that live for some milliseconds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use greenhub::{Greenlet, Hub, joinall, killall, sleep};

use crate::random::Random;
use crate::worker::{self, Here};
use crate::world::World;

const MOST_WORKERS: usize = 300;

/// Keeps workers alive, kills some, and in the end all.
pub(crate) fn run(world: &Arc<World>, number: usize, mut random: Random, until: Instant) {
    world.remotes.lock().expect("nobody panics with it")[number] = Some(Hub::current().remote());
    let here = Here::new(number);
    let mut workers: Vec<Greenlet<()>> = Vec::new();
    while Instant::now() < until {
        for _ in 0..random.below(20) {
            workers.push(worker::spawn(world, &here, random.fork()));
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
        sleep(Duration::from_micros(random.below(1_000) as u64));
        workers.retain(|worker| !worker.is_finished());
        if workers.len() > MOST_WORKERS {
            killall(&workers[..MOST_WORKERS / 2]);
        }
    }
    killall(&workers);
    joinall(&workers);
    drop(here);
    world.remotes.lock().expect("nobody panics with it")[number] = None;
    // What was sent before that is called.
    sleep(Duration::from_millis(5));
    is_empty(world);
}

/// All that this hub has had is over: each wait of those who are left has a limit.
fn is_empty(world: &World) {
    let patience = Instant::now() + Duration::from_secs(30);
    let hub = Hub::current();
    while hub.stats().stacks_in_use > 0 {
        assert!(Instant::now() < patience, "greenlets hang: {}", greenhub::debug::dump());
        sleep(Duration::from_millis(1));
    }
    let stats = hub.stats();
    let left = (stats.ready, stats.timers, stats.sources, stats.made - stats.ended);
    assert_eq!(left, (0, 0, 0, 0), "{stats:?}");
    world.made.fetch_add(stats.made, Ordering::Relaxed);
    world.waits.fetch_add(stats.waits, Ordering::Relaxed);
    world.alarms.fetch_add(stats.alarms, Ordering::Relaxed);
}

/// Hubs come, do something together with those that stay, and end.
pub(crate) fn invite(world: &Arc<World>, mut random: Random, until: Instant) {
    while Instant::now() < until {
        let (world, mut own) = (Arc::clone(world), random.fork());
        let guest = thread::spawn(move || {
            let here = Here::new(usize::MAX);
            let count = own.below(10);
            let workers: Vec<_> =
                (0..count).map(|_| worker::spawn(&world, &here, own.fork())).collect();
            sleep(Duration::from_micros(own.below(5_000) as u64));
            killall(&workers);
            drop(here);
            is_empty(&world);
            world.guests.fetch_add(1, Ordering::Relaxed);
        });
        guest.join().expect("the thread of a guest");
        thread::sleep(Duration::from_millis(random.below(20) as u64));
    }
}

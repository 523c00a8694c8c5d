//! One worker: it does some random things, each of which may wait, and may be killed anywhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenhub::queue::PutError;
use greenhub::sync::Event;
use greenhub::{Greenlet, Select, iwait, offload, sleep, with_timeout, yield_now};

use crate::counted::{Guard, Item};
use crate::random::Random;
use crate::world::World;

pub(crate) fn spawn(world: &Arc<World>, mut random: Random) -> Greenlet<()> {
    let world = Arc::clone(world);
    greenhub::spawn(move || {
        let _guard = Guard::new(&world.guards);
        for _ in 0..1 + random.below(8) {
            world.operations.fetch_add(1, Ordering::Relaxed);
            if random.below(4) == 0 {
                let limit = Duration::from_micros(random.below(800) as u64);
                let _ = with_timeout(limit, || act(&world, &mut random));
            } else {
                act(&world, &mut random);
            }
        }
    })
}

fn act(world: &Arc<World>, random: &mut Random) {
    let limit = Duration::from_micros(random.below(3_000) as u64);
    match random.below(16) {
        0 => sleep(limit),
        1 => yield_now(),
        2..=4 => put(world, random, limit),
        5..=7 => get(world, random, limit),
        8 => choose(world, limit),
        9 => hold_permit(world, random, limit),
        10 => hold_lock(world, random, limit),
        11 => hold_twice(world, random, limit),
        12 => notify(world, random, limit),
        13 => happen(&world.event, random, limit),
        14 => have_child(world, random, limit),
        _ if random.below(20) == 0 => offload(|| std::thread::sleep(Duration::from_micros(50))),
        _ => wait_for_one(world, random, limit),
    }
}

fn put(world: &World, random: &mut Random, limit: Duration) {
    let item = Item::new(&world.items);
    let put = match random.below(5) {
        0 => world.fifo.put_for(item, limit),
        1 => world.lifo.put_for(item, limit),
        2 => world.heap.put_for(item, limit),
        3 => world.channel.try_put(item),
        _ => world.channel.put_for(item, limit),
    };
    if let Err(error) = put {
        assert!(!matches!(error, PutError::Unwinding(_)));
        error.into_item().take();
    }
}

fn get(world: &World, random: &mut Random, limit: Duration) {
    let got = match random.below(5) {
        0 => world.fifo.get_for(limit),
        1 => world.lifo.get_for(limit),
        2 => world.heap.get_for(limit),
        3 => world.channel.try_get(),
        _ => world.channel.get_for(limit),
    };
    if let Ok(item) = got {
        let _ = world.fifo.task_done();
        item.take();
    }
}

fn choose(world: &World, limit: Duration) {
    let mut slot = Some(Item::new(&world.items));
    let got = Select::new()
        .get(&world.channel, Result::ok)
        .put(&world.channel, &mut slot, |_| None)
        .get(&world.lifo, Result::ok)
        .wait(&world.event, || None)
        .after(limit, || None)
        .run();
    got.unwrap().into_iter().chain(slot).for_each(Item::take);
}

fn hold_permit(world: &World, random: &mut Random, limit: Duration) {
    if world.semaphore.acquire_for(limit).is_ok() {
        let _permit = Release(|| world.semaphore.release().unwrap());
        rest(random);
    }
}

/// Calls it when it is dropped, also by a kill.
struct Release<F: Fn()>(F);

impl<F: Fn()> Drop for Release<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn hold_lock(world: &World, random: &mut Random, limit: Duration) {
    if world.lock.acquire_for(limit).is_ok() {
        let _lock = Release(|| world.lock.release().unwrap());
        assert_eq!(world.inside.fetch_add(1, Ordering::SeqCst), 0, "alone in here");
        let _inside = Release(|| _ = world.inside.fetch_sub(1, Ordering::SeqCst));
        rest(random);
    }
}

fn hold_twice(world: &World, random: &mut Random, limit: Duration) {
    if world.rlock.acquire_for(limit).is_ok() {
        let _outer = Release(|| world.rlock.release().unwrap());
        let _inner = world.rlock.lock().unwrap();
        rest(random);
    }
}

fn rest(random: &mut Random) {
    match random.below(4) {
        0 => sleep(Duration::from_micros(random.below(100) as u64)),
        1 => {}
        _ => yield_now(),
    }
}

fn notify(world: &World, random: &mut Random, limit: Duration) {
    match random.below(3) {
        0 => world.condition.notify_one(),
        1 => world.condition.notify_all(),
        _ => {
            if let Ok(guard) = world.lock.lock() {
                drop(world.condition.wait_for(guard, limit));
            }
        }
    }
}

fn happen(event: &Event, random: &mut Random, limit: Duration) {
    match random.below(3) {
        0 => event.set(),
        1 => event.clear(),
        _ => drop(event.wait_for(limit)),
    }
}

fn have_child(world: &Arc<World>, random: &mut Random, limit: Duration) {
    let child = spawn(world, random.fork());
    match random.below(3) {
        0 => drop(child.wait_for(limit)),
        1 => child.kill(),
        _ => {}
    }
}

fn wait_for_one(world: &Arc<World>, random: &mut Random, limit: Duration) {
    let child = spawn(world, random.fork());
    let objects: [&dyn greenhub::Waitable; 4] =
        [&world.event, &world.semaphore, &world.fifo, &child];
    let _ = iwait(objects).limit(limit).next();
}

//! One worker: it does some random things, each of which may wait, and may be killed anywhere.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenhub::{Greenlet, Select, offload, sleep, with_timeout, yield_now};

use crate::counted::{Guard, Item};
use crate::random::Random;
use crate::sockets::{self, Echo};
use crate::world::World;

/// What the workers of one hub share.
#[derive(Clone)]
pub(crate) struct Here {
    /// Its place among the hubs that stay.
    number: usize,
    echo: Rc<Echo>,
}

impl Here {
    pub(crate) fn new(number: usize) -> Here {
        Here { number, echo: Rc::new(Echo::new()) }
    }
}

pub(crate) fn spawn(world: &Arc<World>, here: &Here, mut random: Random) -> Greenlet<()> {
    let (world, here) = (Arc::clone(world), here.clone());
    greenhub::spawn(move || {
        let _guard = Guard::new(&world.guards);
        for _ in 0..1 + random.below(8) {
            world.operations.fetch_add(1, Ordering::Relaxed);
            if random.below(4) == 0 {
                let limit = Duration::from_micros(random.below(2_000) as u64);
                let _ = with_timeout(limit, || act(&world, &here, &mut random));
            } else {
                act(&world, &here, &mut random);
            }
        }
    })
}

fn act(world: &Arc<World>, here: &Here, random: &mut Random) {
    let limit = Duration::from_micros(random.below(3_000) as u64);
    match random.below(16) {
        0 => sleep(limit),
        1 => yield_now(),
        2 | 3 => put(world, random, limit),
        4 | 5 => get(world, random, limit),
        6 => choose(world, limit),
        7 => hold(world, limit),
        8 => happen(world, random, limit),
        9 | 10 => have_child(world, here, random, limit),
        11 | 12 => sockets::talk(world, here.echo.address, random),
        13 => sockets::lose(world, random),
        14 => send(world, here, random),
        _ if random.below(10) == 0 => offload(|| std::thread::sleep(Duration::from_micros(50))),
        _ => sleep(limit / 8),
    }
}

fn put(world: &World, random: &mut Random, limit: Duration) {
    let item = Item::new(&world.items);
    let put = match random.below(2) {
        0 => world.queue.put_for(item, limit),
        _ => world.channel.put_for(item, limit),
    };
    if let Err(error) = put {
        error.into_item().take();
    }
}

fn get(world: &World, random: &mut Random, limit: Duration) {
    let got = match random.below(2) {
        0 => world.queue.get_for(limit),
        _ => world.channel.get_for(limit),
    };
    if let Ok(item) = got {
        item.take();
    }
}

fn choose(world: &World, limit: Duration) {
    let mut slot = Some(Item::new(&world.items));
    let got = Select::new()
        .get(&world.channel, Result::ok)
        .put(&world.channel, &mut slot, |_| None)
        .get(&world.queue, Result::ok)
        .wait(&world.event, || None)
        .after(limit, || None)
        .run();
    got.expect("it does not unwind").into_iter().chain(slot).for_each(Item::take);
}

/// Calls it when it is dropped, also by a kill.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn hold(world: &World, limit: Duration) {
    if world.semaphore.acquire_for(limit).is_ok() {
        let _permit = OnDrop(|| world.semaphore.release().expect("it was taken"));
        if world.lock.acquire_for(limit).is_ok() {
            let _lock = OnDrop(|| world.lock.release().expect("it was acquired"));
            sleep(limit / 16);
        }
    }
}

fn happen(world: &World, random: &mut Random, limit: Duration) {
    match random.below(3) {
        0 => world.event.set(),
        1 => world.event.clear(),
        _ => drop(world.event.wait_for(limit)),
    }
}

fn have_child(world: &Arc<World>, here: &Here, random: &mut Random, limit: Duration) {
    let child = spawn(world, here, random.fork());
    match random.below(4) {
        0 => drop(child.wait_for(limit)),
        1 => child.kill(),
        // It belongs to nobody.
        2 => {}
        _ => {
            child.link(|_| yield_now());
            child.start_kill();
        }
    }
}

/// Has another hub call something.
fn send(world: &Arc<World>, here: &Here, random: &mut Random) {
    let remotes = world.remotes.lock().expect("nobody panics with it");
    let to = random.below(remotes.len());
    let Some(remote) = remotes[to].as_ref().filter(|_| to != here.number) else { return };
    let to_answer = Arc::clone(world);
    let is_sent = remote.run_callback(move || {
        to_answer.answers.fetch_add(1, Ordering::SeqCst);
        to_answer.event.set();
    });
    world.messages.fetch_add(u64::from(is_sent), Ordering::SeqCst);
}

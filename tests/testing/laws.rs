//! The laws of queues and locks, under a thousand seeds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenhub::queue::{Channel, Queue};
use greenhub::sync::{Condition, Event, Lock, RLock, Semaphore};
use greenhub::testing;
use greenhub::{joinall, monkey, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis};

const SEEDS: u64 = 1_000;

/// Waits a little, or not, as the seed decides.
fn dawdle() {
    match testing::random_below(4) {
        0 => sleep(millis(testing::random_below(5))),
        1 => yield_now(),
        _ => {}
    }
}

#[test]
fn an_item_goes_to_one_and_in_its_order_also_when_takers_are_killed() {
    bounded(|| {
        testing::check(SEEDS, || {
            const ITEMS: usize = 20;
            let queue = Rc::new(Queue::bounded(1 + testing::random_below(3) as usize));
            let taken = Rc::new(RefCell::new(Vec::new()));
            let take = || {
                let (queue, taken) = (Rc::clone(&queue), Rc::clone(&taken));
                spawn(move || {
                    while let Ok(item) = queue.get() {
                        taken.borrow_mut().push(item);
                        dawdle();
                    }
                })
            };
            let takers = [take(), take(), take()];
            let source = Rc::clone(&queue);
            let putter = spawn(move || {
                for item in 0..ITEMS {
                    source.put(item).unwrap();
                    dawdle();
                }
                source.shutdown();
            });
            dawdle();
            takers[0].kill();
            assert!(putter.join().is_ok());
            joinall(&takers);
            // One who was killed with an item granted has put it back, in front: none is lost.
            let mut taken = taken.take();
            taken.sort_unstable();
            assert_eq!(taken, (0..ITEMS).collect::<Vec<_>>());
        });
    });
}

#[test]
fn one_putter_and_one_taker_keep_the_order() {
    bounded(|| {
        testing::check(SEEDS, || {
            let (queue, channel) = (Rc::new(Queue::bounded(2)), Rc::new(Channel::new()));
            let (first, second) = (Rc::clone(&queue), Rc::clone(&channel));
            let putter = spawn(move || {
                for n in 0..10 {
                    first.put(n).unwrap();
                    dawdle();
                }
                first.shutdown();
            });
            let between = spawn(move || {
                for n in queue.iter() {
                    second.put(n).unwrap();
                    dawdle();
                }
                second.shutdown();
            });
            assert!(channel.iter().eq(0..10));
            putter.join().unwrap();
            between.join().unwrap();
        });
    });
}

#[test]
fn a_lock_is_one_holders_at_a_time_and_is_never_lost() {
    bounded(|| {
        testing::check(SEEDS, || {
            let locks = Rc::new((Lock::new(), RLock::new(), monkey::sync::Mutex::new(())));
            let (inside, turns) = (Rc::new(Cell::new([false; 3])), Rc::new(Cell::new(0)));
            let visit = |place: usize| {
                let (inside, turns) = (Rc::clone(&inside), Rc::clone(&turns));
                move || {
                    let mut now = inside.get();
                    assert!(!std::mem::replace(&mut now[place], true), "two at a time");
                    inside.set(now);
                    struct Leave(Rc<Cell<[bool; 3]>>, usize);
                    impl Drop for Leave {
                        fn drop(&mut self) {
                            let mut now = self.0.get();
                            now[self.1] = false;
                            self.0.set(now);
                        }
                    }
                    let _leave = Leave(inside, place);
                    dawdle();
                    turns.set(turns.get() + 1);
                }
            };
            let all: Vec<_> = (0..9)
                .map(|n| {
                    let (locks, visit) = (Rc::clone(&locks), visit(n % 3));
                    spawn(move || {
                        dawdle();
                        match n % 3 {
                            0 => {
                                let _held = locks.0.lock().unwrap();
                                visit();
                            }
                            1 => {
                                let _held = locks.1.lock().unwrap();
                                visit();
                            }
                            _ => {
                                let _held = locks.2.lock().unwrap_or_else(|held| held.into_inner());
                                visit();
                            }
                        }
                    })
                })
                .collect();
            dawdle();
            let victim = &all[testing::random_below(9) as usize];
            victim.kill();
            joinall(&all);
            assert!(turns.get() >= 8, "{}", turns.get());
            assert!(locks.0.lock().is_ok() && locks.1.lock().is_ok());
        });
    });
}

#[test]
fn no_permit_is_lost_by_kills_and_limits() {
    bounded(|| {
        testing::check(SEEDS, || {
            let semaphore = Rc::new(Semaphore::new(2));
            let guests: Vec<_> = (0..6)
                .map(|_| {
                    let semaphore = Rc::clone(&semaphore);
                    spawn(move || {
                        let limit = millis(1 + testing::random_below(4));
                        let _ = with_timeout(limit, || {
                            let _held = semaphore.permit().unwrap();
                            dawdle();
                        });
                    })
                })
                .collect();
            dawdle();
            guests[testing::random_below(6) as usize].kill();
            joinall(&guests);
            assert!(semaphore.try_acquire() && semaphore.try_acquire());
            assert!(!semaphore.try_acquire());
        });
    });
}

#[test]
fn nobody_sleeps_through_an_event_or_a_notice() {
    bounded(|| {
        testing::check(SEEDS, || {
            let event = Rc::new(Event::new());
            let shared = Rc::new((Lock::new(), Condition::new(), Cell::new(0)));
            let mut all: Vec<_> = (0..4)
                .map(|_| {
                    let (event, shared) = (Rc::clone(&event), Rc::clone(&shared));
                    spawn(move || {
                        dawdle();
                        event.wait().unwrap();
                        let mut held = shared.0.lock().unwrap();
                        while shared.2.get() == 0 {
                            held = shared.1.wait(held).unwrap();
                        }
                        shared.2.set(shared.2.get() - 1);
                    })
                })
                .collect();
            all.push(spawn(move || {
                dawdle();
                event.set();
                for _ in 0..4 {
                    dawdle();
                    let _held = shared.0.lock().unwrap();
                    shared.2.set(shared.2.get() + 1);
                    shared.1.notify_one();
                }
            }));
            all.iter().for_each(|one| one.join().unwrap());
        });
    });
}

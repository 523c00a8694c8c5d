//! The clock of a simulation.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::sync::{Event, WaitError};
use greenhub::testing::{self, Simulation};
use greenhub::{Greenlet, Timer, joinall, monkey, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, secs};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_day_passes_in_no_time() {
    let (passed, really) = bounded(|| {
        let start = Instant::now();
        let passed = Simulation::new().run(|| {
            sleep(DAY);
            testing::now()
        });
        (passed, start.elapsed())
    });
    assert_eq!(passed, DAY);
    assert!(really < secs(50));
}

#[test]
fn sleeps_end_in_their_order_and_each_at_its_moment() {
    let ended = bounded(|| {
        Simulation::new().run(|| {
            let ended = Rc::new(RefCell::new(Vec::new()));
            let sleepers: Vec<_> = [30, 10, 20, 10]
                .into_iter()
                .enumerate()
                .map(|(place, hours)| {
                    let ended = Rc::clone(&ended);
                    spawn(move || {
                        sleep(secs(3_600 * hours));
                        ended.borrow_mut().push((place, testing::now()));
                    })
                })
                .collect();
            joinall(&sleepers);
            ended.take()
        })
    });
    let hours = |hours: u64| secs(3_600 * hours);
    assert_eq!(ended, [(1, hours(10)), (3, hours(10)), (2, hours(20)), (0, hours(30))]);
}

#[test]
fn what_is_due_at_one_moment_is_woken_in_the_order_in_which_it_was_set() {
    let fired = bounded(|| {
        Simulation::new().run(|| {
            let fired = Rc::new(RefCell::new(Vec::new()));
            let timers: Vec<_> = (0..50)
                .map(|n| {
                    let fired = Rc::clone(&fired);
                    let timer = Timer::new(secs(5), move || fired.borrow_mut().push(n));
                    timer.start();
                    timer
                })
                .collect();
            sleep(secs(6));
            drop(timers);
            fired.take()
        })
    });
    assert_eq!(fired, (0..50).collect::<Vec<_>>());
}

#[test]
fn time_stands_while_someone_is_ready() {
    bounded(|| {
        Simulation::new().run(|| {
            let runner = spawn(|| {
                (0..1_000).for_each(|_| yield_now());
                std::thread::sleep(millis(3));
                testing::now()
            });
            sleep(millis(1));
            assert_eq!(testing::now(), millis(1));
            assert_eq!(runner.join().unwrap(), Duration::ZERO);
        });
    });
}

#[test]
fn limits_are_over_at_their_moment_and_not_before() {
    bounded(|| {
        Simulation::new().run(|| {
            let never = Event::new();
            assert_eq!(never.wait_for(DAY), Err(WaitError::TimedOut));
            assert_eq!(testing::now(), DAY);
            assert!(with_timeout(DAY, || sleep(DAY - secs(1))).is_ok());
            assert_eq!(testing::now(), DAY * 2 - secs(1));
            assert!(with_timeout(secs(1), || never.wait()).is_err());
            assert_eq!(testing::now(), DAY * 2);
            let late: Greenlet<()> = spawn(|| sleep(DAY));
            assert!(late.join_for(secs(2)).is_err());
            assert_eq!(testing::now(), DAY * 2 + secs(2));
        });
    });
}

#[test]
fn what_looks_like_std_has_the_virtual_clock_too() {
    bounded(|| {
        Simulation::new().run(|| {
            monkey::thread::sleep(DAY);
            let (_sender, receiver) = monkey::sync::mpsc::channel::<()>();
            assert!(receiver.recv_timeout(DAY).is_err());
            monkey::thread::park_timeout(DAY);
            let pair = (monkey::sync::Mutex::new(()), monkey::sync::Condvar::new());
            let guard = pair.0.lock().unwrap();
            assert!(pair.1.wait_timeout(guard, DAY).unwrap().1.timed_out());
            assert_eq!(testing::now(), DAY * 4);
        });
    });
}

#[test]
fn a_group_is_killed_within_a_limit_of_the_virtual_clock() {
    bounded(|| {
        Simulation::new().run(|| {
            let group = greenhub::Group::new();
            group.spawn(|| {
                // It does not want to end.
                while testing::now() < DAY {
                    let _ = std::panic::catch_unwind(|| sleep(DAY));
                }
            });
            yield_now();
            assert!(!group.kill_for(secs(5)));
            assert_eq!(testing::now(), secs(5));
            assert!(group.join_for(DAY));
        });
    });
}

#[test]
fn one_who_yields_until_a_moment_has_passed_is_given_it() {
    bounded(|| {
        for simulation in [Simulation::new(), Simulation::new().seed(4)] {
            simulation.run(|| {
                let is_over = Rc::new(Cell::new(false));
                let flag = Rc::clone(&is_over);
                spawn(move || {
                    sleep(DAY);
                    flag.set(true);
                });
                while !is_over.get() {
                    yield_now();
                }
                assert_eq!(testing::now(), DAY);
            });
        }
    });
}

#[test]
fn a_kill_ends_a_virtual_sleep_without_passing_it() {
    bounded(|| {
        Simulation::new().run(|| {
            let undone = Rc::new(Cell::new(false));
            let flag = Rc::clone(&undone);
            let sleeper = spawn(move || {
                struct Undo(Rc<Cell<bool>>);
                impl Drop for Undo {
                    fn drop(&mut self) {
                        self.0.set(true);
                    }
                }
                let _undo = Undo(flag);
                sleep(DAY);
            });
            sleep(secs(1));
            sleeper.kill();
            assert!(undone.get() && sleeper.is_finished());
            assert_eq!(testing::now(), secs(1));
            sleep(DAY * 2);
            assert_eq!(testing::now(), secs(1) + DAY * 2);
        });
    });
}

#[test]
fn a_hub_that_is_joined_ends_at_the_last_of_its_sleeps() {
    bounded(|| {
        Simulation::new().run(|| {
            spawn(|| sleep(DAY));
            spawn(|| sleep(DAY * 3));
            greenhub::Hub::current().join();
            assert_eq!(testing::now(), DAY * 3);
        });
    });
}

#[test]
fn idle_comes_before_time_passes() {
    bounded(|| {
        Simulation::new().run(|| {
            let sleeper = spawn(|| sleep(secs(1)));
            greenhub::idle();
            assert_eq!(testing::now(), Duration::ZERO);
            sleeper.join().unwrap();
        });
    });
}

//! ThreadPool: spawn, apply, join, kill.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use greenhub::sync::{Event, WaitError};
use greenhub::{FutureError, Hub, ThreadPool, joinall, sleep, spawn, with_timeout, yield_now};

use crate::support::{Door, bounded, fail, millis, unhandled, until};

#[test]
fn a_task_is_done_on_another_thread() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let id = pool.spawn(|| thread::current().id()).result().unwrap();
        assert_ne!(id, thread::current().id());
        assert_eq!(pool.apply(|| thread::current().id()), id, "it is used again");
    });
}

#[test]
fn other_greenlets_run_while_one_waits_for_a_task() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let opener = door.clone();
        let held = pool.spawn(door.task());
        let other = spawn(move || opener.open());
        held.result().unwrap();
        assert!(other.is_finished());
    });
}

#[test]
fn a_pool_of_one_takes_two_tasks_and_then_spawn_waits() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        let doors = [(); 3].map(|()| Door::default());
        assert_eq!((pool.len(), pool.size()), (0, 0));
        pool.spawn(doors[0].task());
        assert_eq!((pool.len(), pool.size()), (1, 1));
        pool.spawn(doors[1].task());
        assert_eq!((pool.len(), pool.size()), (2, 1));
        let (theirs, task) = (Arc::clone(&pool), doors[2].task());
        let third = spawn(move || theirs.spawn(task));
        sleep(millis(5));
        assert!(!third.is_finished());
        assert_eq!(pool.len(), 2);
        doors[0].open();
        let third = third.join().unwrap();
        assert_eq!(pool.len(), 2);
        doors[1].open();
        until(|| pool.len() == 1);
        doors[2].open();
        third.result().unwrap();
        pool.join().unwrap();
        assert!(pool.is_empty());
    });
}

#[test]
fn a_greenlet_that_is_killed_while_it_waits_for_room_takes_none() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(0));
        let first = pool.spawn(|| 1);
        let waits = |n| {
            let pool = Arc::clone(&pool);
            spawn(move || pool.spawn(move || n))
        };
        let (second, third) = (waits(2), waits(3));
        yield_now();
        // It is granted its room in the turn in which it is killed.
        assert!(first.cancel());
        second.kill();
        let third = third.join().unwrap();
        assert_eq!(pool.len(), 1);
        pool.set_maxsize(1).unwrap();
        assert_eq!(third.result().unwrap(), 3);
        assert!(matches!(second.join(), Err(greenhub::JoinError::Killed)));
    });
}

#[test]
fn a_timeout_while_one_waits_for_room_or_for_the_end_leaves_nothing_behind() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let doors = [(); 2].map(|()| Door::default());
        let futures = doors.each_ref().map(|door| pool.spawn(door.task()));
        for _ in 0..3 {
            assert!(with_timeout(millis(1), || pool.spawn(|| ())).is_err());
            assert!(with_timeout(millis(1), || pool.join()).is_err());
            assert_eq!(pool.len(), 2);
        }
        doors.iter().for_each(Door::open);
        futures.iter().for_each(|future| future.result().unwrap());
        pool.join().unwrap();
        assert_eq!(pool.map(|n: u8| n, [1, 2, 3]), [1, 2, 3]);
    });
}

#[test]
fn a_callback_of_the_hub_can_give_a_task_while_there_is_room() {
    bounded(|| {
        let told = unhandled();
        let pool = Arc::new(ThreadPool::new(0));
        let remote = Hub::current().remote();
        for n in [1, 2] {
            let own = Arc::clone(&pool);
            remote.run_callback(move || drop(own.spawn(move || n)));
        }
        sleep(millis(1));
        assert_eq!(pool.len(), 1);
        assert_eq!(told.borrow().len(), 1, "{told:?}");
        assert!(told.borrow()[0].contains("cannot wait"), "{told:?}");
        pool.set_maxsize(1).unwrap();
        pool.join().unwrap();
    });
}

#[test]
fn apply_returns_the_value_or_panics_with_the_panic() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        assert_eq!(pool.apply(|| 7), 7);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.apply(|| fail::<()>("no"));
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"no"));
        assert_eq!(pool.apply(|| 8), 8);
    });
}

#[test]
fn apply_in_a_task_of_the_same_pool_is_done_right_there() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        let own = Arc::clone(&pool);
        let same = pool.apply(move || {
            let outer = thread::current().id();
            let inner = own.apply(|| thread::current().id());
            let mapped = own.map(|_: u8| thread::current().id(), [1]);
            let walked = own.imap(|_: u8| thread::current().id(), [1]).next().unwrap().unwrap();
            [inner, mapped[0], walked].iter().all(|id| *id == outer)
        });
        assert!(same);
    });
}

#[test]
fn apply_in_a_task_of_another_pool_is_done_there() {
    bounded(|| {
        let (one, two) = (Arc::new(ThreadPool::new(1)), Arc::new(ThreadPool::new(1)));
        let first = Arc::clone(&one);
        let ids =
            two.apply(move || (first.apply(|| thread::current().id()), thread::current().id()));
        assert_ne!(ids.0, ids.1);
    });
}

#[test]
fn a_task_gives_its_own_pool_more_without_waiting_for_room() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        let own = Arc::clone(&pool);
        let inner = pool.apply(move || (0..10).map(|n| own.spawn(move || n)).collect::<Vec<_>>());
        let sum: i32 = inner.iter().map(|future| future.result().unwrap()).sum();
        assert_eq!(sum, 45);
        pool.join().unwrap();
    });
}

#[test]
fn a_task_may_sleep_and_spawn_greenlets() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        let sum = pool.apply(|| {
            let naps: Vec<_> = (0..10)
                .map(|n| {
                    spawn(move || {
                        sleep(millis(n));
                        n
                    })
                })
                .collect();
            joinall(&naps);
            naps.iter().map(|nap| nap.join().unwrap()).sum::<u64>()
        });
        assert_eq!(sum, 45);
    });
}

#[test]
fn a_file_or_an_offload_within_an_offload_needs_no_second_thread() {
    bounded(|| {
        let deep = |n: u32| -> u32 {
            fn nest(n: u32) -> u32 {
                greenhub::offload(|| if n == 0 { 0 } else { 1 + nest(n - 1) })
            }
            nest(n)
        };
        assert_eq!(deep(40), 40, "more than there are threads");
    });
}

#[test]
fn a_killed_waiter_leaves_its_task_running() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        let door = Door::default();
        let (theirs, task) = (Arc::clone(&pool), door.task());
        let done = Arc::new(Event::new());
        let tell = Arc::clone(&done);
        let waiter = spawn(move || {
            theirs.apply(move || {
                task();
                tell.set();
            });
        });
        sleep(millis(2));
        waiter.kill();
        assert!(!done.is_set());
        assert_eq!(pool.len(), 1);
        door.open();
        done.wait().unwrap();
        pool.join().unwrap();
    });
}

#[test]
fn a_timeout_leaves_the_task_running() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let task = door.hold(&pool);
        assert!(with_timeout(millis(5), || task.result()).is_err());
        assert!(matches!(task.result_for(millis(1)), Err(FutureError::TimedOut)));
        assert!(task.running());
        door.open();
        task.result().unwrap();
    });
}

#[test]
fn a_plain_thread_gives_and_waits_as_well() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(2));
        let future = pool.spawn(|| {
            thread::sleep(millis(5));
            7
        });
        let theirs = Arc::clone(&pool);
        let plain = thread::spawn(move || {
            (future.result().unwrap(), theirs.spawn(|| 8).result().unwrap(), theirs.apply(|| 9))
        });
        assert_eq!(plain.join().unwrap(), (7, 8, 9));
    });
}

#[test]
fn greenlets_of_several_threads_wait_for_room_in_one_pool() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(2));
        let threads = [(); 3].map(|()| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let greenlets: Vec<_> = (0..20)
                    .map(|n| {
                        let pool = Arc::clone(&pool);
                        spawn(move || pool.spawn(move || n).result().unwrap())
                    })
                    .collect();
                greenlets.iter().map(|greenlet| greenlet.join().unwrap()).sum::<u32>()
            })
        });
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [190; 3]);
        pool.join().unwrap();
        assert!(pool.size() <= 2);
    });
}

#[test]
fn ten_thousand_tasks_are_done() {
    bounded(|| {
        let pool = ThreadPool::new(4);
        let futures: Vec<_> = (0..10_000u64).map(|n| pool.spawn(move || n)).collect();
        let sum: u64 = futures.iter().map(|future| future.result().unwrap()).sum();
        assert_eq!(sum, 9_999 * 10_000 / 2);
        pool.join().unwrap();
        assert_eq!(pool.len(), 0);
    });
}

#[test]
fn join_with_a_limit_says_whether_all_are_done() {
    bounded(|| {
        let pool = ThreadPool::new(1);
        assert_eq!(pool.join_for(Duration::ZERO), Ok(()));
        let door = Door::default();
        let held = door.hold(&pool);
        assert_eq!(pool.join_for(Duration::ZERO), Err(WaitError::TimedOut));
        assert_eq!(pool.join_for(millis(2)), Err(WaitError::TimedOut));
        door.open();
        assert_eq!(pool.join(), Ok(()));
        assert!(held.done());
    });
}

#[test]
fn kill_does_what_is_queued_and_ends_the_threads() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        let doors = [(); 2].map(|()| Door::default());
        let held = doors.each_ref().map(|door| door.hold(&pool));
        let queued = pool.spawn(|| 7);
        let opener = spawn(move || {
            sleep(millis(2));
            doors.iter().for_each(Door::open);
        });
        pool.kill().unwrap();
        assert!(held.iter().all(|held| held.done()) && queued.done());
        assert_eq!(pool.size(), 0);
        opener.join().unwrap();
        assert_eq!(pool.apply(|| 8), 8, "it can be used again");
        pool.kill().unwrap();
        pool.kill().unwrap();
    });
}

#[test]
fn two_who_kill_a_pool_both_wait_for_its_threads_and_for_no_later_ones() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(2));
        pool.set_idle_timeout(None);
        let door = Door::default();
        door.hold(&pool);
        let killers = [(); 2].map(|()| {
            let pool = Arc::clone(&pool);
            spawn(move || pool.kill())
        });
        sleep(millis(2));
        assert!(killers.iter().all(|killer| !killer.is_finished()));
        assert_eq!(pool.apply(|| 7), 7, "by a thread that stays");
        door.open();
        killers.iter().for_each(|killer| killer.join().unwrap().unwrap());
        assert_eq!(pool.size(), 1);
    });
}

#[test]
fn a_task_that_would_wait_for_its_own_pool_is_told_so() {
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(1));
        for ask in [ThreadPool::join, ThreadPool::kill] {
            let own = Arc::clone(&pool);
            let error = pool.spawn(move || ask(&own)).result().unwrap_err();
            assert!(error.to_string().contains("would wait for itself"), "{error}");
        }
    });
}

#[test]
fn a_pool_in_a_static_serves_everyone() {
    static POOL: std::sync::LazyLock<ThreadPool> = std::sync::LazyLock::new(|| ThreadPool::new(2));
    bounded(|| assert_eq!(POOL.apply(|| 7), 7));
    bounded(|| assert_eq!(POOL.apply(|| 8), 8));
}

#[test]
fn a_greenlet_that_unwinds_gets_what_needs_no_waiting() {
    struct Asks(Arc<ThreadPool>, Arc<Event>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let queued = self.0.spawn(|| 7);
            let applied = self.0.apply(|| 8);
            let refused = matches!(queued.result(), Err(FutureError::Unwinding));
            if applied == 8 && refused && self.0.join() == Err(WaitError::Unwinding) {
                self.1.set();
            }
        }
    }
    bounded(|| {
        let pool = Arc::new(ThreadPool::new(0));
        let first = pool.spawn(|| 1);
        let as_it_should = Arc::new(Event::new());
        let asks = Asks(Arc::clone(&pool), Arc::clone(&as_it_should));
        let greenlet = spawn(move || {
            let _asks = asks;
            sleep(Duration::MAX);
        });
        yield_now();
        greenlet.kill();
        assert!(as_it_should.is_set());
        assert_eq!(pool.len(), 2, "it was full, and took one more");
        pool.set_maxsize(1).unwrap();
        assert_eq!(first.result().unwrap(), 1);
        pool.join().unwrap();
    });
}
